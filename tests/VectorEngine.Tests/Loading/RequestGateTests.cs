using VectorEngine.Loading;

namespace VectorEngine.Tests.Loading;

public sealed class RequestGateTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task WhoeverDoesNotFitWaitsInOrder()
    {
        var gate = new RequestGate(maxRequests: 2, maxBytes: 100);
        Assert.True(gate.EnterAsync(40, false, default).IsCompletedSuccessfully);
        Task tooLong = gate.EnterAsync(70, false, default).AsTask(), behind = gate.EnterAsync(1, false, default).AsTask();
        Assert.False(tooLong.IsCompleted || behind.IsCompleted); // the second would fit, but it is not its turn
        gate.Leave(40, false);
        await Task.WhenAll(tooLong, behind).WaitAsync(Patience);
        Assert.Equal(71, gate.Bytes);
        Task third = gate.EnterAsync(1, false, default).AsTask();
        Assert.False(third.IsCompleted); // two are on their way
        gate.Leave(1, false);
        await third.WaitAsync(Patience);
        gate.Leave(70, false);
        gate.Leave(1, false);
        Assert.Equal(0, gate.Bytes);
    }

    [Fact]
    public void WhatNeverFitsGoesAlone()
    {
        var gate = new RequestGate(maxRequests: 2, maxBytes: 100);
        Assert.True(gate.EnterAsync(1000, false, default).IsCompletedSuccessfully);
        Assert.False(gate.EnterAsync(1, false, default).IsCompleted);
    }

    [Fact]
    public async Task WhoeverIsCancelledIsNotCounted()
    {
        var gate = new RequestGate(maxRequests: 1, maxBytes: 100);
        await gate.EnterAsync(10, false, default);
        using var cancellation = new CancellationTokenSource();
        Task cancelled = gate.EnterAsync(20, false, cancellation.Token).AsTask(), next = gate.EnterAsync(30, false, default).AsTask();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.WaitAsync(Patience));
        Assert.False(next.IsCompleted);
        gate.Leave(10, false);
        await next.WaitAsync(Patience);
        Assert.Equal(30, gate.Bytes);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gate.EnterAsync(1, false, cancellation.Token).AsTask());
        gate.Leave(30, false);
        Assert.Equal(0, gate.Bytes);
        await gate.EnterAsync(100, false, default);
    }

    [Fact]
    public async Task WhoeverIsCancelledMakesWayForThoseBehind()
    {
        var gate = new RequestGate(maxRequests: 3, maxBytes: 100);
        await gate.EnterAsync(40, false, default);
        using var cancellation = new CancellationTokenSource();
        Task tooLong = gate.EnterAsync(70, false, cancellation.Token).AsTask();
        Task[] behind = [.. new[] { 20, 30, 1 }.Select(bytes => gate.EnterAsync(bytes, false, default).AsTask())];
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => tooLong.WaitAsync(Patience));
        await Task.WhenAll(behind[..2]).WaitAsync(Patience);
        Assert.False(behind[2].IsCompleted); // three are on their way
        Assert.Equal(90, gate.Bytes);
    }

    [Fact]
    public async Task ManyAtOnceStayWithinTheLimits()
    {
        const int MaxRequests = 5, MaxBytes = 100;
        var gate = new RequestGate(MaxRequests, MaxBytes);
        int requests = 0, bytes = 0;
        await Parallel.ForAsync(0, 2000, new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (i, _) =>
        {
            int length = 1 + (i * 37 % 60);
            using var cancellation = new CancellationTokenSource();
            if (i % 7 == 0)
                cancellation.CancelAfter(TimeSpan.FromMilliseconds(i % 3));
            try
            {
                await gate.EnterAsync(length, false, cancellation.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            Assert.InRange(Interlocked.Increment(ref requests), 1, MaxRequests);
            Assert.InRange(Interlocked.Add(ref bytes, length), 1, MaxBytes);
            await Task.Yield();
            Interlocked.Add(ref bytes, -length);
            Interlocked.Decrement(ref requests);
            gate.Leave(length, false);
        });
        Assert.Equal(0, gate.Bytes);
        Assert.True(gate.EnterAsync(1, false, default).IsCompletedSuccessfully);
    }

    [Fact]
    public async Task QuietIsWhenNothingIsOnItsWay()
    {
        var gate = new RequestGate(2, 100);
        await gate.QuietAsync(Patience, default);
        await gate.EnterAsync(10, false, default);
        await gate.QuietAsync(TimeSpan.FromMilliseconds(1), default); // out of patience
        Task quiet = gate.QuietAsync(Patience, default).AsTask();
        Assert.False(quiet.IsCompleted);
        gate.Leave(10, false);
        await quiet.WaitAsync(Patience);
        using var cancellation = new CancellationTokenSource(TimeSpan.FromMilliseconds(1));
        await gate.EnterAsync(10, false, default);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gate.QuietAsync(Patience, cancellation.Token).AsTask());
    }
}

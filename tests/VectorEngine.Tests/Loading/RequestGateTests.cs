using VectorEngine.Loading;

namespace VectorEngine.Tests.Loading;

public sealed class RequestGateTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task WhoeverDoesNotFitWaitsInOrder()
    {
        var gate = new RequestGate(maxRequests: 2, maxBytes: 100);
        Assert.True(gate.EnterAsync(40, default).IsCompletedSuccessfully);
        Task tooLong = gate.EnterAsync(70, default).AsTask(), behind = gate.EnterAsync(1, default).AsTask();
        Assert.False(tooLong.IsCompleted || behind.IsCompleted); // the second would fit, but it is not its turn
        gate.Leave(40);
        await Task.WhenAll(tooLong, behind).WaitAsync(Patience);
        Assert.Equal(71, gate.Bytes);
        Task third = gate.EnterAsync(1, default).AsTask();
        Assert.False(third.IsCompleted); // two are on their way
        gate.Leave(1);
        await third.WaitAsync(Patience);
        gate.Leave(70);
        gate.Leave(1);
        Assert.Equal(0, gate.Bytes);
    }

    [Fact]
    public void WhatNeverFitsGoesAlone()
    {
        var gate = new RequestGate(maxRequests: 2, maxBytes: 100);
        Assert.True(gate.EnterAsync(1000, default).IsCompletedSuccessfully);
        Assert.False(gate.EnterAsync(1, default).IsCompleted);
    }

    [Fact]
    public async Task WhoeverIsCancelledIsNotCounted()
    {
        var gate = new RequestGate(maxRequests: 1, maxBytes: 100);
        await gate.EnterAsync(10, default);
        using var cancellation = new CancellationTokenSource();
        Task cancelled = gate.EnterAsync(20, cancellation.Token).AsTask(), next = gate.EnterAsync(30, default).AsTask();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.WaitAsync(Patience));
        Assert.False(next.IsCompleted);
        gate.Leave(10);
        await next.WaitAsync(Patience);
        Assert.Equal(30, gate.Bytes);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gate.EnterAsync(1, cancellation.Token).AsTask());
        gate.Leave(30);
        Assert.Equal(0, gate.Bytes);
        await gate.EnterAsync(100, default);
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
                await gate.EnterAsync(length, cancellation.Token);
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
            gate.Leave(length);
        });
        Assert.Equal(0, gate.Bytes);
        Assert.True(gate.EnterAsync(1, default).IsCompletedSuccessfully);
    }

    [Fact]
    public async Task QuietIsWhenNothingIsOnItsWay()
    {
        var gate = new RequestGate(2, 100);
        await gate.QuietAsync(Patience, default);
        await gate.EnterAsync(10, default);
        await gate.QuietAsync(TimeSpan.FromMilliseconds(1), default); // out of patience
        Task quiet = gate.QuietAsync(Patience, default).AsTask();
        Assert.False(quiet.IsCompleted);
        gate.Leave(10);
        await quiet.WaitAsync(Patience);
        using var cancellation = new CancellationTokenSource(TimeSpan.FromMilliseconds(1));
        await gate.EnterAsync(10, default);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gate.QuietAsync(Patience, cancellation.Token).AsTask());
    }
}

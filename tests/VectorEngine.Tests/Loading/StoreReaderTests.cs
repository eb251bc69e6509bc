using VectorEngine.Loading;
using VectorEngine.Storage;
using VectorEngine.Testing;

namespace VectorEngine.Tests.Loading;

public sealed class StoreReaderTests
{
    private const string Key = "object";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly byte[] Content = [.. Enumerable.Range(0, 200).Select(i => (byte)i)];

    [Theory]
    [InlineData(3, true)]
    [InlineData(4, false)]
    public async Task WhatMayPassIsTriedFourTimes(int failures, bool succeeds)
    {
        var store = new FaultyStore(await InnerAsync(), request => request.Number <= failures ? Fault.Throttling : null);
        var scope = new ReadScope();
        Task<byte[]> read = ReadAsync(store, scope);
        if (succeeds)
            Assert.Equal(Content[10..60], await read);
        else
            Assert.True((await Assert.ThrowsAsync<StoreException>(() => read)).IsTransient);
        Assert.Equal((4, 200L, 1), (scope.Requests, scope.Bytes, scope.Rounds));
    }

    [Fact]
    public async Task WhatWillNotPassIsNotTriedAgain()
    {
        var denied = Fault.Failure(() => new StoreException(Key, 0, 0, "denied", isTransient: false));
        var scope = new ReadScope();
        await Assert.ThrowsAsync<StoreException>(async () => await ReadAsync(new FaultyStore(await InnerAsync(), _ => denied), scope));
        await Assert.ThrowsAsync<ObjectNotFoundException>(
            async () => await ReadAsync(new FaultyStore(await InnerAsync(), _ => Fault.Vanishing), scope));
        Assert.Equal(2, scope.Requests);
    }

    [Fact]
    public async Task ALateRequestIsMadeTwiceAndTheFasterOneCounts()
    {
        var store = new HeldStore(await InnerAsync());
        var scope = new ReadScope();
        Task<byte[]> reading = ReadAsync(store, scope);
        HeldRead first = await store.ReadAsync(0), second = await store.ReadAsync(1);
        second.Complete();
        Assert.Equal(Content[10..60], await reading.WaitAsync(Patience));
        Assert.True(first.Cancelled.IsCancellationRequested);
        Assert.Equal(2, scope.Requests);
    }

    [Fact]
    public async Task ALateRequestMayStillBeTheFaster()
    {
        var store = new HeldStore(await InnerAsync());
        Task<byte[]> reading = ReadAsync(store, new ReadScope());
        HeldRead first = await store.ReadAsync(0), second = await store.ReadAsync(1);
        first.Complete();
        Assert.Equal(Content[10..60], await reading.WaitAsync(Patience));
        Assert.True(second.Cancelled.IsCancellationRequested);
    }

    [Fact]
    public async Task ALateRequestIsMadeTwiceOnlyIfThereIsRoomAndThenBothCount()
    {
        const int Most = 64 << 20;
        var store = new HeldStore(await InnerAsync());
        using var reader = new StoreReader(store);
        await reader.Gate.EnterAsync(Most - 60, false, default);
        Task reading = reader.ReadAsync(Key, 10, new byte[50], new ReadScope(), default).AsTask();
        await store.ReadAsync(0);
        await Task.Delay(700); // late is what takes half a second, as long as nothing else is known
        Assert.Equal((1, Most - 10), (store.Count, reader.Gate.Bytes));
        reader.Gate.Leave(Most - 60, false);
        HeldRead second = await store.ReadAsync(1);
        Assert.Equal(100, reader.Gate.Bytes);
        second.Complete();
        await reading.WaitAsync(Patience);
        Assert.Equal(0, reader.Gate.Bytes);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task OneOfTwoRequestsMayFail(int failing)
    {
        var store = new HeldStore(await InnerAsync());
        Task<byte[]> reading = ReadAsync(store, new ReadScope());
        await store.ReadAsync(1);
        (await store.ReadAsync(failing)).Fail(new StoreException(Key, 0, 0, "reset", isTransient: true));
        await Task.Delay(20);
        Assert.False(reading.IsCompleted);
        (await store.ReadAsync(1 - failing)).Complete();
        Assert.Equal(Content[10..60], await reading.WaitAsync(Patience));
        Assert.Equal(2, store.Count);
    }

    [Fact]
    public async Task NothingIsWrittenToTheDestinationLater()
    {
        var store = new HeldStore(await InnerAsync(), heedsCancellation: false);
        Task<byte[]> reading = ReadAsync(store, new ReadScope());
        HeldRead first = await store.ReadAsync(0);
        (await store.ReadAsync(1)).Complete();
        await Task.Delay(20);
        Assert.False(reading.IsCompleted); // the first may write until it has ended
        first.Complete();
        Assert.Equal(Content[10..60], await reading.WaitAsync(Patience));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task CancellingCancelsWhatIsOnItsWay(int requests)
    {
        var store = new HeldStore(await InnerAsync());
        using var cancellation = new CancellationTokenSource();
        using var reader = new StoreReader(store);
        Task reading = reader.ReadAsync(Key, 10, new byte[50], new ReadScope(), cancellation.Token).AsTask();
        HeldRead last = await store.ReadAsync(requests - 1);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.WaitAsync(Patience));
        Assert.True(last.Cancelled.IsCancellationRequested);
        await WaitAsync(() => reader.Gate.Bytes == 0);
    }

    private static async Task WaitAsync(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!condition())
            await Task.Delay(1, patience.Token);
    }

    private static async Task<MemoryObjectStore> InnerAsync()
    {
        var store = new MemoryObjectStore();
        await store.WriteAsync(Key, Content, WriteCondition.None);
        return store;
    }

    private static async Task<byte[]> ReadAsync(IObjectStore store, ReadScope scope)
    {
        using var reader = new StoreReader(store);
        byte[] destination = new byte[50];
        await reader.ReadAsync(Key, 10, destination, scope, CancellationToken.None);
        return destination;
    }
}

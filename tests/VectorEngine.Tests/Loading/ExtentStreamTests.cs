using VectorEngine.Loading;

namespace VectorEngine.Tests.Loading;

public sealed class ExtentStreamTests
{
    private const int Group = 3;

    [Fact]
    public async Task ExtentsComeInOrderWhetherOrNotTheyWereAtHand()
    {
        ResidentLayer layer = TestLayer.Open(await TestLayer.StoreAsync());
        foreach (int extent in new[] { 4, 30, 31 })
            await layer.ReadAsync(extent, new ReadScope(), default);
        int[] extents = [9, 4, 7, 30, 31, 2, 199, 9, 100, 50]; // an order of visits may come back to a list
        using var stream = new ExtentStream(layer, extents, Group, new ReadScope());
        foreach (int extent in extents)
            Assert.Equal(TestLayer.Bytes(extent), (await stream.NextAsync(default)).ToArray());
    }

    [Fact]
    public async Task AGroupIsReadAheadAndCancelledAtTheEnd()
    {
        var store = new HeldStore(await TestLayer.StoreAsync());
        using var stream = new ExtentStream(TestLayer.Open(store), Enumerable.Range(0, 50), Group, new ReadScope());
        Task<ReadOnlyMemory<byte>> first = stream.NextAsync(default).AsTask();
        HeldRead reading = await store.ReadAsync(0), ahead = await store.ReadAsync(1);
        Assert.Equal((0L, Group * TestLayer.Length), (reading.Offset, reading.Length));
        Assert.Equal((Group * TestLayer.Length, Group * TestLayer.Length), ((int)ahead.Offset, ahead.Length));
        reading.Complete();
        Assert.Equal(TestLayer.Bytes(0), (await first).ToArray());
        stream.Dispose();
        Assert.True(ahead.Cancelled.IsCancellationRequested);
        Assert.Equal(2, store.Count);
    }
}

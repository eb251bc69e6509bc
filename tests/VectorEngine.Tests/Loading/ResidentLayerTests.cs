using System.Buffers;
using System.Runtime.InteropServices;
using VectorEngine.Loading;
using VectorEngine.Storage;
using VectorEngine.Testing;
using VectorEngine.Tests.Index;
using VectorEngine.Tests.Storage;

namespace VectorEngine.Tests.Loading;

public sealed class ResidentLayerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task OperationsShareWhatIsOnItsWay()
    {
        var store = new HeldStore(await TestLayer.StoreAsync());
        ResidentLayer layer = TestLayer.Open(store);
        ReadScope first = new(), second = new();
        using ExtentReads one = layer.Start([3, 4], first), two = layer.Start([4], second);
        (await store.ReadAsync(0)).Complete();
        Assert.Equal(TestLayer.Bytes(4), (await two.GetAsync(4, default).AsTask().WaitAsync(Patience)).ToArray());
        await one.AllAsync(default);
        Assert.Equal(TestLayer.Bytes(3), one.Get(3).ToArray());
        Assert.Equal((1, 1, 0, 1), (first.Requests, first.Rounds, second.Requests, second.Rounds));
        Assert.Equal(1, store.Count);
        Assert.True(layer.TryRead(3, out ReadOnlyMemory<byte> kept));
        Assert.Equal(TestLayer.Bytes(3), kept.ToArray());
    }

    [Fact]
    public async Task WhatNobodyWaitsForIsCancelled()
    {
        var store = new HeldStore(await TestLayer.StoreAsync());
        ResidentLayer layer = TestLayer.Open(store);
        ExtentReads one = layer.Start([3, 4], new ReadScope()), two = layer.Start([4], new ReadScope());
        HeldRead read = await store.ReadAsync(0);
        one.Dispose();
        one.Dispose();
        Assert.False(read.Cancelled.IsCancellationRequested);
        two.Dispose();
        Assert.True(read.Cancelled.IsCancellationRequested);

        using ExtentReads again = layer.Start([4], new ReadScope());
        (await store.ReadAsync(1)).Complete();
        Assert.Equal(TestLayer.Bytes(4), (await again.GetAsync(4, default).AsTask().WaitAsync(Patience)).ToArray());
    }

    [Fact]
    public async Task WhoeverStopsWaitingDoesNotDisturbOthers()
    {
        var store = new HeldStore(await TestLayer.StoreAsync());
        ResidentLayer layer = TestLayer.Open(store);
        using var cancellation = new CancellationTokenSource();
        using ExtentReads other = layer.Start([4], new ReadScope());
        Task cancelled = layer.ReadAsync(4, new ReadScope(), cancellation.Token).AsTask();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.WaitAsync(Patience));
        (await store.ReadAsync(0)).Complete();
        await other.AllAsync(default).WaitAsync(Patience);
    }

    [Theory]
    [InlineData(FaultName.BitFlip)]
    [InlineData(FaultName.Truncation)]
    [InlineData(FaultName.Reset)]
    public async Task WhatIsDamagedOnItsWayIsReadAgain(FaultName name)
    {
        var store = new FaultyStore(await TestLayer.StoreAsync(), request => request.Number == 1 ? FaultOf(name) : null);
        var budget = new MemoryBudget(1 << 20);
        var scope = new ReadScope();
        Assert.Equal(TestLayer.Bytes(5), (await TestLayer.Open(store, budget).ReadAsync(5, scope, default)).ToArray());
        Assert.Equal((2, TestLayer.Length), (scope.Requests, budget.Used));
    }

    [Fact]
    public async Task WhatIsDamagedTwiceIsCorrupt()
    {
        var store = new FaultyStore(await TestLayer.StoreAsync(), _ => Fault.BitFlip);
        var budget = new MemoryBudget(1 << 20);
        ResidentLayer layer = TestLayer.Open(store, budget);
        var scope = new ReadScope();
        var corrupt = await Assert.ThrowsAsync<CorruptDataException>(async () => await layer.ReadAsync(5, scope, default));
        Assert.Equal(5 * TestLayer.Length, corrupt.Offset);
        Assert.Equal((2, 0L), (scope.Requests, budget.Used));
        Assert.False(layer.TryRead(5, out _));
    }

    [Theory]
    [InlineData(3 * TestLayer.Length, true)]
    [InlineData((3 * TestLayer.Length) - 1, false)]
    public async Task WhatLiesBetweenIsKeptIfThereIsRoom(int limit, bool isKept)
    {
        var store = new FaultyStore(await TestLayer.StoreAsync(), _ => null);
        var budget = new MemoryBudget(limit);
        ResidentLayer layer = TestLayer.Open(store, budget);
        using ExtentReads reads = layer.Start([7, 9], new ReadScope());
        await reads.AllAsync(default);
        Assert.Equal(TestLayer.Bytes(9), reads.Get(9).ToArray());
        Assert.Equal(1, store.Requests);
        Assert.Equal(isKept, layer.TryRead(8, out _));
        Assert.Equal((isKept ? 3 : 2) * TestLayer.Length, budget.Used);
    }

    [Fact]
    public async Task WithoutRoomReadsAreAnsweredAllTheSame()
    {
        var budget = new MemoryBudget(0);
        ResidentLayer layer = TestLayer.Open(await TestLayer.StoreAsync(), budget);
        using ExtentReads reads = layer.Start([7, 9, 50], new ReadScope());
        await reads.AllAsync(default);
        Assert.Equal(TestLayer.Bytes(50), reads.Get(50).ToArray());
        budget.TrimTo(0);
        Assert.Equal(0, budget.Used);
        Assert.Equal(TestLayer.Bytes(7), reads.Get(7).ToArray());
    }

    [Fact]
    public async Task TheCacheOnDiskIsReadFirstAndWhatIsWrongInItReplaced()
    {
        using var folder = new TemporaryFolder();
        using var cache = new DiskCache(folder.Path, 1 << 20);
        cache.Add(TestLayer.Key, 5 * TestLayer.Length, TestLayer.Bytes(5));
        cache.Add(TestLayer.Key, 6 * TestLayer.Length, TestLayer.Bytes(7));
        await cache.FlushAsync();
        ResidentLayer layer = TestLayer.Open(await TestLayer.StoreAsync(), cache: cache);
        var scope = new ReadScope();
        using ExtentReads reads = layer.Start([5, 6], scope);
        await reads.AllAsync(default);
        Assert.Equal(TestLayer.Bytes(5), reads.Get(5).ToArray());
        Assert.Equal(TestLayer.Bytes(6), reads.Get(6).ToArray());
        Assert.Equal((1, TestLayer.Length), (scope.Requests, scope.Bytes));
        await cache.FlushAsync();
        byte[] replaced = new byte[TestLayer.Length];
        Assert.True(cache.TryRead(TestLayer.Key, 6 * TestLayer.Length, replaced));
        Assert.Equal(TestLayer.Bytes(6), replaced);
    }

    [Fact]
    public async Task WhatAFailedReadMayStillWriteToIsUsedForNothingElse()
    {
        var store = new AbandoningStore(await TestLayer.StoreAsync());
        ResidentLayer layer = TestLayer.Open(store);
        using ExtentReads reads = layer.Start([7, 8], new ReadScope());
        Assert.True(MemoryMarshal.TryGetArray(store.Abandoned, out ArraySegment<byte> written));
        byte[] next = ArrayPool<byte>.Shared.Rent(store.Abandoned.Length); // on the thread that would have given it back
        Assert.NotSame(written.Array, next);
        await Assert.ThrowsAsync<StoreException>(async () => await reads.AllAsync(default));
    }

    /// <summary>Fails reads while it still has their destination.</summary>
    private sealed class AbandoningStore(IObjectStore inner) : PassingStore(inner)
    {
        public ReadOnlyMemory<byte> Abandoned { get; private set; }

        public override ValueTask ReadAsync(string key, long offset, Memory<byte> destination, CancellationToken cancellationToken = default)
        {
            Abandoned = destination;
            throw new StoreException(key, offset, destination.Length, "given up", isTransient: false);
        }
    }

    /// <summary>Faults by name, as test cases.</summary>
    public enum FaultName
    {
        BitFlip, Truncation, Reset,
    }

    private static Fault FaultOf(FaultName name) => name switch
    {
        FaultName.BitFlip => Fault.BitFlip,
        FaultName.Truncation => Fault.Truncation,
        _ => Fault.Reset,
    };
}

using VectorEngine.Loading;
using VectorEngine.Storage;
using VectorEngine.Tests.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Index;

/// <summary>Layers come into memory before they are needed, beside searches, and go again.</summary>
public sealed class PrefetchTests
{
    private static readonly VectorMatrix All = GeneratedVectors.Latent(6020, 64, 8), Vectors = All.Slice(0, 6000), Queries = All.Slice(6000, 20);

    private static readonly VectorIndexOptions Build = new() { ClusterCount = 40, StoredVectors = StoredVectors.Float32, CopyLimit = 0 };

    private static readonly SearchOptions AllLists = new() { ProbeCount = int.MaxValue, Stage = SearchStage.Refined };

    private static readonly Lazy<Task<MemoryObjectStore>> Built = new(async () =>
    {
        var store = new MemoryObjectStore();
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors, Build);
        await VectorIndexBuilder.AppendAsync(store, TestIndex.Name, Vectors.Slice(0, 500), TestIndex.Staged); // a flat segment
        return store;
    });

    [Theory]
    [InlineData(SearchStage.Sign)]
    [InlineData(SearchStage.Refined)]
    [InlineData(SearchStage.Exact)]
    public async Task Afterwards_searches_up_to_the_stage_read_nothing(SearchStage stage)
    {
        using VectorIndex index = await OpenAsync();
        var progress = new Steps();
        PrefetchReport report = await index.PrefetchAsync(stage, progress);

        IndexSize size = index.Size;
        long flat = 500 * 64 * sizeof(float), total = progress.All[^1].BytesTotal;
        long expected = size.SignBytes + flat + (stage > SearchStage.Sign ? size.ExBytes : 0)
            + (stage > SearchStage.Refined ? 6000 * 64 * sizeof(float) : 0);
        Assert.InRange(expected - total, 0, 1024); // objects end in some bytes that are of no list
        Assert.Equal((total, 0, 0), (report.BytesLoaded, report.BytesOnDisk, report.BytesLeft));
        Assert.Equal((stage, total), (progress.All[^1].Layer, progress.All[^1].BytesDone));
        Assert.Equal(progress.All.OrderBy(step => step.BytesDone), progress.All);
        MemoryUsage usage = index.MemoryUsage;
        Assert.Equal(stage > SearchStage.Sign, usage.ExBytes > 0);
        Assert.Equal(0, usage.BytesUnderWay);
        for (int i = 0; i < Queries.Count; i++)
            Assert.Equal(0, index.Search(Queries[i], 10, AllLists with { Stage = stage }).Receipt.Requests);
        Assert.Equal(default, await index.PrefetchAsync(stage));
    }

    [Fact]
    public async Task Where_memory_is_full_it_ends_and_drops_nothing()
    {
        using VectorIndex whole = await OpenAsync();
        long budget = (await whole.PrefetchAsync(SearchStage.Sign)).BytesLoaded + (whole.Size.ExBytes / 2);
        using VectorIndex index = await OpenAsync(new OpenOptions { MemoryBudget = budget });
        SearchResult before = index.Search(Queries[0], 10, new SearchOptions { Stage = SearchStage.Refined });
        var progress = new Steps();
        PrefetchReport report = await index.PrefetchAsync(SearchStage.Exact, progress);
        Assert.True(report is { BytesLoaded: > 0, BytesOnDisk: 0, BytesLeft: > 0 }, $"{report}");
        Assert.InRange(index.ResidentBytes, report.BytesLoaded, budget);
        Assert.Equal(progress.All[^1].BytesTotal - report.BytesLeft, progress.All[^1].BytesDone);
        SearchResult after = index.Search(Queries[0], 10, new SearchOptions { Stage = SearchStage.Refined });
        Assert.Equal(0, after.Receipt.Requests);
        Assert.Equal(before.Hits(), after.Hits());
    }

    [Fact]
    public async Task Where_memory_is_full_it_goes_on_into_the_cache_on_disk()
    {
        using var folder = new TemporaryFolder();
        var options = new OpenOptions { MemoryBudget = 0, CacheFolder = folder.Path };
        using (VectorIndex index = await OpenAsync(options))
        {
            PrefetchReport report = await index.PrefetchAsync();
            Assert.True(report is { BytesLoaded: 0, BytesOnDisk: > 0, BytesLeft: 0 }, $"{report}");
            Assert.Equal(0, index.ResidentBytes);
            Assert.Equal(report, await index.PrefetchAsync());
        }

        using VectorIndex again = await OpenAsync(options with { MemoryBudget = null });
        SearchReceipt receipt = again.Search(Queries[0], 10, AllLists).Receipt;
        Assert.Equal((0, true), (receipt.Requests, receipt.CachedBytesRead > 0));
        Assert.True(again.MemoryUsage.DiskCache is { Hits: > 0 } used && used.BytesRead >= receipt.CachedBytesRead);
        // A cache that holds a tenth.
        using var small = new TemporaryFolder();
        long limit = again.Size.SignBytes / 10;
        using VectorIndex little = await OpenAsync(new OpenOptions { MemoryBudget = 0, CacheFolder = small.Path, CacheLimit = limit });
        PrefetchReport some = await little.PrefetchAsync();
        Assert.InRange(some.BytesOnDisk, 0, limit);
        Assert.True(some.BytesLeft > 0);
    }

    [Fact]
    public async Task Searches_wait_for_what_is_on_its_way_and_ask_for_nothing_twice()
    {
        var store = new HeldStore(await Built.Value);
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        store.Hold();
        Task<PrefetchReport> prefetching = index.PrefetchAsync();
        const int Requests = 4; // 1-bit layer and 3-bit layer, and the flat segment's vectors with their checksums
        await store.WaitAsync(Requests);
        Task<SearchResult> search = index.SearchAsync(Queries[0], 10, AllLists).AsTask();
        await Task.Delay(50);
        Assert.False(search.IsCompleted);
        Assert.True(index.MemoryUsage.BytesUnderWay > 0);
        store.Release();
        SearchResult result = await search;
        PrefetchReport report = await prefetching;
        Assert.Equal(0, report.BytesLeft);
        Assert.Equal(0, result.Receipt.Requests);
        Assert.Equal(Requests, store.Requests);
    }

    [Fact]
    public async Task It_can_be_cancelled_and_ends_with_the_index()
    {
        var store = new HeldStore(await Built.Value);
        VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        store.Hold();
        using var cancellation = new CancellationTokenSource();
        Task<PrefetchReport> cancelled = index.PrefetchAsync(cancellationToken: cancellation.Token);
        await store.WaitAsync(requests: 1);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        Task<PrefetchReport> ended = index.PrefetchAsync();
        await store.WaitAsync(requests: 2);
        await index.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => ended);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => index.PrefetchAsync());
    }

    [Fact]
    public async Task The_background_waits_for_others_and_not_for_itself()
    {
        var gate = new RequestGate(4, 1000);
        TimeSpan patience = TimeSpan.FromSeconds(30);
        await gate.EnterAsync(10, isBackground: true, default);
        Assert.True(gate.QuietAsync(patience, default).IsCompletedSuccessfully);
        await gate.EnterAsync(10, isBackground: false, default);
        Task quiet = gate.QuietAsync(patience, default).AsTask();
        gate.Leave(10, isBackground: true);
        await Task.Delay(20);
        Assert.False(quiet.IsCompleted);
        await gate.EnterAsync(10, isBackground: true, default);
        gate.Leave(10, isBackground: false);
        await quiet.WaitAsync(patience);
        await gate.EnterAsync(10, isBackground: false, default);
        await gate.QuietAsync(TimeSpan.FromMilliseconds(10), default); // not for ever
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await gate.QuietAsync(patience, new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task Memory_can_be_warmed_and_trimmed()
    {
        using VectorIndex index = await OpenAsync();
        await index.WarmUpAsync(Queries);
        for (int i = 0; i < Queries.Count; i++)
            Assert.Equal(0, index.Search(Queries[i], 10).Receipt.Requests);
        long bytes = index.ResidentBytes;
        index.TrimMemory(bytes / 2);
        Assert.InRange(index.ResidentBytes, 1, bytes / 2);
        index.TrimMemory();
        Assert.Equal((0, index.MemoryUsage.RootBytes), (index.ResidentBytes, index.MemoryUsage.TotalBytes));
        Assert.True(index.Search(Queries[0], 10).Receipt.Requests > 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => index.TrimMemory(-1));
    }

    private static async Task<VectorIndex> OpenAsync(OpenOptions? options = null) =>
        await VectorIndex.OpenAsync(await Built.Value, TestIndex.Name, options);

    private sealed class Steps : IProgress<PrefetchProgress>
    {
        public List<PrefetchProgress> All { get; } = [];

        public void Report(PrefetchProgress value) => All.Add(value);
    }

    /// <summary>Answers no ranged read while it is held.</summary>
    private sealed class HeldStore(IObjectStore inner) : PassingStore(inner)
    {
        private TaskCompletionSource _released = Released();
        private int _requests;

        public int Requests => Volatile.Read(ref _requests);

        public void Hold() => (_released, _requests) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), 0);

        public void Release() => _released.TrySetResult();

        private static TaskCompletionSource Released()
        {
            var released = new TaskCompletionSource();
            released.SetResult();
            return released;
        }

        public async Task WaitAsync(int requests)
        {
            for (int i = 0; Requests < requests; i++)
            {
                Assert.True(i < 2000, "It takes too long.");
                await Task.Delay(5);
            }
        }

        public override async ValueTask ReadAsync(
            string key, long offset, Memory<byte> destination, CancellationToken cancellationToken = default)
        {
            Interlocked.Increment(ref _requests);
            if (!_released.Task.IsCompleted)
                await _released.Task.WaitAsync(cancellationToken);
            await Inner.ReadAsync(key, offset, destination, cancellationToken);
        }
    }
}

using System.Diagnostics;
using System.Runtime.CompilerServices;
using VectorEngine.Storage;
using VectorEngine.Testing;
using VectorEngine.Tests.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Telemetry;

/// <summary>What is measured is what happened. No other test runs meanwhile, as listeners hear the whole process.</summary>
[Collection(nameof(AloneCollection))]
public sealed class TelemetryTests : IDisposable
{
    private const string Layer = "vectorengine.layer";

    private static readonly VectorMatrix All = GeneratedVectors.Latent(3020, 32, 5), Vectors = All.Slice(0, 3000), Queries = All.Slice(3000, 20);

    private static readonly VectorIndexOptions Build =
        new() { ClusterCount = 30, StoredVectors = StoredVectors.Float32, CopyLimit = 0 };

    private readonly Measurements _measurements = new();

    public void Dispose() => _measurements.Dispose();

    [Fact]
    public async Task Requests_and_bytes_are_those_that_the_store_counts()
    {
        var store = new SimulatedStore(new MemoryObjectStore(), new NetworkProfile { RoundTrip = TimeSpan.FromMilliseconds(1) });
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors, Build);
        store.ResetStatistics();
        _measurements.Clear();
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        await index.SearchAsync(Queries[0], 10, new SearchOptions { Stage = SearchStage.Sign });
        StoreStatistics counted = store.Statistics;
        Assert.Equal(counted.Reads, _measurements.Sum("vectorengine.store.requests"));
        Assert.Equal(counted.Reads - _measurements.Sum("vectorengine.store.hedges"),
            _measurements.Of("vectorengine.store.request.duration").Length);
        Assert.All(_measurements.Of("vectorengine.store.request.duration"), seconds => Assert.InRange(seconds, 0.0005, 5));
        if (counted.Cancellations == 0) // of hedged requests, which nobody reads to the end
            Assert.Equal(counted.BytesRead, _measurements.Sum("vectorengine.store.io"));

        await index.SearchAsync(Queries[1], 10);
        await index.SearchBatchAsync(Queries, 10);
        await index.GetVectorsAsync(new long[] { 5, 2999 });
        Assert.Equal(store.Statistics.Reads, _measurements.Sum("vectorengine.store.requests"));
        Assert.Equal(1, _measurements.Sum("vectorengine.store.requests", (Layer, "pointer")));
        Assert.Equal(1, _measurements.Sum("vectorengine.store.requests", (Layer, "root")));
        Assert.Equal(index.Size.RootBytes, _measurements.Sum("vectorengine.store.io", (Layer, "root")));
        foreach (string layer in (string[])["sign", "ex", "vectors"])
            Assert.True(_measurements.Sum("vectorengine.store.io", (Layer, layer)) > 0, layer);
    }

    [Fact]
    public async Task Searches_are_timed_by_kind_and_stage_and_traced()
    {
        var store = new MemoryObjectStore();
        using VectorIndex index = await TestIndex.BuildAsync(Vectors, Build, store);
        _measurements.Clear();
        SearchResult first = await index.SearchAsync(Queries[0], 10);
        index.Search(Queries[1], 10, new SearchOptions { Stage = SearchStage.Sign });
        await index.SearchBatchAsync(Queries, 10, new SearchOptions { Stage = SearchStage.Refined });
        await index.SearchRangeAsync(Queries[0], 1);
        await index.SearchByExampleAsync(new long[] { 1 }, default, 3);
        int steps = 0;
        await foreach (SearchSnapshot _ in index.SearchProgressiveAsync(Queries[0].ToArray(), 10))
            steps++;
        Assert.Throws<InvalidVectorException>(() => index.Search(new float[32].Select(_ => float.NaN).ToArray(), 10));

        Assert.Single(Durations("single", "exact"));
        Assert.Single(Durations("single", "sign"));
        Assert.Single(Durations("batch", "refined"));
        Assert.Single(Durations("range", "exact"));
        Assert.Single(Durations("example", "exact"));
        Assert.Equal(steps, _measurements.Of("vectorengine.search.duration", ("vectorengine.search.kind", "progressive")).Length);
        Assert.Single(_measurements.Of("vectorengine.search.duration", ("error.type", typeof(InvalidVectorException).FullName!)));
        Assert.Equal(20, _measurements.Sum("vectorengine.search.queries", ("vectorengine.search.kind", "batch")));
        Assert.Equal(2, _measurements.Sum("vectorengine.search.queries", ("vectorengine.search.kind", "single")));

        Activity traced = _measurements.Activities.First(activity => activity.OperationName == "vectorengine.search");
        Assert.Equal((TestIndex.Name, 1L, 10), (traced.GetTagItem("vectorengine.index.name"),
            traced.GetTagItem("vectorengine.index.version"), traced.GetTagItem("vectorengine.search.k")));
        Assert.Equal(("single", "exact"), (traced.GetTagItem("vectorengine.search.kind"), traced.GetTagItem("vectorengine.search.stage")));
        Assert.Equal((first.Receipt.Requests, first.Receipt.BytesRead, first.Receipt.Rounds),
            (traced.GetTagItem("vectorengine.store.requests"), traced.GetTagItem("vectorengine.store.bytes"),
                traced.GetTagItem("vectorengine.search.rounds")));
        Activity failed = _measurements.Activities.Last();
        Assert.Equal((ActivityStatusCode.Error, typeof(InvalidVectorException).FullName),
            (failed.Status, failed.GetTagItem("error.type")));

        double[] Durations(string kind, string stage) => _measurements.Of(
            "vectorengine.search.duration", ("vectorengine.search.kind", kind), ("vectorengine.search.stage", stage));
    }

    [Fact]
    public async Task Memory_is_measured_by_layer_and_hits_are_told_from_misses()
    {
        double before = _measurements.Now("vectorengine.memory.usage");
        VectorIndex index = await TestIndex.BuildAsync(Vectors, Build);
        double misses = Lookups("miss"), hits = Lookups("hit");
        var options = new SearchOptions { ProbeCount = 7, Stage = SearchStage.Sign };
        index.Search(Queries[0], 5, options);
        Assert.Equal((7.0, 0.0), (Lookups("miss") - misses, Lookups("hit") - hits));
        index.Search(Queries[0], 5, options);
        Assert.Equal((7.0, 7.0), (Lookups("miss") - misses, Lookups("hit") - hits));

        MemoryUsage usage = index.MemoryUsage;
        Assert.Equal(index.Size.RootBytes, usage.RootBytes);
        Assert.Equal(usage.RootBytes + index.ResidentBytes, usage.TotalBytes);
        Assert.True(usage is { SignBytes: > 0, ExBytes: 0, VectorBytes: 0, DiskCache: null });
        Assert.Equal(usage.TotalBytes, _measurements.Now("vectorengine.memory.usage") - before);
        Assert.True(_measurements.Now("vectorengine.memory.usage", (Layer, "sign")) >= usage.SignBytes);
        index.Dispose();
        Assert.Equal(before, _measurements.Now("vectorengine.memory.usage"));

        double Lookups(string result) => _measurements.Now("vectorengine.memory.lookups", (Layer, "sign"), ("vectorengine.lookup.result", result));
    }

    [Fact]
    public async Task Failures_of_the_store_are_counted_and_repeated_reads_too()
    {
        var inner = new MemoryObjectStore();
        await VectorIndexBuilder.BuildAsync(inner, TestIndex.Name, Vectors, Build);
        int failing = 0;
        var store = new FaultyStore(inner, _ => failing-- > 0 ? Fault.Throttling : null);
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        _measurements.Clear();
        failing = 2;
        await index.SearchAsync(Queries[0], 10);
        Assert.Equal(2, _measurements.Sum("vectorengine.store.retries"));
        Assert.Equal(2, _measurements.Of("vectorengine.store.request.duration", ("error.type", typeof(StoreException).FullName!)).Length);
        failing = int.MaxValue;
        index.TrimMemory();
        await Assert.ThrowsAsync<StoreException>(async () => await index.SearchAsync(Queries[0], 10));
        Assert.Single(_measurements.Of("vectorengine.search.duration", ("error.type", typeof(StoreException).FullName!)));
    }

    [Fact]
    public async Task Everything_else_that_takes_time_is_traced_or_counted()
    {
        using var folder = new TemporaryFolder();
        var store = new MemoryObjectStore();
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors, Build);
        await using (VectorIndexWatcher watcher = await VectorIndexWatcher.OpenAsync(
            store, TestIndex.Name, new WatcherOptions { Interval = TimeSpan.FromMilliseconds(2) }))
        {
            await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors.Slice(0, 1000), Build);
            for (int i = 0; watcher.Version < 2; i++)
            {
                Assert.True(i < 1000, "It takes too long.");
                await Task.Delay(5);
            }
        }

        await VectorIndexVersions.CollectAsync(
            store, TestIndex.Name, new GarbageOptions { KeepVersions = 1, GracePeriod = TimeSpan.Zero });
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name, new OpenOptions { CacheFolder = folder.Path });
        PrefetchReport report = await index.PrefetchAsync();
        await Assert.ThrowsAsync<ObjectNotFoundException>(async () => await VectorIndex.OpenAsync(store, "none"));

        Assert.Equal(1, _measurements.Sum("vectorengine.watcher.swaps", ("vectorengine.index.name", TestIndex.Name)));
        Assert.Equal(report.BytesLoaded, _measurements.Sum("vectorengine.prefetch.io"));
        Assert.Equal(index.MemoryUsage.DiskCache!.Value.Misses,
            _measurements.Sum("vectorengine.disk_cache.lookups", ("vectorengine.lookup.result", "miss")));
        ILookup<string, Activity> activities = _measurements.Activities.ToLookup(activity => activity.OperationName);
        Assert.Equal(2, activities["vectorengine.build"].Count());
        Assert.Equal(2, activities["vectorengine.publish"].Count());
        Assert.Equal(4, activities["vectorengine.open"].Count());
        Assert.Equal(1, Assert.Single(activities["vectorengine.collect"]).GetTagItem("vectorengine.collect.versions"));
        Assert.Equal(report.BytesLoaded, Assert.Single(activities["vectorengine.prefetch"]).GetTagItem("vectorengine.prefetch.loaded"));
        Activity publish = activities["vectorengine.publish"].First();
        Assert.Equal("vectorengine.build", publish.Parent?.OperationName);
        Assert.Single(activities["vectorengine.open"], open => open.Status == ActivityStatusCode.Error);
    }

    [Fact]
    public void What_only_has_code_compiled_is_neither_measured_nor_traced()
    {
        double lookups = _measurements.Now("vectorengine.memory.lookups"), usage = _measurements.Now("vectorengine.memory.usage");
        _measurements.Clear();
        Exception? failure = null;
        var thread = new Thread(() => failure = Record.Exception(CodeWarmUp.Run));
        thread.Start();
        Assert.True(thread.Join(TimeSpan.FromMinutes(1)));
        Assert.Null(failure);
        Assert.Empty(_measurements.Activities);
        Assert.All(_measurements.Units.Keys, instrument => Assert.Empty(_measurements.Of(instrument)));
        Assert.Equal((lookups, usage), (_measurements.Now("vectorengine.memory.lookups"), _measurements.Now("vectorengine.memory.usage")));
    }

    [Fact]
    public async Task The_document_lists_every_instrument()
    {
        using VectorIndex index = await TestIndex.BuildAsync(Vectors, Build);
        string readme = await File.ReadAllTextAsync(Path.Combine(Folder(), "..", "..", "..", "README.md"));
        Assert.True(_measurements.Units.Count >= 12);
        Assert.All(_measurements.Units, instrument =>
            Assert.Contains($"| `{instrument.Key}` | {instrument.Value} |", readme, StringComparison.Ordinal));

        static string Folder([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
    }
}

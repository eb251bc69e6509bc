using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Storage;
using VectorEngine.Testing;
using VectorEngine.Tests.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Index;

/// <summary>Several segments answer as one that has all their rows.</summary>
public sealed class SegmentTests
{
    private const int Count = 900, Dimensions = 10, Clusters = 8;

    // Small integers: distances are exact, whatever the order of summation, and many of them tie.
    private static readonly VectorMatrix Vectors = GeneratedVectors.SmallIntegers(Count, Dimensions, 1),
        Queries = GeneratedVectors.SmallIntegers(40, Dimensions, 2);

    private static readonly int[] Cuts = [0, 300, 310, 700, Count];

    private static readonly RecordBatch Metadata = new(
        ("text", ArrowArray.From(Enumerable.Range(0, Count).Select(i => i % 7 == 3 ? null : $"row {i}").ToArray())),
        ("number", ArrowArray.From<long>(Enumerable.Range(0, Count).Select(i => 3L * i).ToArray())),
        ("even", ArrowArray.From(Enumerable.Range(0, Count).Select(i => i % 2 == 0).ToArray())));

    [Theory]
    [InlineData(Metric.SquaredL2, StoredVectors.Float32, false)]
    [InlineData(Metric.SquaredL2, StoredVectors.Float16, true)]
    [InlineData(Metric.InnerProduct, StoredVectors.Float32, true)]
    [InlineData(Metric.InnerProduct, StoredVectors.Float16, false)]
    [InlineData(Metric.Cosine, StoredVectors.Float32, false)]
    public async Task Hard_bounds_and_brute_force_answer_as_one_segment_does(Metric metric, StoredVectors stored, bool mapped)
    {
        using var folder = new TemporaryFolder();
        using var store = new FileObjectStore(folder.Path);
        var options = new VectorIndexOptions { Metric = metric, StoredVectors = stored, ClusterCount = Clusters };
        using VectorIndex whole = await TestIndex.BuildAsync(Vectors, options, null, Metadata);
        using VectorIndex parts = await BuildPartsAsync(store, options, new OpenOptions { MemoryMap = mapped });
        Assert.Equal((4L, 4, (long)Count, 4 * Clusters), (parts.Version, parts.SegmentCount, parts.Count, parts.ClusterCount));
        var hard = new SearchOptions { ProbeCount = int.MaxValue, Bound = ErrorBound.Hard, Columns = ["number", "text", "even"] };
        SearchOptions brute = hard with { Stage = SearchStage.BruteForce };
        foreach (SearchOptions search in new[] { hard, brute })
        {
            SearchResult[] batch = await parts.SearchBatchAsync(Queries, 25, search);
            for (int q = 0; q < Queries.Count; q++)
            {
                SearchResult expected = whole.Search(Queries[q], 25, search);
                if (metric != Metric.Cosine)
                    Assert.Equal(Reference.Nearest(Vectors, metric, Queries[q], 25, stored == StoredVectors.Float16), expected.Hits());
                foreach (SearchResult actual in new[]
                {
                    parts.Search(Queries[q], 25, search), await parts.SearchAsync(Queries[q], 25, search), batch[q],
                })
                {
                    Assert.Equal(expected.Bounds(), actual.Bounds());
                    Assert.Equal(expected.Stage, actual.Stage);
                    Assert.Equal(expected.Receipt.PostingsScanned, actual.Receipt.PostingsScanned);
                    Assert.Equal(Texts(expected.Rows!), Texts(actual.Rows!));
                    Assert.Equal(actual.Hits().Select(hit => (long?)(3 * hit.Ordinal)), Numbers(actual.Rows!));
                }
            }
        }

        Assert.Equal(4 * Clusters, parts.Search(Queries[0], 1, hard).Receipt.ListsProbed);
        Assert.Equal(0, parts.Search(Queries[0], 1, brute).Receipt.ListsProbed);
        Assert.Equal(Count, parts.Search(Queries[0], Count + 1, brute).Count);
    }

    [Fact]
    public async Task Kinds_of_segments_may_differ()
    {
        var store = new MemoryObjectStore();
        VectorIndexOptions clustered = TestIndex.Staged with { ClusterCount = 5 };
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors.Slice(0, 500), clustered);
        await VectorIndexBuilder.AppendAsync(store, TestIndex.Name, Vectors.Slice(500, 400), TestIndex.Staged); // flat, so with stored vectors
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        Assert.Equal((StoredVectors.None, 5, Count), (index.StoredVectors, index.ClusterCount, (int)index.Count));
        SearchResult result = index.Search(Queries[0], 900);
        Assert.Equal((SearchStage.Refined, 900), (result.Stage, result.Count));
        Assert.Equal(result.Hits().Select(hit => hit.Distance).Order(), result.Hits().Select(hit => hit.Distance));
        Assert.All(result.Where(hit => hit.Ordinal >= 500), hit => Assert.Equal(
            (Reference.SquaredL2(Queries[0], Vectors[(int)hit.Ordinal]), 0f), (hit.Distance, hit.ErrorBound)));
        Assert.Throws<ArgumentException>(() => index.Search(Queries[0], 3, new SearchOptions { Stage = SearchStage.Exact }));
        Assert.Throws<ArgumentException>(() => index.Search(Queries[0], 3, new SearchOptions { Stage = SearchStage.BruteForce }));
    }

    [Fact]
    public async Task What_is_appended_has_to_be_of_the_index_s_kind()
    {
        var store = new MemoryObjectStore();
        await Assert.ThrowsAsync<ObjectNotFoundException>(() => VectorIndexBuilder.AppendAsync(store, TestIndex.Name, Vectors));
        RecordBatch metadata = Metadata.Slice(0, 100);
        VectorMatrix vectors = Vectors.Slice(0, 100);
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, vectors, null, metadata);
        SortedDictionary<string, byte[]> published = await TestIndex.ObjectsAsync(store);
        await RefusedAsync(GeneratedVectors.Normal(100, Dimensions + 1, 1), new VectorIndexOptions(), metadata);
        await RefusedAsync(vectors, new VectorIndexOptions { Metric = Metric.Cosine }, metadata);
        await RefusedAsync(vectors, new VectorIndexOptions { IdColumn = "number" }, metadata);
        await RefusedAsync(vectors, new VectorIndexOptions(), null);
        await RefusedAsync(vectors, new VectorIndexOptions(), new RecordBatch(("number", metadata.Column("number"))));
        await RefusedAsync(
            vectors, new VectorIndexOptions(),
            new RecordBatch(("text", metadata.Column("text")), ("numbers", metadata.Column("number")), ("even", metadata.Column("even"))));
        Assert.Equal(published, await TestIndex.ObjectsAsync(store));

        async Task RefusedAsync(VectorMatrix added, VectorIndexOptions options, RecordBatch? rows) =>
            await Assert.ThrowsAsync<ArgumentException>(
                () => VectorIndexBuilder.AppendAsync(store, TestIndex.Name, added, options, rows));
    }

    [Fact]
    public async Task Of_two_racing_appends_one_wins_and_the_other_leaves_nothing()
    {
        var store = new MemoryObjectStore();
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors.Slice(0, 50));
        var loser = new InterruptedStore(
            store, IndexKeys.Pointer(TestIndex.Name),
            () => VectorIndexBuilder.AppendAsync(store, TestIndex.Name, Vectors.Slice(50, 20)));
        await Assert.ThrowsAsync<WriteConflictException>(
            () => VectorIndexBuilder.AppendAsync(loser, TestIndex.Name, Vectors.Slice(50, 30)));
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        Assert.Equal((2L, 2, 70L), (index.Version, index.SegmentCount, index.Count));
        Assert.Equal(2, (await TestIndex.ObjectsAsync(store)).Keys.Count(key => key.EndsWith("/root", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Whichever_write_of_an_append_fails_the_index_is_as_before()
    {
        var inner = new MemoryObjectStore();
        var options = new VectorIndexOptions { ClusterCount = 3, StoredVectors = StoredVectors.Float32, IdColumn = "number" };
        await VectorIndexBuilder.BuildAsync(inner, TestIndex.Name, Vectors.Slice(0, 50), options, Metadata.Slice(0, 50));
        SortedDictionary<string, byte[]> published = await TestIndex.ObjectsAsync(inner);
        int failAt = 1;
        for (; failAt < 1000; failAt++)
        {
            FaultyStore store = FailingWrites.Store(inner, failAt, Fault.Failure(() => new IOException("No more.")));
            Task append = VectorIndexBuilder.AppendAsync(store, TestIndex.Name, Vectors.Slice(50, 60), options, Metadata.Slice(50, 60));
            if (await Record.ExceptionAsync(() => append) is null)
                break;
            await Assert.ThrowsAsync<IOException>(() => append);
            await VectorIndexVersions.CollectAsync(inner, TestIndex.Name, new GarbageOptions { GracePeriod = TimeSpan.Zero });
            Assert.Equal(published, await TestIndex.ObjectsAsync(inner));
        }

        Assert.InRange(failAt, 20, 100);
        using VectorIndex index = await VectorIndex.OpenAsync(inner, TestIndex.Name);
        Assert.Equal((2L, 110L), (index.Version, index.Count));
        Assert.Equal((long[])[107, 3, -1], await index.FindAsync(ArrowArray.From<long>([321, 9, 10])));
    }

    [Fact]
    public async Task A_build_after_appends_starts_anew_and_open_versions_stay()
    {
        var store = new MemoryObjectStore();
        using VectorIndex first = await TestIndex.BuildAsync(Vectors.Slice(0, 50), null, store);
        await VectorIndexBuilder.AppendAsync(store, TestIndex.Name, Vectors.Slice(50, 50));
        using VectorIndex second = await VectorIndex.OpenAsync(store, TestIndex.Name);
        using VectorIndex third = await TestIndex.BuildAsync(Vectors.Slice(0, 10), null, store);
        Assert.Equal([50, 100, 10], new[] { first, second, third }.Select(index => index.Search(Queries[0], 1000).Count));
        Assert.Equal([1, 2, 3], new[] { first, second, third }.Select(index => index.Version));
    }

    [Fact]
    public async Task A_damaged_or_foreign_segment_is_named()
    {
        var store = new MemoryObjectStore();
        using (await BuildPartsAsync(store, new VectorIndexOptions { ClusterCount = Clusters }))
        {
        }

        string pointerKey = IndexKeys.Pointer(TestIndex.Name);
        Manifest manifest = Manifest.ReadPointer(pointerKey, (await store.TryReadAsync(pointerKey))!.Content);
        string third = IndexKeys.Segment(TestIndex.Name, manifest.Segments[2].Id).Root;
        byte[] root = (await store.TryReadAsync(third))!.Content.ToArray();
        await store.WriteAsync(third, root.AsMemory(0, root.Length - 1), WriteCondition.None);
        Assert.Equal(third, (await Assert.ThrowsAsync<CorruptDataException>(OpenAsync)).ObjectKey);
        await store.DeleteAsync(third);
        Assert.Equal(third, (await Assert.ThrowsAsync<ObjectNotFoundException>(OpenAsync)).ObjectKey);
        await store.WriteAsync(third, root, WriteCondition.None);

        // A sound segment of another index, with another metric.
        await VectorIndexBuilder.BuildAsync(store, "other", Vectors, new VectorIndexOptions { Metric = Metric.Cosine }, Metadata);
        Manifest other = Manifest.ReadPointer("p", (await store.TryReadAsync(IndexKeys.Pointer("other")))!.Content);
        foreach ((string key, byte[] bytes) in await TestIndex.ObjectsAsync(store, IndexKeys.Segments("other")))
            await store.WriteAsync(TestIndex.Name + key["other".Length..], bytes, WriteCondition.None);
        Manifest forged = manifest with { Segments = [.. manifest.Segments, other.Segments[0]] };
        await store.WriteAsync(pointerKey, forged.ToPointer(), WriteCondition.None);
        Assert.Equal(
            IndexKeys.Segment(TestIndex.Name, other.Segments[0].Id).Root,
            (await Assert.ThrowsAsync<CorruptDataException>(OpenAsync)).ObjectKey);

        async Task OpenAsync() => (await VectorIndex.OpenAsync(store, TestIndex.Name)).Dispose();
    }

    [Theory]
    [InlineData(20_000L)]
    [InlineData(long.MaxValue)]
    public async Task All_segments_share_one_budget(long budget)
    {
        var store = new MemoryObjectStore();
        var options = new VectorIndexOptions { ClusterCount = Clusters, StoredVectors = StoredVectors.Float32 };
        using VectorIndex reference = await BuildPartsAsync(store, options);
        (long, float)[][] expected = [.. Enumerable.Range(0, Queries.Count).Select(q => reference.Search(Queries[q], 10).Hits())];
        VectorIndex index = await VectorIndex.OpenAsync(
            new YieldingStore(store), TestIndex.Name, new OpenOptions { MemoryBudget = budget });
        long most = 0;
        int answered = 0;
        await Parallel.ForAsync(0, 400, async (i, cancellation) =>
        {
            if (i == 300)
                index.Dispose();
            try
            {
                SearchResult result = await index.SearchAsync(Queries[i % Queries.Count], 10, null, cancellation);
                Assert.Equal(expected[i % Queries.Count], result.Hits());
                Interlocked.Increment(ref answered);
            }
            catch (ObjectDisposedException)
            {
            }

            InterlockedMax(ref most, index.ResidentBytes);
        });
        Assert.True(answered > 0);
        // Beyond the budget there are only what is being read at the moment.
        Assert.InRange(most, 1, Math.Min(budget, 1 << 30) + 100_000);
    }

    private static void InterlockedMax(ref long most, long value)
    {
        for (long seen = Volatile.Read(ref most); value > seen;)
            seen = Interlocked.CompareExchange(ref most, value, seen) is var before && before == seen ? value : before;
    }

    private static async Task<VectorIndex> BuildPartsAsync(IObjectStore store, VectorIndexOptions options, OpenOptions? open = null)
    {
        options = options with { CopyLimit = 0 };
        for (int i = 0; i + 1 < Cuts.Length; i++)
        {
            VectorMatrix vectors = Vectors.Slice(Cuts[i], Cuts[i + 1] - Cuts[i]);
            RecordBatch metadata = Metadata.Slice(Cuts[i], vectors.Count);
            await (i == 0
                ? VectorIndexBuilder.BuildAsync(store, TestIndex.Name, vectors, options, metadata)
                : VectorIndexBuilder.AppendAsync(store, TestIndex.Name, vectors, options, metadata));
        }

        return await VectorIndex.OpenAsync(store, TestIndex.Name, open);
    }

    private static IEnumerable<string?> Texts(RecordBatch rows) =>
        Enumerable.Range(0, rows.RowCount).Select(row => rows.Column<Utf8Array>("text").GetString(row));

    private static IEnumerable<long?> Numbers(RecordBatch rows) =>
        Enumerable.Range(0, rows.RowCount).Select(row => rows.Column<PrimitiveArray<long>>("number")[row]);
}

using System.Collections.Concurrent;
using VectorEngine.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Index;

/// <summary>Many queries at once get the answers that each would get alone, and share what they read.</summary>
public sealed class BatchSearchTests
{
    private const int Count = 5000, Dimensions = 24, Clusters = 40;

    private static readonly VectorMatrix All = GeneratedVectors.Latent(Count + 400, Dimensions, 8),
        Vectors = All.Slice(0, Count),
        Queries = All.Slice(Count, 400);

    public static TheoryData<Metric, SearchStage, ErrorBound, bool> Sure
    {
        get
        {
            var sure = new TheoryData<Metric, SearchStage, ErrorBound, bool>();
            foreach (Metric metric in Enum.GetValues<Metric>())
            {
                foreach (bool flat in new[] { false, true })
                {
                    sure.Add(metric, SearchStage.Sign, ErrorBound.Statistical, flat);
                    sure.Add(metric, SearchStage.Refined, ErrorBound.Hard, flat);
                    sure.Add(metric, SearchStage.Exact, ErrorBound.Hard, flat);
                    sure.Add(metric, SearchStage.BruteForce, ErrorBound.Statistical, flat);
                }
            }

            return sure;
        }
    }

    [Theory]
    [MemberData(nameof(Sure))]
    public async Task Where_bounds_do_not_fail_answers_are_those_of_single_searches(
        Metric metric, SearchStage stage, ErrorBound bound, bool flat)
    {
        var build = new VectorIndexOptions
        {
            Metric = metric, StoredVectors = StoredVectors.Float32, ClusterCount = flat ? null : Clusters,
        };
        VectorMatrix vectors = Vectors.Slice(0, flat ? 4000 : Count);
        using VectorIndex index = await TestIndex.BuildAsync(vectors, build);
        var options = new SearchOptions { ProbeCount = 7, Stage = stage, Bound = bound };
        SearchResult[] batch = await index.SearchBatchAsync(Queries, 10, options);
        for (int q = 0; q < Queries.Count; q++)
        {
            SearchResult alone = index.Search(Queries[q], 10, options);
            Assert.Equal(alone.Bounds(), batch[q].Bounds());
            Assert.Equal(alone.Stage, batch[q].Stage);
            Assert.Equal(alone.Receipt.PostingsScanned, batch[q].Receipt.PostingsScanned);
        }
    }

    [Theory]
    [InlineData(SearchStage.Refined)]
    [InlineData(SearchStage.Exact)]
    public async Task Under_the_statistical_bound_nearly_all_are_and_neither_threads_nor_company_matter(SearchStage stage)
    {
        var build = new VectorIndexOptions { StoredVectors = StoredVectors.Float16, ClusterCount = Clusters };
        using VectorIndex index = await TestIndex.BuildAsync(Vectors, build);
        var options = new SearchOptions { ProbeCount = 12, Stage = stage };
        SearchResult[] batch = await index.SearchBatchAsync(Queries, 10, options, 1);
        SearchResult[] threads = await index.SearchBatchAsync(Queries, 10, options, 7);
        SearchResult[] few = await index.SearchBatchAsync(Queries.Slice(100, 3), 10, options);
        Assert.Equal(batch.Select(result => result.Bounds()), threads.Select(result => result.Bounds()));
        Assert.Equal(batch[100..103].Select(result => result.Bounds()), few.Select(result => result.Bounds()));
        int same = Enumerable.Range(0, Queries.Count)
            .Sum(q => index.Search(Queries[q], 10, options).Hits().Intersect(batch[q].Hits()).Count());
        Assert.InRange(same, 0.995 * 10 * Queries.Count, 10 * Queries.Count);
    }

    [Fact]
    public async Task Without_room_for_it_a_list_is_still_read_once_for_all_queries_of_a_block()
    {
        var inner = new MemoryObjectStore();
        using VectorIndex reference = await TestIndex.BuildAsync(Vectors, new VectorIndexOptions { ClusterCount = Clusters }, inner);
        var store = new CountingStore(inner);
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name, new OpenOptions { MemoryBudget = 0 });
        SearchResult[] expected = await reference.SearchBatchAsync(Queries, 10);
        SearchResult[] actual = await index.SearchBatchAsync(Queries, 10, null, maxDegreeOfParallelism: 1);
        Assert.Equal(expected.Select(result => result.Bounds()), actual.Select(result => result.Bounds()));
        // Two blocks of at most 256, in which a list is visited twice: by those whose nearest it is, and by the others.
        Assert.InRange(store.Reads.Values.Max(), 1, 2 * 2 * 2);
    }

    [Fact]
    public async Task A_batch_can_be_cancelled_between_lists()
    {
        var inner = new MemoryObjectStore();
        using VectorIndex built = await TestIndex.BuildAsync(Vectors, new VectorIndexOptions { ClusterCount = Clusters }, inner);
        using var cancellation = new CancellationTokenSource();
        var store = new CountingStore(inner, reads =>
        {
            if (reads == 2)
                cancellation.Cancel();
        });
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => index.SearchBatchAsync(Queries, 10, null, 1, null, cancellation.Token));
        Assert.InRange(store.Reads.Values.Sum(), 2, 3);
        Assert.Equal(400, (await index.SearchBatchAsync(Queries, 10)).Length);
    }

    [Fact]
    public async Task A_batch_tells_how_many_queries_are_answered()
    {
        using VectorIndex index = await TestIndex.BuildAsync(Vectors, new VectorIndexOptions { ClusterCount = 5 });
        var reports = new List<int>();
        await index.SearchBatchAsync(Vectors.Slice(0, 333), 3, progress: new Reports<int>(reports));
        Assert.Equal(reports.Distinct().Order(), reports);
        Assert.Equal(333, reports[^1]);
        Assert.True(reports.Count > 1);
        Assert.Empty(await index.SearchBatchAsync(Vectors.Slice(0, 0), 3, progress: new Reports<int>(reports)));
    }

    private sealed class Reports<T>(List<T> reports) : IProgress<T>
    {
        public void Report(T value) => reports.Add(value);
    }

    /// <summary>Counts how often a range is read.</summary>
    private sealed class CountingStore(IObjectStore inner, Action<int>? onRead = null) : PassingStore(inner)
    {
        public ConcurrentDictionary<(string, long), int> Reads { get; } = [];

        public override ValueTask ReadAsync(
            string key, long offset, Memory<byte> destination, CancellationToken cancellationToken = default)
        {
            if (!key.EndsWith("/root", StringComparison.Ordinal))
            {
                Reads.AddOrUpdate((key, offset), 1, (_, count) => count + 1);
                onRead?.Invoke(Reads.Values.Sum());
            }

            return base.ReadAsync(key, offset, destination, cancellationToken);
        }
    }
}

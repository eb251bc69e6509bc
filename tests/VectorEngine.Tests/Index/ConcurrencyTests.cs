using System.Runtime.CompilerServices;
using VectorEngine.Arrow;
using VectorEngine.Storage;
using VectorEngine.Tests.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Index;

/// <summary>One index, many threads; and what a search costs the garbage collector.</summary>
public sealed class ConcurrencyTests
{
    private const int Count = 2000, Dimensions = 32;

    private static readonly VectorMatrix All = GeneratedVectors.Latent(Count + 20, Dimensions, 3),
        Vectors = All.Slice(0, Count),
        Queries = All.Slice(Count, 20);

    private static readonly VectorIndexOptions Options = new() { ClusterCount = 20, StoredVectors = StoredVectors.Float32 };

    private static readonly RecordBatch Rows = new(("row", ArrowArray.From<int>([.. Enumerable.Range(0, Count)])));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Searches_answer_correctly_or_find_the_index_disposed(bool mapped)
    {
        using var folder = new TemporaryFolder();
        using var store = new FileObjectStore(folder.Path);
        using VectorIndex reference = await TestIndex.BuildAsync(Vectors, Options, store);
        (long, float)[][] expected = [.. Enumerable.Range(0, Queries.Count).Select(q => reference.Search(Queries[q], 10).Hits())];
        int answered = 0, refused = 0;
        for (int round = 0; round < 30; round++)
        {
            // A budget that makes threads evict what others use.
            VectorIndex index = await VectorIndex.OpenAsync(
                store, TestIndex.Name, new OpenOptions { MemoryMap = mapped, MemoryBudget = 50_000 });
            Task[] searches = [.. Enumerable.Range(0, 6).Select(thread => Task.Run(async () =>
            {
                for (int i = 0; i < 40; i++)
                {
                    int q = (thread + i) % Queries.Count;
                    try
                    {
                        SearchResult result = i % 3 == 0 ? await index.SearchAsync(Queries[q], 10) : index.Search(Queries[q], 10);
                        Assert.Equal(expected[q], result.Hits());
                        Interlocked.Increment(ref answered);
                    }
                    catch (ObjectDisposedException)
                    {
                        Interlocked.Increment(ref refused);
                    }
                }
            }))];
            await Task.Delay(round % 4);
            index.Dispose();
            await Task.WhenAll(searches);
        }

        Assert.Equal(30 * 6 * 40, answered + refused);
        Assert.True(answered > 0);
    }

    [Theory]
    [InlineData(20_000L)]
    [InlineData(long.MaxValue)]
    public async Task Searches_at_once_give_the_same_answers_within_any_budget(long budget)
    {
        var store = new MemoryObjectStore();
        using VectorIndex reference = await TestIndex.BuildAsync(Vectors, Options, store);
        using VectorIndex index = await VectorIndex.OpenAsync(
            new YieldingStore(store), TestIndex.Name, new OpenOptions { MemoryBudget = budget });
        (long, float)[][] expected = [.. Enumerable.Range(0, Queries.Count).Select(q => reference.Search(Queries[q], 10).Hits())];
        await Parallel.ForAsync(0, 400, async (i, cancellation) =>
            Assert.Equal(
                expected[i % Queries.Count], (await index.SearchAsync(Queries[i % Queries.Count], 10, null, cancellation)).Hits()));
        SearchResult[] batch = await index.SearchBatchAsync(Queries, 10);
        Assert.Equal(expected, batch.Select(result => result.Hits()));
    }

    public static TheoryData<string> Plans => ["sign", "refined", "exact", "hard", "flat", "cosine", "float16", "filter", "few rows"];

    [Theory]
    [MemberData(nameof(Plans))]
    public async Task A_search_allocates_its_result_and_nothing_else(string plan)
    {
        const int Searches = 100, K = 10;
        VectorIndexOptions build = plan switch
        {
            "flat" => Options with { ClusterCount = null },
            "cosine" => Options with { Metric = Metric.Cosine },
            "float16" => Options with { StoredVectors = StoredVectors.Float16 },
            _ => Options,
        };
        var options = new SearchOptions
        {
            Stage = plan switch { "sign" => SearchStage.Sign, "refined" => SearchStage.Refined, _ => SearchStage.Exact },
            Bound = plan == "hard" ? ErrorBound.Hard : ErrorBound.Statistical,
            ProbeCount = 5,
            Filter = plan switch
            {
                "filter" => Filter.Column("row").LessThan(1500), // through the lists
                "few rows" => RowSet.FromOrdinals(Count, Enumerable.Range(0, 300).Select(i => 5L * i)), // one by one
                _ => null,
            },
        };
        using VectorIndex index = await TestIndex.BuildAsync(Vectors, build, metadata: Rows);

        SearchResult last = index.Search(Queries[0], K, options);
        ResultBytes(K); // the first time, the runtime allocates what it keeps about the type
        long expected = Searches * ResultBytes(K), allocated = 0;
        // Unoptimised code boxes, and when the optimised takes its place is up to the runtime. A collection, which the tests beside this
        // one cause, counts what is left of the thread's allocation buffer as allocated. So short rounds, and many if need be.
        for (int round = 0; round < 1000 && allocated != expected; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < Searches; i++)
                last = index.Search(Queries[i % Queries.Count], K, options);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.Equal(K, last.Count);
        Assert.Equal(expected, allocated);
    }

    /// <summary>The result object and its array of hits, as this runtime lays them out.</summary>
    private static long ResultBytes(int k)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        object result = RuntimeHelpers.GetUninitializedObject(typeof(SearchResult));
        var hits = new SearchHit[k];
        long bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        GC.KeepAlive((result, hits));
        return bytes;
    }
}

using VectorEngine.Arrow;
using VectorEngine.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Index;

/// <summary>A receipt has every request that was made for a search, whatever it was for.</summary>
public sealed class ReceiptTests
{
    private const int Count = 6000;

    private static readonly VectorMatrix Vectors = GeneratedVectors.Latent(Count, 24, 3), Queries = GeneratedVectors.Latent(40, 24, 4);

    private static readonly RecordBatch Metadata = new(
        ("year", ArrowArray.From<long>([.. Enumerable.Range(0, Count).Select(i => 1900L + (i / 50))])),
        ("title", ArrowArray.From([.. Enumerable.Range(0, Count).Select(i => $"No. {i}")])));

    private static readonly MemoryObjectStore Store = new();

    private static readonly Task Building = BuildAsync();

    // Another object for each case: what a filter selects is remembered.
    private static Filter Nineties => Filter.Column("year").Between(1990, 1999);

    private static readonly Dictionary<string, Func<VectorIndex, Task<SearchReceipt[]>>> Searches = new()
    {
        ["filtered"] = async index => [(await index.SearchAsync(Queries[0], 10, new SearchOptions { Filter = Nineties })).Receipt],
        ["with columns"] = async index =>
            [(await index.SearchAsync(Queries[0], 10, new SearchOptions { Columns = ["title", "year"] })).Receipt],
        ["within a radius"] = async index =>
            [(await index.SearchRangeAsync(Queries[0], 20, new SearchOptions { Filter = Nineties, Columns = ["title"] })).Receipt],
        ["by example"] = async index =>
            [(await index.SearchByExampleAsync(new long[] { 5 }, new long[] { 5000 }, 10, new SearchOptions { Columns = ["title"] })).Receipt],
        ["within some time"] = async index => [(await index.SearchAsync(Queries[0], 10, new SearchOptions
        {
            Filter = Nineties, Columns = ["title"], Budget = new SearchBudget { Time = TimeSpan.FromMinutes(1) },
        })).Receipt],
        ["a batch"] = async index => [.. (await index.SearchBatchAsync(
            Queries, 10, new SearchOptions { Filter = Nineties, Columns = ["title"] })).Select(result => result.Receipt)],
        ["progressive"] = async index =>
        {
            SearchReceipt last = default;
            await foreach (SearchSnapshot snapshot in index.SearchProgressiveAsync(
                Queries[0].ToArray(), 10, new SearchOptions { Filter = Nineties, Columns = ["title"] }))
            {
                SearchReceipt next = snapshot.Result.Receipt;
                Assert.True(next.Requests >= last.Requests && next.BytesRead >= last.BytesRead && next.Elapsed > last.Elapsed);
                last = next;
            }

            return [last];
        },
    };

    public static TheoryData<string> Kinds => [.. Searches.Keys];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Requests_and_bytes_are_those_that_the_store_saw(string kind)
    {
        await Building;
        var store = new CountingStore(Store);
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name, new OpenOptions { DollarsPerThousandRequests = 3 });
        (int opened, long root) = (store.Requests, store.Bytes);
        SearchReceipt[] receipts = await Searches[kind](index);
        Assert.Equal(store.Requests - opened, receipts.Sum(receipt => receipt.Requests));
        Assert.Equal(store.Bytes - root, receipts.Sum(receipt => receipt.BytesRead));
        Assert.All(receipts, receipt => Assert.Equal(receipt.Requests * 0.003, receipt.EstimatedDollars, 1e-9));
        Assert.Contains("metadata", store.Layers);
    }

    [Fact]
    public async Task What_is_in_memory_is_on_no_receipt()
    {
        await Building;
        var store = new CountingStore(Store);
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        var options = new SearchOptions { Filter = Nineties, Columns = ["title"] };
        SearchReceipt first = (await index.SearchAsync(Queries[0], 10, options)).Receipt;
        Assert.True(first is { Rounds: >= 3, Requests: >= 3 }, $"{first}"); // what the filter compares, zones, vectors
        int requests = store.Requests;
        SearchReceipt again = (await index.SearchAsync(Queries[0], 10, options)).Receipt;
        Assert.Equal((0, 0L, 0, 0.0), (again.Requests, again.BytesRead, again.Rounds, again.EstimatedDollars));
        Assert.Equal(first.Work(), again.Work());
        Assert.Equal(requests, store.Requests);
    }

    [Fact]
    public async Task So_is_what_was_asked_for_in_vain()
    {
        await Building;
        var store = new CountingStore(Store) { Silent = "/ex" };
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        int opened = store.Requests;
        SearchResult result = await index.SearchAsync(
            Queries[0], 10, new SearchOptions { Budget = new SearchBudget { Time = TimeSpan.FromMilliseconds(300) } });
        Assert.Equal(SearchStage.Sign, result.Stage);
        Assert.Contains("ex", store.Layers);
        Assert.Equal(store.Requests - opened, result.Receipt.Requests);
    }

    private static async Task BuildAsync() => (await TestIndex.BuildAsync(
        Vectors, new VectorIndexOptions { ClusterCount = 60, StoredVectors = StoredVectors.Float32 }, Store, Metadata)).Dispose();

    /// <summary>Counts ranged reads.</summary>
    private sealed class CountingStore(IObjectStore inner) : PassingStore(inner)
    {
        private int _requests;
        private long _bytes;

        public int Requests => Volatile.Read(ref _requests);

        public long Bytes => Volatile.Read(ref _bytes);

        /// <summary>What was read of, by the ends of their keys.</summary>
        public HashSet<string> Layers { get; } = [];

        /// <summary>Objects whose keys end so are never answered for.</summary>
        public string? Silent { get; init; }

        public override async ValueTask ReadAsync(
            string key, long offset, Memory<byte> destination, CancellationToken cancellationToken = default)
        {
            Interlocked.Increment(ref _requests);
            Interlocked.Add(ref _bytes, destination.Length);
            lock (Layers)
                Layers.Add(key[(key.LastIndexOf('/') + 1)..]);
            if (Silent is not null && key.EndsWith(Silent, StringComparison.Ordinal))
                await Task.Delay(Timeout.Infinite, cancellationToken);
            await Inner.ReadAsync(key, offset, destination, cancellationToken);
        }
    }
}

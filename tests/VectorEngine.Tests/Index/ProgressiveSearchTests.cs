using VectorEngine.Storage;
using VectorEngine.Testing;
using VectorEngine.Tests.Loading;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Index;

public sealed class ProgressiveSearchTests
{
    private const int Count = 5000, Dimensions = 32, K = 10;

    private static readonly SearchOptions Options = new() { ProbeCount = 8 };
    private static readonly VectorIndexOptions Build = new() { ClusterCount = 64, StoredVectors = StoredVectors.Float32, CopyLimit = 0 };
    private static readonly VectorMatrix Vectors = GeneratedVectors.Latent(Count, Dimensions, 1);
    private static readonly VectorMatrix Queries = GeneratedVectors.Latent(50, Dimensions, 2);

    [Theory]
    [InlineData(SearchStage.Sign, 1)]
    [InlineData(SearchStage.Refined, 2)]
    [InlineData(SearchStage.Exact, 3)]
    public async Task StagesFollowEachOtherAndTheLastAnswerIsThatOfASearch(SearchStage stage, int most)
    {
        using VectorIndex index = await TestIndex.BuildAsync(Vectors, Build);
        SearchOptions options = Options with { Stage = stage };
        for (int i = 0; i < Queries.Count; i++)
        {
            List<SearchSnapshot> snapshots = await TakeAsync(index, Queries[i].ToArray(), options);
            Assert.InRange(snapshots.Count, 1, most);
            IEnumerable<SearchStage> stages = snapshots.Select(snapshot => snapshot.Result.Stage);
            Assert.Equal(Enumerable.Range(1, snapshots.Count).Select(number => (SearchStage)number), stages);
            Assert.True(snapshots[^1].IsFinal && snapshots.SkipLast(1).All(snapshot => !snapshot.IsFinal));
            Assert.All(snapshots, snapshot => Assert.Equal(K, snapshot.Result.Count));
            SearchResult alone = await index.SearchAsync(Queries[i], K, options);
            if (snapshots.Count == most)
                Assert.Equal(alone.Bounds(), snapshots[^1].Result.Bounds());
            else // certain before the distances are exact
                Assert.Equal(alone.Select(hit => hit.Ordinal).Order(), snapshots[^1].Result.Select(hit => hit.Ordinal).Order());
        }
    }

    [Fact]
    public async Task WhatIsCertainIsAmongTheNearest()
    {
        using VectorIndex index = await TestIndex.BuildAsync(Vectors, Build);
        int certain = 0;
        for (int i = 0; i < Queries.Count; i++)
        {
            HashSet<long> nearest =
                [.. index.Search(Queries[i], K, new SearchOptions { Stage = SearchStage.BruteForce }).Select(hit => hit.Ordinal)];
            SearchOptions options = Options with { ProbeCount = int.MaxValue };
            foreach (SearchSnapshot snapshot in await TakeAsync(index, Queries[i].ToArray(), options))
            {
                for (int rank = 0; rank < K; rank++)
                    Assert.True(!snapshot.IsCertain(rank) || nearest.Contains(snapshot.Result[rank].Ordinal));
                certain += snapshot.CertainCount;
            }
        }

        Assert.True(certain > 0);
    }

    [Fact]
    public async Task AnswersTakeARoundEachAndReceiptsCountWhatTheStoreDoes()
    {
        var store = new RoundStore(new MemoryObjectStore());
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors, Build);
        int roundsBefore = store.Rounds;
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        Assert.Equal(1, store.Rounds - roundsBefore); // the root; the pointer is read as a whole
        int requestsBefore = store.Requests;
        int answers = 0;
        SearchReceipt receipt = default;
        await foreach (SearchSnapshot snapshot in index.SearchProgressiveAsync(Queries[0].ToArray(), K, Options))
        {
            answers++;
            receipt = snapshot.Result.Receipt;
            Assert.InRange(receipt.Rounds, 1, answers);
            Assert.InRange(receipt.Requests, 1, store.Requests - requestsBefore);
            Assert.Equal(receipt.Requests * 0.0004 / 1000, receipt.EstimatedDollars, 12);
        }

        Assert.InRange(answers, 2, 3);
        Assert.Equal(store.Requests - requestsBefore, receipt.Requests);
    }

    [Fact]
    public async Task WhoeverHasSeenEnoughCancelsWhatIsOnItsWay()
    {
        var store = new HeldStore(new MemoryObjectStore()) { Holds = false };
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors, Build);
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        store.Holds = true;
        IAsyncEnumerator<SearchSnapshot> snapshots =
            index.SearchProgressiveAsync(Queries[0].ToArray(), K, Options).GetAsyncEnumerator();
        Task<bool> first = snapshots.MoveNextAsync().AsTask();
        var ex = new List<HeldRead>();
        for (int number = 0; !first.IsCompleted || number < store.Count;)
        {
            if (number == store.Count)
            {
                await Task.Delay(1);
                continue;
            }

            HeldRead read = await store.ReadAsync(number++);
            if (read.Key.EndsWith("/ex", StringComparison.Ordinal))
                ex.Add(read);
            else
                read.Complete();
        }

        Assert.True(await first);
        Assert.Equal(SearchStage.Sign, snapshots.Current.Result.Stage);
        Assert.NotEmpty(ex);
        Assert.All(ex, read => Assert.False(read.Cancelled.IsCancellationRequested));
        await snapshots.DisposeAsync();
        Assert.All(ex, read => Assert.True(read.Cancelled.IsCancellationRequested));
    }

    [Fact]
    public async Task WhatIsMissingOfTheSignLayerIsReadFirstThoughTheNearestListIsAtHand()
    {
        int exReads = 0;
        var rounds = new RoundStore(new MemoryObjectStore());
        var store = new FaultyStore(rounds, request =>
        {
            exReads += request.Operation == StoreOperation.ReadRange && request.Key.EndsWith("/ex", StringComparison.Ordinal) ? 1 : 0;
            return null;
        });
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors, Build);
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        await index.SearchAsync(Queries[0], K, new SearchOptions { ProbeCount = 1, Stage = SearchStage.Sign });
        SearchResult sign = await index.SearchAsync(Queries[0], K, Options with { Stage = SearchStage.Sign });
        Assert.Equal((1, 0), (sign.Receipt.Rounds, exReads));
        await index.SearchAsync(Queries[1], K, new SearchOptions { ProbeCount = 1, Stage = SearchStage.Sign });
        Assert.InRange((await index.SearchAsync(Queries[1], K, Options with { Stage = SearchStage.Refined })).Receipt.Rounds, 1, 2);
    }

    private static async Task<List<SearchSnapshot>> TakeAsync(VectorIndex index, float[] query, SearchOptions options)
    {
        var snapshots = new List<SearchSnapshot>();
        await foreach (SearchSnapshot snapshot in index.SearchProgressiveAsync(query, K, options))
            snapshots.Add(snapshot);
        return snapshots;
    }
}

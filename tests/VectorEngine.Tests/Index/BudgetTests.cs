using VectorEngine.Storage;
using VectorEngine.Testing;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Index;

/// <summary>Searches keep to their budgets, and say what they gave up for them.</summary>
public sealed class BudgetTests
{
    private const int Count = 6000, Dimensions = 64, Lists = 60;

    private static readonly VectorMatrix Vectors = GeneratedVectors.Normal(Count, Dimensions, 3);

    private static readonly VectorIndexOptions Options =
        new() { ClusterCount = Lists, StoredVectors = StoredVectors.Float32, CopyLimit = 0 };

    [Theory]
    [InlineData(SearchStage.Sign)]
    [InlineData(SearchStage.Refined)]
    [InlineData(SearchStage.Exact)]
    public async Task No_more_is_read_than_the_budget_allows(SearchStage stage)
    {
        IObjectStore store = await BuildAsync();
        using VectorIndex whole = await VectorIndex.OpenAsync(store, TestIndex.Name);
        long longest = whole.Describe().Segments[0].ListSizes.Max() * (8L + (Dimensions / 8) + 14);
        var random = new Random(1);
        bool gaveUp = false, lowered = false;
        for (int i = 0; i < 60; i++)
        {
            using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
            var budget = new SearchBudget
            {
                Bytes = i % 3 == 0 ? null : 1L << random.Next(10, 22),
                Requests = i % 3 == 1 ? null : 1 << random.Next(0, 9),
            };
            SearchResult result = await index.SearchAsync(
                Vectors[random.Next(Count)], 10, new SearchOptions { Stage = stage, ProbeCount = 30, Budget = budget });
            SearchReceipt receipt = result.Receipt;
            Assert.InRange(receipt.Requests, 1, Math.Max(1, budget.Requests ?? int.MaxValue));
            Assert.InRange(receipt.BytesRead, 1, Math.Max(2 * longest, budget.Bytes ?? long.MaxValue));
            Assert.Equal(30, receipt.ListsProbed + receipt.ListsGivenUp);
            Assert.InRange(result.Stage, SearchStage.Sign, stage);
            gaveUp |= receipt.ListsGivenUp > 0;
            lowered |= result.Stage < stage;
        }

        Assert.True(gaveUp);
        Assert.Equal(stage != SearchStage.Sign, lowered);
    }

    [Fact]
    public async Task What_is_in_memory_costs_nothing()
    {
        IObjectStore store = await BuildAsync();
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        var options = new SearchOptions { ProbeCount = 20 };
        SearchResult expected = await index.SearchAsync(Vectors[5], 10, options);
        SearchResult again = await index.SearchAsync(
            Vectors[5], 10, options with { Budget = new SearchBudget { Bytes = 1, Requests = 1 } });
        Assert.Equal((expected.Stage, expected.Receipt.Work()), (again.Stage, again.Receipt.Work()));
        Assert.Equal(expected.Bounds(), again.Bounds());
        Assert.Equal(0, again.Receipt.Requests);
    }

    [Fact]
    public async Task When_the_time_is_up_the_best_answer_so_far_is_returned()
    {
        var network = new SimulatedStore(await BuildAsync(), new NetworkProfile { RoundTrip = TimeSpan.FromMilliseconds(300) });
        using VectorIndex index = await VectorIndex.OpenAsync(network, TestIndex.Name);
        var options = new SearchOptions { ProbeCount = 20, Budget = new SearchBudget { Time = TimeSpan.FromMilliseconds(1) } };
        Assert.Equal(SearchStage.Sign, (await index.SearchAsync(Vectors[5], 10, options)).Stage);
        SearchResult late = await index.SearchAsync(
            Vectors[5], 10, options with { Budget = new SearchBudget { Time = TimeSpan.FromMinutes(1) } });
        Assert.Equal(SearchStage.Exact, late.Stage);
        Assert.Equal(5, late[0].Ordinal);
    }

    [Fact]
    public async Task A_budget_of_nothing_is_refused()
    {
        using VectorIndex index = await VectorIndex.OpenAsync(await BuildAsync(), TestIndex.Name);
        foreach (SearchBudget budget in new[]
                 {
                     new SearchBudget { Bytes = 0 }, new SearchBudget { Requests = -1 }, new SearchBudget { Time = TimeSpan.Zero },
                 })
            Assert.Throws<ArgumentException>(() => index.Search(Vectors[0], 1, new SearchOptions { Budget = budget }));
    }

    private static async Task<IObjectStore> BuildAsync()
    {
        var store = new MemoryObjectStore();
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors, Options);
        return store;
    }
}

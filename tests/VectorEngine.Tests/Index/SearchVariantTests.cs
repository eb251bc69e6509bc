using VectorEngine.Storage;
using VectorEngine.Tests.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Index;

/// <summary>However an index is opened, built or asked, the answer is the same; and what is said about the answer is true.</summary>
public sealed class SearchVariantTests
{
    private const int Count = 3000, Dimensions = 48, Clusters = 40, Queries = 30;

    private static readonly VectorMatrix All = GeneratedVectors.Latent(Count + Queries, Dimensions, 11),
        Vectors = All.Slice(0, Count),
        Asked = All.Slice(Count, Queries);

    private static readonly VectorIndexOptions Stored = new() { ClusterCount = Clusters, StoredVectors = StoredVectors.Float32 };

    public static TheoryData<SearchStage, ErrorBound> Stages => new()
    {
        { SearchStage.Sign, ErrorBound.Statistical }, { SearchStage.Refined, ErrorBound.Statistical },
        { SearchStage.Exact, ErrorBound.Statistical },
        { SearchStage.Sign, ErrorBound.Hard }, { SearchStage.Refined, ErrorBound.Hard }, { SearchStage.Exact, ErrorBound.Hard },
    };

    [Theory]
    [MemberData(nameof(Stages))]
    public async Task Asynchronous_searches_equal_the_plain_one(SearchStage stage, ErrorBound bound)
    {
        var options = new SearchOptions { Stage = stage, Bound = bound, ProbeCount = 10 };
        using VectorIndex index = await TestIndex.BuildAsync(Vectors, Stored);
        using VectorIndex cold = await TestIndex.BuildAsync(Vectors, Stored, new YieldingStore(new MemoryObjectStore()));
        for (int q = 0; q < Queries; q++)
        {
            SearchResult plain = index.Search(Asked[q], 10, options), later = await index.SearchAsync(Asked[q], 10, options);
            SearchResult yielded = await cold.SearchAsync(Asked[q], 10, options);
            foreach (SearchResult other in new[] { later, yielded })
            {
                Assert.Equal(plain.Bounds(), other.Bounds());
                Assert.Equal((plain.Stage, plain.Receipt.Work()), (other.Stage, other.Receipt.Work()));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Stages))]
    public async Task Receipts_add_up(SearchStage stage, ErrorBound bound)
    {
        using VectorIndex index = await TestIndex.BuildAsync(Vectors, Stored);
        long pruned = 0;
        for (int q = 0; q < Queries; q++)
        {
            SearchReceipt all = index.Search(Asked[q], 5, new SearchOptions { Stage = stage, Bound = bound, ProbeCount = 1000 }).Receipt;
            SearchReceipt few = index.Search(Asked[q], 5, new SearchOptions { Stage = stage, Bound = bound, ProbeCount = 7 }).Receipt;
            Assert.Equal((Clusters, 7), (all.ListsProbed, few.ListsProbed));
            Assert.Equal(Count, all.PostingsScanned);
            Assert.InRange(few.PostingsScanned, 1, Count);
            foreach (SearchReceipt receipt in new[] { all, few })
            {
                Assert.Equal(stage == SearchStage.Sign ? 0 : receipt.PostingsScanned, receipt.PostingsPruned + receipt.PostingsRefined);
                Assert.InRange(
                    receipt.PostingsRescored, stage == SearchStage.Exact ? 5 : 0, stage == SearchStage.Exact ? receipt.PostingsRefined : 0);
            }

            pruned += all.PostingsPruned;
        }

        Assert.True(stage == SearchStage.Sign || bound == ErrorBound.Hard || pruned > Count * Queries / 2, $"Only {pruned} pruned.");
    }

    [Fact]
    public async Task A_flat_index_scans_everything()
    {
        using VectorIndex index = await TestIndex.BuildAsync(Vectors);
        Assert.Equal(new SearchReceipt { PostingsScanned = Count }, index.Search(Asked[0], 5).Receipt.Work());
    }

    [Fact]
    public async Task Bounds_of_hits_cover_the_true_distance()
    {
        using VectorIndex index = await TestIndex.BuildAsync(Vectors, new VectorIndexOptions { ClusterCount = Clusters });
        foreach ((float epsilon0, double allowed) in new[] { (1.9f, 0.12), (3.3f, 0.01), (6f, 0.0) })
        {
            int failed = 0;
            for (int q = 0; q < Queries; q++)
            {
                SearchResult result = index.Search(Asked[q], 10, new SearchOptions { Epsilon0 = epsilon0, ProbeCount = Clusters });
                failed += result.Bounds().Count(
                    hit => Math.Abs(hit.Distance - Reference.SquaredL2(Asked[q], Vectors[(int)hit.Ordinal])) > hit.ErrorBound);
            }

            // The nearest by estimate are those that err on the near side, so more fail than of all postings.
            Assert.True(failed <= allowed * Queries * 10, $"{failed} of {Queries * 10} bounds of hits failed at {epsilon0}.");
        }
    }

    [Theory]
    [InlineData(StoredVectors.None, false)]
    [InlineData(StoredVectors.Float16, false)]
    [InlineData(StoredVectors.Float32, true)]
    public async Task Equal_seeds_build_equal_objects_on_any_number_of_threads(StoredVectors stored, bool flat)
    {
        var options = new VectorIndexOptions { ClusterCount = flat ? null : Clusters, StoredVectors = stored, Metric = Metric.Cosine };
        string[][] built = [];
        foreach ((ulong seed, int threads) in new[] { (42UL, 1), (42UL, 2), (42UL, -1), (43UL, 1) })
        {
            var store = new MemoryObjectStore();
            await VectorIndexBuilder.BuildAsync(
                store, TestIndex.Name, Vectors, options with { Seed = seed, MaxDegreeOfParallelism = threads });
            SortedDictionary<string, byte[]> objects = await TestIndex.ObjectsAsync(store, TestIndex.Name + "/segments/");
            built = [.. built, [.. objects.Select(
                o => Path.GetFileName(o.Key) + " " + Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(o.Value)))]];
        }

        Assert.Equal(built[0], built[1]);
        Assert.Equal(built[0], built[2]);
        if (!flat)
            Assert.NotEqual(built[0], built[3]);
    }

    [Theory]
    [InlineData(0L)]
    [InlineData(1L)]
    [InlineData(10_000L)]
    [InlineData(300_000L)]
    public async Task A_small_memory_budget_changes_no_answer(long budget)
    {
        var store = new MemoryObjectStore();
        using VectorIndex whole = await TestIndex.BuildAsync(Vectors, Stored, store);
        using VectorIndex small = await VectorIndex.OpenAsync(store, TestIndex.Name, new OpenOptions { MemoryBudget = budget });
        Assert.Equal(0, small.ResidentBytes);
        for (int q = 0; q < Queries; q++)
            Assert.Equal(whole.Search(Asked[q], 10).Bounds(), small.Search(Asked[q], 10).Bounds());
        // One extent more than the budget at most, beside the page of checksums that verifies it.
        Assert.InRange(small.ResidentBytes, 0, budget + (2 << 16));
        Assert.InRange(whole.ResidentBytes, 200_000, whole.Size.TotalBytes);
    }

    [Fact]
    public async Task A_small_memory_budget_does_for_thousands_of_lists()
    {
        const long Budget = 30_000;
        VectorMatrix vectors = GeneratedVectors.Normal(3000, 4, 5);
        var store = new MemoryObjectStore();
        using VectorIndex whole = await TestIndex.BuildAsync(vectors, new VectorIndexOptions { ClusterCount = 2500 }, store);
        using VectorIndex small = await VectorIndex.OpenAsync(store, TestIndex.Name, new OpenOptions { MemoryBudget = Budget });
        var all = new SearchOptions { ProbeCount = int.MaxValue };
        for (int q = 0; q < 20; q++)
        {
            SearchOptions options = all with { Stage = q % 2 == 0 ? SearchStage.Sign : SearchStage.Refined };
            Assert.Equal(whole.Search(vectors[q], 10, options).Bounds(), small.Search(vectors[q], 10, options).Bounds());
            Assert.InRange(small.ResidentBytes, 0, Budget);
        }
    }

    [Fact]
    public async Task A_mapped_index_gives_the_same_answers()
    {
        using var folder = new TemporaryFolder();
        using var store = new FileObjectStore(folder.Path);
        using VectorIndex read = await TestIndex.BuildAsync(Vectors, Stored, store);
        using VectorIndex mapped = await VectorIndex.OpenAsync(store, TestIndex.Name, new OpenOptions { MemoryMap = true });
        for (int q = 0; q < Queries; q++)
        {
            Assert.Equal(read.Search(Asked[q], 10).Bounds(), mapped.Search(Asked[q], 10).Bounds());
            Assert.Equal(read.Search(Asked[q], 10).Bounds(), (await mapped.SearchAsync(Asked[q], 10)).Bounds());
        }

        Assert.Equal(0, mapped.ResidentBytes);
    }

    [Fact]
    public async Task Sizes_are_those_of_the_objects()
    {
        var store = new MemoryObjectStore();
        using VectorIndex index = await TestIndex.BuildAsync(Vectors, Stored, store);
        SortedDictionary<string, byte[]> objects = await TestIndex.ObjectsAsync(store, TestIndex.Name + "/segments/");
        Assert.Equal(objects.Sum(o => o.Value.Length), index.Size.TotalBytes);
        Assert.Equal(objects[objects.Key("/sign")].Length, index.Size.SignBytes);
        Assert.Equal(objects[objects.Key("/ex")].Length, index.Size.ExBytes);
        Assert.Equal(objects[objects.Key("/root")].Length, index.Size.RootBytes);
    }

    [Fact]
    public async Task A_new_version_does_not_disturb_an_opened_one()
    {
        var store = new MemoryObjectStore();
        using VectorIndex first = await TestIndex.BuildAsync(Vectors.Slice(0, 500), Stored, store);
        (long, float)[] before = first.Search(Asked[0], 3).Hits();
        using VectorIndex second = await TestIndex.BuildAsync(Vectors, Stored, store);
        Assert.Equal((1L, 2L, 500, Count), (first.Version, second.Version, first.Count, second.Count));
        Assert.Equal(before, first.Search(Asked[0], 3).Hits());
    }
}

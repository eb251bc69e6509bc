using VectorEngine.Storage;
using VectorEngine.Tests.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Index;

/// <summary>Every kind of index answers, in every way there is to ask.</summary>
public sealed class SearchTests
{
    private const int Count = 3000, Dimensions = 40, Clusters = 30;

    private static readonly SearchOptions All = new() { ProbeCount = int.MaxValue };

    public static TheoryData<Metric, StoredVectors, bool, bool> Kinds
    {
        get
        {
            var kinds = new TheoryData<Metric, StoredVectors, bool, bool>();
            foreach (Metric metric in Enum.GetValues<Metric>())
            {
                foreach (StoredVectors stored in new[] { StoredVectors.None, StoredVectors.Float32, StoredVectors.Float16 })
                {
                    foreach (bool flat in new[] { false, true })
                    {
                        foreach (bool normalised in new[] { false, true })
                            kinds.Add(metric, stored, flat, normalised);
                    }
                }
            }

            return kinds;
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task The_default_search_finds_nearly_all(Metric metric, StoredVectors stored, bool flat, bool normalised)
    {
        using var folder = new TemporaryFolder();
        using var files = new FileObjectStore(folder.Path);
        VectorMatrix all = GeneratedVectors.Latent(Count + 30, Dimensions, 1);
        all = normalised ? GeneratedVectors.Normalised(all) : all;
        VectorMatrix vectors = all.Slice(0, Count), queries = all.Slice(Count, 30);
        var options = new VectorIndexOptions { Metric = metric, StoredVectors = stored, ClusterCount = flat ? null : Clusters };
        using VectorIndex index = await TestIndex.BuildAsync(vectors, options),
            onDisk = await TestIndex.BuildAsync(vectors, options, files);
        Assert.Equal((Count, Dimensions, metric, 1L), (index.Count, index.Dimensions, index.Metric, index.Version));
        double found = 0;
        for (int q = 0; q < queries.Count; q++)
        {
            SearchResult result = index.Search(queries[q], 10, All);
            Assert.Equal(result.Bounds(), onDisk.Search(queries[q], 10, All).Bounds());
            AssertSorted(result);
            HashSet<long> truth = [.. Reference.Nearest(vectors, metric, queries[q], 10).Select(hit => hit.Ordinal)];
            found += result.Hits().Count(hit => truth.Contains(hit.Ordinal));
        }

        // Estimates from 4-bit codes of 48 dimensions confuse close neighbours; exact distances do not.
        Assert.InRange(
            found / (10 * queries.Count), stored == StoredVectors.None && !flat ? 0.85 : stored == StoredVectors.Float16 ? 0.97 : 0.99, 1);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(15)]
    [InlineData(17)]
    [InlineData(65)]
    [InlineData(1000)]
    [InlineData(1040)]
    [InlineData(4097)]
    [InlineData(8191)]
    [InlineData(8192)]
    public async Task Any_number_of_dimensions_is_searched(int dimensions)
    {
        VectorMatrix vectors = GeneratedVectors.Normal(40, dimensions, dimensions);
        foreach (Metric metric in Enum.GetValues<Metric>())
        {
            var options = new VectorIndexOptions { Metric = metric, ClusterCount = 3 };
            using VectorIndex index = await TestIndex.BuildAsync(vectors, options);
            // A vector is its own nearest neighbour, also by inner product if it is the longest.
            int query = metric == Metric.InnerProduct ? Enumerable.Range(0, 40).MaxBy(row => Reference.Dot(vectors[row], vectors[row])) : 7;
            (long ordinal, float distance, float bound) = index.Search(vectors[query], 1, All)[0];
            Assert.Equal(query, ordinal);
            double truth = Reference.Distance(metric, vectors[query], vectors[query]);
            Assert.InRange(Math.Abs(distance - truth), 0, (3 * bound) + (1e-5 * Reference.Dot(vectors[query], vectors[query])));
        }
    }

    [Fact]
    public async Task One_dimension_is_searched_exactly()
    {
        VectorMatrix vectors = GeneratedVectors.Normal(5000, 1, 1);
        using VectorIndex index = await TestIndex.BuildAsync(vectors, new VectorIndexOptions { ClusterCount = 10 });
        Assert.Equal(0, index.ClusterCount);
        Assert.Equal(Reference.Nearest(vectors, Metric.SquaredL2, [0.5f], 20), index.Search([0.5f], 20).Hits());
    }

    [Fact]
    public async Task By_default_few_vectors_are_searched_exactly_and_many_are_clustered()
    {
        VectorMatrix vectors = GeneratedVectors.Normal(4097, 4, 1);
        using VectorIndex few = await TestIndex.BuildAsync(vectors.Slice(0, 4096)), many = await TestIndex.BuildAsync(vectors);
        Assert.Equal((0, 256), (few.ClusterCount, many.ClusterCount));
        Assert.Equal((StoredVectors.Float32, StoredVectors.None), (few.StoredVectors, many.StoredVectors));
        Assert.Equal((SearchStage.Exact, SearchStage.Refined), (few.Search(vectors[0], 1).Stage, many.Search(vectors[0], 1).Stage));
        // 3 % of the lists, but no fewer than 16.
        Assert.Equal((0, 16), (few.Search(vectors[0], 1).Receipt.ListsProbed, many.Search(vectors[0], 1).Receipt.ListsProbed));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, null)]
    [InlineData(2, 2)]
    [InlineData(33, 33)]
    [InlineData(50, 4)]
    public async Task More_hits_and_lists_than_there_are_mean_all(int count, int? clusters)
    {
        VectorMatrix vectors = GeneratedVectors.Normal(count, 6, 1);
        foreach (Metric metric in Enum.GetValues<Metric>())
        {
            using VectorIndex index = await TestIndex.BuildAsync(
                vectors, new VectorIndexOptions { Metric = metric, ClusterCount = clusters });
            foreach (ErrorBound bound in Enum.GetValues<ErrorBound>())
            {
                SearchResult result = index.Search(vectors[0], count + 5, All with { Bound = bound });
                Assert.Equal(Enumerable.Range(0, count).Select(i => (long)i), result.Hits().Select(hit => hit.Ordinal).Order());
                AssertSorted(result);
            }
        }
    }

    [Theory]
    [InlineData(Metric.SquaredL2, 0)]
    [InlineData(Metric.InnerProduct, -14)]
    [InlineData(Metric.Cosine, 0)]
    public async Task Equal_vectors_are_found_in_the_order_of_their_ordinals(Metric metric, float distance)
    {
        VectorMatrix vectors = GeneratedVectors.FromRows(Enumerable.Repeat(new float[] { 1, 2, 3 }, 100));
        foreach (int? clusters in new int?[] { null, 1, 7, 100 })
        {
            var options = new VectorIndexOptions { Metric = metric, ClusterCount = clusters, StoredVectors = StoredVectors.Float32 };
            using VectorIndex index = await TestIndex.BuildAsync(vectors, options);
            SearchResult result = index.Search(vectors[0], 10, All);
            Assert.Equal(Enumerable.Range(0, 10).Select(i => (long)i), result.Hits().Select(hit => hit.Ordinal));
            Assert.All(result.Hits(), hit => Assert.Equal(distance, hit.Distance, 1e-6f));
        }
    }

    [Fact]
    public async Task Estimates_of_duplicates_are_not_negative()
    {
        VectorMatrix distinct = GeneratedVectors.Latent(300, 32, 1);
        VectorMatrix vectors = GeneratedVectors.FromRows(Enumerable.Range(0, 900).Select(i => distinct[i % 300].ToArray()));
        foreach (Metric metric in new[] { Metric.SquaredL2, Metric.Cosine })
        {
            using VectorIndex index = await TestIndex.BuildAsync(vectors, new VectorIndexOptions { Metric = metric, ClusterCount = 300 });
            for (int q = 0; q < 50; q++)
            {
                foreach (SearchStage stage in new[] { SearchStage.Sign, SearchStage.Refined })
                {
                    SearchResult result = index.Search(vectors[q], 20, All with { Stage = stage });
                    Assert.All(result.Hits(), hit => Assert.InRange(hit.Distance, 0, metric == Metric.Cosine ? 2 : float.MaxValue));
                }
            }
        }
    }

    [Fact]
    public async Task A_query_need_not_be_near_the_data()
    {
        VectorMatrix vectors = GeneratedVectors.Normal(500, 20, 1);
        float[] far = [.. Enumerable.Range(0, 20).Select(i => i == 3 ? 1e6f : 0)];
        foreach (Metric metric in Enum.GetValues<Metric>())
        {
            var options = new VectorIndexOptions { Metric = metric, ClusterCount = 10, StoredVectors = StoredVectors.Float32 };
            using VectorIndex index = await TestIndex.BuildAsync(vectors, options);
            long nearest = index.Search(far, 1, All with { Epsilon0 = 6 })[0].Ordinal;
            double best = Enumerable.Range(0, 500).Min(row => Reference.Distance(metric, far, vectors[row]));
            Assert.Equal(best, Reference.Distance(metric, far, vectors[(int)nearest]), 1e-6 * Math.Abs(best));
        }
    }

    [Fact]
    public async Task Data_far_from_the_origin_are_clustered_like_data_around_it()
    {
        VectorMatrix all = GeneratedVectors.Latent(4040, 32, 5);
        VectorMatrix moved = new(all.Values.ToArray().Select(value => value + 3000).ToArray(), 32);
        double around = await RecallAsync(all), away = await RecallAsync(moved);
        Assert.True(away > around - 0.05, $"Recall {away:f3} with an offset, {around:f3} without.");

        static async Task<double> RecallAsync(VectorMatrix rows)
        {
            VectorMatrix vectors = rows.Slice(0, 4000);
            var options = new VectorIndexOptions { ClusterCount = 64, StoredVectors = StoredVectors.Float32 };
            using VectorIndex index = await TestIndex.BuildAsync(vectors, options);
            double found = 0;
            for (int q = 0; q < 40; q++)
            {
                IEnumerable<int> nearest = Enumerable.Range(0, 4000)
                    .OrderBy(row => Reference.SquaredL2(rows[4000 + q], vectors[row])).Take(10);
                HashSet<long> truth = [.. nearest.Select(row => (long)row)];
                found += index.Search(rows[4000 + q], 10, new SearchOptions { ProbeCount = 4 }).Hits()
                    .Count(hit => truth.Contains(hit.Ordinal));
            }

            return found / 400;
        }
    }

    private static void AssertSorted(SearchResult result)
    {
        for (int rank = 1; rank < result.Count; rank++)
            Assert.True((result[rank - 1].Distance, result[rank - 1].Ordinal).CompareTo((result[rank].Distance, result[rank].Ordinal)) < 0);
    }
}

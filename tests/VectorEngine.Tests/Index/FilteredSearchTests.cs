using FsCheck;
using FsCheck.Fluent;
using VectorEngine.Arrow;
using VectorEngine.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Index;

/// <summary>Searches with a filter find the nearest of the selected rows; searches within a radius find what lies in it.</summary>
public sealed class FilteredSearchTests
{
    private const int Count = 6000, Dimensions = 24, Clusters = 80, Queries = 40;

    private static readonly VectorMatrix All = GeneratedVectors.Latent(Count + Queries, Dimensions, 3),
        Vectors = All.Slice(0, Count),
        Asked = All.Slice(Count, Queries);

    private static readonly SearchOptions Everything = new() { ProbeCount = int.MaxValue, Bound = ErrorBound.Hard };

    [Fact]
    public void With_hard_bounds_and_all_lists_the_answer_is_exact() =>
        Prop.ForAll(AdversarialCase.Gen.ToArbitrary(), drawn =>
        {
            (VectorMatrix vectors, VectorMatrix queries) = drawn.Make();
            VectorIndexOptions options = drawn.Options with { StoredVectors = StoredVectors.Float32 };
            using VectorIndex index = TestIndex.BuildAsync(vectors, options).GetAwaiter().GetResult();
            var random = new Random(drawn.Seed);
            for (int q = 0; q < queries.Count; q++)
            {
                RowSet rows = Draw(random, vectors.Count, random.NextDouble());
                int k = random.Next(1, vectors.Count + 3);
                SearchResult result = index.Search(queries[q], k, Everything with { Filter = rows });
                Assert.Equal(Nearest(vectors, drawn.Metric, queries[q], k, rows), result.Hits());
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(TestScale.Of(300)));

    [Theory]
    [InlineData(Metric.SquaredL2)]
    [InlineData(Metric.InnerProduct)]
    [InlineData(Metric.Cosine)]
    public async Task Lists_of_codes_answer_exactly_too_where_many_rows_are_selected(Metric metric)
    {
        var options = new VectorIndexOptions { ClusterCount = Clusters, StoredVectors = StoredVectors.Float32, Metric = metric };
        using VectorIndex index = await TestIndex.BuildAsync(Vectors, options);
        RowSet half = Draw(new Random(1), Count, 0.5), all = !RowSet.FromOrdinals(Count), aligned = Below(0.4);
        for (int q = 0; q < Queries; q++)
        {
            foreach (RowSet rows in new[] { half, all, aligned })
            {
                (long, float)[] expected = Nearest(Vectors, metric, Asked[q], 10, rows);
                Assert.Equal(expected, index.Search(Asked[q], 10, Everything with { Filter = rows }).Hits());
                SearchOptions patient = new() { ProbeCount = int.MaxValue, Epsilon0 = 6, Filter = rows };
                Assert.Equal(expected, index.Search(Asked[q], 10, patient).Hits());
                SearchResult sign = index.Search(Asked[q], 10, patient with { Stage = SearchStage.Sign });
                Assert.Equal(10, sign.Count);
                Assert.All(sign, hit => Assert.True(rows.Contains(hit.Ordinal)));
            }
        }
    }

    [Theory]
    [InlineData(false, StoredVectors.Float32)]
    [InlineData(false, StoredVectors.None)]
    [InlineData(true, StoredVectors.Float32)]
    public async Task Few_rows_are_all_found(bool flat, StoredVectors stored)
    {
        var options = new VectorIndexOptions { ClusterCount = flat ? null : Clusters, StoredVectors = stored };
        VectorMatrix vectors = flat ? Vectors.Slice(0, 4000) : Vectors;
        using VectorIndex index = await TestIndex.BuildAsync(vectors, options);
        foreach (int selected in new[] { 0, 1, 7, 20 })
        {
            RowSet rows = RowSet.FromOrdinals(vectors.Count, Enumerable.Range(0, selected).Select(i => (long)(i * 199)));
            foreach (int k in new[] { 1, 7, 30 })
            {
                var search = new SearchOptions { Filter = rows };
                // Twice: the second time the index knows which lists hold them.
                for (int time = 0; time < 2; time++)
                {
                    SearchResult result = index.Search(Asked[k], k, search), later = await index.SearchAsync(Asked[k], k, search);
                    Assert.Equal(Math.Min(k, selected), result.Count);
                    Assert.All(result, hit => Assert.True(rows.Contains(hit.Ordinal)));
                    Assert.Equal(result.Bounds(), later.Bounds());
                    if (stored == StoredVectors.Float32)
                        Assert.Equal(Nearest(vectors, Metric.SquaredL2, Asked[k], k, rows), result.Hits());
                }
            }
        }
    }

    [Theory]
    [InlineData(Metric.SquaredL2, 0.5)]
    [InlineData(Metric.SquaredL2, 0.05)]
    [InlineData(Metric.InnerProduct, 0.05)]
    [InlineData(Metric.Cosine, 0.05)]
    public async Task The_recall_is_that_without_a_filter(Metric metric, double share)
    {
        var options = new VectorIndexOptions { ClusterCount = Clusters, StoredVectors = StoredVectors.None, Metric = metric };
        using VectorIndex index = await TestIndex.BuildAsync(Vectors, options);
        var search = new SearchOptions { ProbeCount = 6, Epsilon0 = 4 };
        double plain = Recall(index, metric, search, null);
        foreach (RowSet rows in new[] { Draw(new Random(5), Count, share), Below(share) })
        {
            double filtered = Recall(index, metric, search with { Filter = rows }, rows);
            Assert.True(filtered > plain - 0.04, $"{filtered:f3} with a filter, {plain:f3} without.");
        }
    }

    [Fact]
    public async Task A_recall_target_is_met_by_queries_like_the_vectors()
    {
        var options = new VectorIndexOptions { ClusterCount = Clusters, StoredVectors = StoredVectors.Float32 };
        using VectorIndex index = await TestIndex.BuildAsync(Vectors, options);
        int before = 0;
        foreach (double target in new[] { 0.5, 0.8, 0.95, 1 })
        {
            var search = new SearchOptions { RecallTarget = target, Epsilon0 = 5 };
            Assert.InRange(Recall(index, Metric.SquaredL2, search, null), target - 0.06, 1);
            int probes = index.Search(Asked[0], 10, search).Receipt.ListsProbed;
            Assert.InRange(probes, before + 1, Clusters);
            before = probes;
        }

        Assert.Equal(Clusters, before);
        foreach (double wrong in new[] { 0, -1, 1.01, double.NaN })
            Assert.Throws<ArgumentException>(() => index.Search(Asked[0], 1, new SearchOptions { RecallTarget = wrong }));
        Assert.Throws<ArgumentException>(() => index.Search(Asked[0], 1, new SearchOptions { RecallTarget = 0.9, ProbeCount = 3 }));
    }

    [Theory]
    [InlineData(Metric.SquaredL2, false)]
    [InlineData(Metric.InnerProduct, false)]
    [InlineData(Metric.Cosine, false)]
    [InlineData(Metric.SquaredL2, true)]
    public async Task Everything_within_a_radius_is_found(Metric metric, bool flat)
    {
        var options = new VectorIndexOptions
        {
            Metric = metric,
            ClusterCount = flat ? null : Clusters,
            StoredVectors = StoredVectors.Float32,
        };
        VectorMatrix vectors = flat ? Vectors.Slice(0, 4000) : Vectors;
        using VectorIndex index = await TestIndex.BuildAsync(vectors, options);
        RowSet half = Draw(new Random(2), vectors.Count, 0.5);
        double found = 0, wanted = 0;
        for (int q = 0; q < Queries; q++)
        {
            (long Ordinal, float Distance)[] nearest = Reference.Nearest(vectors, metric, Asked[q], vectors.Count);
            float radius = nearest[q * 20].Distance;
            (long, float)[] expected = [.. nearest.TakeWhile(hit => hit.Distance <= radius)];
            SearchResult hard = await index.SearchRangeAsync(Asked[q], radius, new SearchOptions { Bound = ErrorBound.Hard });
            Assert.Equal(expected, hard.Hits());
            SearchResult filtered = await index.SearchRangeAsync(
                Asked[q], radius, new SearchOptions { Bound = ErrorBound.Hard, Filter = half });
            Assert.Equal(expected.Where(hit => half.Contains(hit.Item1)), filtered.Hits());
            SearchResult statistical = await index.SearchRangeAsync(Asked[q], radius);
            Assert.Empty(statistical.Hits().Except(expected));
            found += statistical.Count;
            wanted += expected.Length;
        }

        Assert.InRange(found / wanted, 0.97, 1);
        await Assert.ThrowsAsync<ArgumentException>(async () => await index.SearchRangeAsync(Asked[0], float.NaN));
    }

    [Fact]
    public async Task Conditions_on_the_metadata_leave_lists_unread()
    {
        // The first coordinate, which clusters follow, and a text that does.
        float[] first = [.. Enumerable.Range(0, Count).Select(row => Vectors[row][0])];
        var metadata = new RecordBatch(
            ("x", ArrowArray.From<float>(first)), ("side", ArrowArray.From(first.Select(x => x < 0 ? "left" : "right").ToArray())));
        var store = new MemoryObjectStore();
        var options = new VectorIndexOptions { ClusterCount = Clusters, StoredVectors = StoredVectors.Float32 };
        using VectorIndex index = await TestIndex.BuildAsync(Vectors, options, store, metadata);
        float limit = first.Order().ElementAt(Count / 4);
        Filter filter = Filter.Column("x").LessThan(limit) & Filter.Column("side").In("left");
        RowSet expected = RowSet.FromBooleans(Array.ConvertAll(first, x => x < limit && x < 0));
        SearchOptions search = Everything with { Filter = filter };
        SearchResult[] batch = await index.SearchBatchAsync(Asked, 10, search);
        for (int q = 0; q < Queries; q++)
        {
            (long, float)[] nearest = Nearest(Vectors, Metric.SquaredL2, Asked[q], 10, expected);
            SearchResult result = q % 2 == 0 ? index.Search(Asked[q], 10, search) : await index.SearchAsync(Asked[q], 10, search);
            Assert.Equal(nearest, result.Hits());
            Assert.Equal(nearest, batch[q].Hits());
            Assert.InRange(result.Receipt.ListsExcluded, 10, Clusters - 1);
            Assert.InRange(result.Receipt.ListsProbed, 1, Clusters - result.Receipt.ListsExcluded);
        }

        Assert.Equal(expected.Count, (await index.SelectAsync(filter)).Count);
        using VectorIndex cold = await TestIndex.BuildAsync(Vectors, options, new YieldingStore(new MemoryObjectStore()), metadata);
        Assert.Equal(batch[0].Hits(), (await cold.SearchAsync(Asked[0], 10, search)).Hits());
    }

    private static RowSet Draw(Random random, int count, double share) =>
        RowSet.FromBooleans([.. Enumerable.Range(0, count).Select(_ => random.NextDouble() < share)]);

    /// <summary>The rows whose first coordinate is the least: near each other.</summary>
    private static RowSet Below(double share)
    {
        float[] first = [.. Enumerable.Range(0, Count).Select(row => Vectors[row][0])];
        float limit = first.Order().ElementAt((int)(share * Count));
        return RowSet.FromBooleans(Array.ConvertAll(first, x => x < limit));
    }

    private static (long Ordinal, float Distance)[] Nearest(
        VectorMatrix vectors, Metric metric, ReadOnlySpan<float> query, int k, RowSet rows) =>
        [.. Reference.Nearest(vectors, metric, query, vectors.Count).Where(hit => rows.Contains(hit.Ordinal)).Take(k)];

    private static double Recall(VectorIndex index, Metric metric, SearchOptions options, RowSet? rows)
    {
        int found = 0;
        for (int q = 0; q < Queries; q++)
        {
            var expected = Nearest(Vectors, metric, Asked[q], 10, rows ?? !RowSet.FromOrdinals(Count))
                .Select(hit => hit.Ordinal).ToHashSet();
            found += index.Search(Asked[q], 10, options).Count(hit => expected.Contains(hit.Ordinal));
        }

        return found / (10.0 * Queries);
    }
}

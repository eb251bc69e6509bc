using VectorEngine.Arrow;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Index;

/// <summary>Searches by vectors of the index.</summary>
public sealed class ExampleSearchTests
{
    private const int Count = 2000, Dimensions = 24;

    private static readonly VectorMatrix Vectors = GeneratedVectors.Latent(Count, Dimensions, 4);

    private static readonly RecordBatch Metadata = new(
        ("id", ArrowArray.From<long>(Enumerable.Range(0, Count).Select(i => 10L * i).ToArray())));

    [Theory]
    [InlineData(Metric.SquaredL2, true)]
    [InlineData(Metric.SquaredL2, false)]
    [InlineData(Metric.InnerProduct, false)]
    [InlineData(Metric.Cosine, true)]
    [InlineData(Metric.Cosine, false)]
    public async Task The_hits_are_those_of_the_formula_without_the_examples(Metric metric, bool flat)
    {
        var options = new VectorIndexOptions
        {
            Metric = metric, StoredVectors = StoredVectors.Float32, ClusterCount = flat ? null : 20, IdColumn = "id",
        };
        using VectorIndex index = await TestIndex.BuildAsync(Vectors, options, null, Metadata);
        var search = new SearchOptions { Stage = SearchStage.BruteForce };
        var random = new Random(1);
        for (int round = 0; round < 20; round++)
        {
            long[] like = Draw(random, 1 + (round % 4)), unlike = Draw(random, round % 3);
            SearchResult result = await index.SearchByExampleAsync(like, unlike, 15, search);
            float[] liked = Mean(like, metric), query = liked;
            if (unlike.Length > 0)
                query = [.. liked.Zip(Mean(unlike, metric), (x, y) => x + ((x - y) / 3))];
            long[] expected = [.. Reference.Nearest(Vectors, metric, query, Count)
                .Select(hit => hit.Ordinal).Except(like).Except(unlike).Take(15)];
            Assert.Equal(15, result.Count);
            // Sums in another order may swap what is almost equally far.
            Assert.InRange(result.Hits().Count(hit => expected.Contains(hit.Ordinal)), 14, 15);
            Assert.Empty(result.Hits().Select(hit => hit.Ordinal).Intersect([.. like, .. unlike]));
            Assert.Equal(
                result.Select(hit => 10 * hit.Ordinal),
                Enumerable.Range(0, 15).Select(rank => result.Rows!.Column<PrimitiveArray<long>>("id")[rank]!.Value));
        }
    }

    [Fact]
    public async Task The_origin_does_not_matter_under_squared_distance()
    {
        VectorMatrix moved = new(Vectors.Values.ToArray().Select(value => value + 64).ToArray(), Dimensions);
        using VectorIndex here = await TestIndex.BuildAsync(Vectors), there = await TestIndex.BuildAsync(moved);
        long[] like = [5, 6, 900], unlike = [17, 44];
        SearchResult expected = await here.SearchByExampleAsync(like, unlike, 20);
        SearchResult actual = await there.SearchByExampleAsync(like, unlike, 20);
        Assert.InRange(actual.Hits().Select(hit => hit.Ordinal).Intersect(expected.Hits().Select(hit => hit.Ordinal)).Count(), 19, 20);
    }

    [Fact]
    public async Task Examples_that_do_not_work_are_refused()
    {
        using VectorIndex index = await TestIndex.BuildAsync(Vectors, new VectorIndexOptions { Metric = Metric.Cosine });
        await Assert.ThrowsAsync<ArgumentException>(async () => await index.SearchByExampleAsync(default, new[] { 1L }, 5));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await index.SearchByExampleAsync(new[] { 1L }, default, 0));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            async () => await index.SearchByExampleAsync(new[] { 1L }, new[] { (long)Count }, 5));
        // As many hits as are left.
        long[] all = [.. Enumerable.Range(0, Count).Select(i => (long)i)];
        foreach (int k in new[] { 2, 5, int.MaxValue })
        {
            SearchResult rest = await index.SearchByExampleAsync(all.AsMemory(0, 7), all.AsMemory(9), k);
            Assert.Equal([7, 8], rest.Hits().Select(hit => hit.Ordinal).Order());
        }


        using VectorIndex bare = await TestIndex.BuildAsync(Vectors, new VectorIndexOptions { ClusterCount = 5 });
        VectorsNotStoredException error = await Assert.ThrowsAsync<VectorsNotStoredException>(
            async () => await bare.SearchByExampleAsync(new[] { 1L }, default, 5));
        Assert.Contains("without stored vectors", error.Message);
    }

    private static long[] Draw(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => (long)random.Next(Count))];

    private static float[] Mean(long[] rows, Metric metric)
    {
        double[] mean = new double[Dimensions];
        foreach (long row in rows)
        {
            double norm = metric == Metric.Cosine ? Math.Sqrt(Reference.Dot(Vectors[(int)row], Vectors[(int)row])) : 1;
            for (int d = 0; d < Dimensions; d++)
                mean[d] += Vectors[(int)row][d] / norm / rows.Length;
        }

        return Array.ConvertAll(mean, value => (float)value);
    }
}

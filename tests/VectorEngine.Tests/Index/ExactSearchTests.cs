using FsCheck;
using FsCheck.Fluent;
using VectorEngine.Numerics;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Index;

/// <summary>
/// Hard bounds and stored vectors find the true neighbours, to the last bit and in the order of their ordinals where they tie.
/// </summary>
public sealed class ExactSearchTests
{
    private static readonly SearchOptions Exact = new() { ProbeCount = int.MaxValue, Bound = ErrorBound.Hard, Stage = SearchStage.Exact };

    [Fact]
    public void All_lists_and_hard_bounds_are_brute_force() => Prop.ForAll(AdversarialCase.Gen.ToArbitrary(), drawn =>
    {
        (VectorMatrix vectors, VectorMatrix queries) = drawn.Make();
        bool half = drawn.FitsHalf && drawn.Seed % 2 == 0;
        VectorIndexOptions options = drawn.Options with { StoredVectors = half ? StoredVectors.Float16 : StoredVectors.Float32 };
        using VectorIndex index = TestIndex.BuildAsync(vectors, options).GetAwaiter().GetResult();
        Assert.InRange(index.ClusterCount, 1, drawn.Clusters); // lists of clusters without vectors are left out
        var random = new Random(drawn.Seed);
        for (int q = 0; q < queries.Count; q++)
        {
            int k = random.Next(1, random.Next(2) == 0 ? 12 : (2 * drawn.Count) + 2);
            SearchResult result = index.Search(queries[q], k, Exact);
            AssertEqual(Reference.Nearest(vectors, drawn.Metric, queries[q], k, half), result, $"query {q}, k = {k}");
            Assert.All(result.Bounds(), hit => Assert.Equal(0, hit.ErrorBound));
        }
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(TestScale.IsSlow ? 60 : 600));

    [Fact]
    public void A_flat_index_is_brute_force() => Prop.ForAll(AdversarialCase.Gen.ToArbitrary(), drawn =>
    {
        (VectorMatrix vectors, VectorMatrix queries) = drawn.Make();
        using VectorIndex index = TestIndex.BuildAsync(vectors, drawn.Options with { ClusterCount = null }).GetAwaiter().GetResult();
        Assert.Equal((0, StoredVectors.Float32), (index.ClusterCount, index.StoredVectors));
        for (int q = 0; q < queries.Count; q++)
        {
            SearchResult result = index.Search(queries[q], 5);
            (long Ordinal, float Distance)[] expected = Reference.Nearest(vectors, drawn.Metric, queries[q], vectors.Count);
            Assert.Equal(Math.Min(5, vectors.Count), result.Count);
            for (int rank = 0; rank < result.Count; rank++)
            {
                // Rows are compared four at a time, with another order of summation: equal up to rounding, where ties may break otherwise.
                float own = Array.Find(expected, hit => hit.Ordinal == result[rank].Ordinal).Distance;
                double size = Math.Abs(own)
                    + (drawn.Metric == Metric.SquaredL2 ? 0 : Math.Sqrt(Reference.Dot(queries[q], queries[q]) * Largest(vectors)));
                Assert.InRange(result[rank].Distance - own, -1e-5 * size, 1e-5 * size);
                Assert.InRange(result[rank].Distance - expected[rank].Distance, -1e-5 * size, 1e-5 * size);
            }
        }
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(TestScale.IsSlow ? 60 : 300));

    [Theory]
    [InlineData(Metric.SquaredL2)]
    [InlineData(Metric.InnerProduct)]
    [InlineData(Metric.Cosine)]
    public async Task Exact_distances_are_those_of_float64(Metric metric)
    {
        foreach (int dimensions in new[] { 2, 17, 384, 8192 })
        {
            VectorMatrix vectors = GeneratedVectors.Normal(30, dimensions, dimensions), queries = GeneratedVectors.Normal(3, dimensions, 7);
            var options = new VectorIndexOptions { Metric = metric, ClusterCount = 3, StoredVectors = StoredVectors.Float32 };
            using VectorIndex index = await TestIndex.BuildAsync(vectors, options);
            for (int q = 0; q < 3; q++)
            {
                foreach ((long ordinal, float distance) in index.Search(queries[q], 30, Exact).Hits())
                {
                    double size = Math.Sqrt(
                        Reference.Dot(queries[q], queries[q]) * Reference.Dot(vectors[(int)ordinal], vectors[(int)ordinal]));
                    // Sums of n products: at most 2 n roundings of 2^-24 of the sum of magnitudes.
                    double tolerance = 2 * dimensions / (double)(1 << 24)
                        * (metric == Metric.SquaredL2 ? 4 * size : metric == Metric.Cosine ? 4 : size);
                    Assert.Equal(Reference.Distance(metric, queries[q], vectors[(int)ordinal]), distance, tolerance);
                }
            }
        }
    }

    [Theory]
    [InlineData(Metric.SquaredL2, 1e-22f)]
    [InlineData(Metric.SquaredL2, 1e16f)]
    [InlineData(Metric.InnerProduct, 1e16f)]
    [InlineData(Metric.Cosine, 1e-38f)]
    [InlineData(Metric.Cosine, 1e16f)]
    public async Task Extreme_units_are_searched_too(Metric metric, float unit)
    {
        VectorMatrix vectors = GeneratedVectors.Normal(200, 24, 1, unit), queries = GeneratedVectors.Normal(5, 24, 2, unit);
        var options = new VectorIndexOptions { Metric = metric, ClusterCount = 6, StoredVectors = StoredVectors.Float32 };
        using VectorIndex index = await TestIndex.BuildAsync(vectors, options);
        for (int q = 0; q < 5; q++)
        {
            (long Ordinal, float Distance)[] expected = Reference.Nearest(vectors, metric, queries[q], 10);
            AssertEqual(expected, index.Search(queries[q], 10, Exact), $"query {q}");
            Assert.Equal(10, index.Search(queries[q], 10, new SearchOptions { ProbeCount = 6 }).Count);
        }
    }

    [Fact]
    public void Rounding_to_float16_is_the_runtimes()
    {
        var random = new Random(1);
        float[] values = new float[100_003];
        for (int i = 0; i < values.Length; i++)
        {
            // Half of the fractions end at the bit that decides ties.
            float fraction = random.Next(1 << 14) / (float)(1 << (random.Next(2) == 0 ? 14 : 11));
            values[i] = (random.Next(2) == 0 ? 1 : -1) * MathF.ScaleB(1 + fraction, random.Next(-30, 15));
        }

        (values[0], values[1], values[2], values[3]) = (65504, -65504, 0, MathF.ScaleB(1, -25));
        float[] actual = Array.ConvertAll(values, value => Math.Clamp(value, -65504, 65504));
        float[] expected = Array.ConvertAll(actual, value => (float)(Half)value);
        SpanMath.RoundToHalf(actual);
        Assert.Equal(expected, actual);
    }

    private static double Largest(VectorMatrix vectors) =>
        Enumerable.Range(0, vectors.Count).Max(row => Reference.Dot(vectors[row], vectors[row]));

    private static void AssertEqual((long Ordinal, float Distance)[] expected, SearchResult result, string what)
    {
        (long Ordinal, float Distance)[] actual = result.Hits();
        Assert.Equal(expected.Length, actual.Length);
        for (int rank = 0; rank < expected.Length; rank++)
        {
            if (expected[rank] != actual[rank])
                Assert.Fail($"{what}, rank {rank}: {actual[rank]}, not {expected[rank]}.");
        }
    }
}

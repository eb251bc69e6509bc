using FsCheck;
using FsCheck.Fluent;
using VectorEngine.Quantization;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Quantization;

/// <summary>Bounds that never fail do not fail where they are tight, or where float32 is at its limits.</summary>
public sealed class HardBoundTests
{
    [Fact]
    public void Hold_for_adversarial_data() => Prop.ForAll(AdversarialCase.Gen.ToArbitrary(), drawn =>
    {
        (VectorMatrix vectors, VectorMatrix queries) = drawn.Make();
        VectorIndexOptions options = drawn.Options;
        using VectorIndex index = TestIndex.BuildAsync(vectors, options).GetAwaiter().GetResult();
        double[][] distances = BoundMeasurement.Distances(drawn.Metric, vectors, queries);
        AssertCover(index, queries, distances, SearchStage.Sign, "");
        AssertCover(index, queries, distances, SearchStage.Refined, "");
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(TestScale.IsSlow ? 60 : 600));

    [Fact]
    public void The_range_admits_exactly_what_the_angles_allow() => Prop.ForAll(Gen.Choose(0, 1 << 30).ToArbitrary(), seed =>
    {
        // r along the first axis, f x = r + (0, e, 0); y anywhere: <r, y> must lie in the range, and a y that reaches each end exists.
        var random = new Random(seed);
        double r = random.NextDouble(), e = random.NextDouble(), length = 1 + random.NextDouble();
        double angle = 2 * Math.PI * random.NextDouble(), tilt = random.NextDouble();
        double y1 = length * Math.Cos(angle), y2 = length * Math.Sin(angle) * tilt;
        double product = (r * y1) + (e * y2);
        (double low, double high) = HardBound.Range(product, product, r, e, length);
        Assert.InRange(r * y1, low - 1e-9, high + 1e-9);

        // With y in the plane of r and x, <r, y> is one of the two ends.
        product = (r * y1) + (e * length * Math.Sin(angle));
        (low, high) = HardBound.Range(product, product, r, e, length);
        Assert.True(Math.Min(Math.Abs((r * y1) - low), Math.Abs((r * y1) - high)) < 1e-6, $"{r * y1} in {low}..{high}");

        // An interval of estimates admits what each of its members admits.
        (double wideLow, double wideHigh) = HardBound.Range(product - 0.1, product + 0.1, r, e, length);
        Assert.True(wideLow <= low + 1e-12 && wideHigh >= high - 1e-12);
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    /// <summary>Every reported interval holds the true distance.</summary>
    internal static void AssertCover(VectorIndex index, VectorMatrix queries, double[][] distances, SearchStage stage, string what)
    {
        var options = new SearchOptions { ProbeCount = int.MaxValue, Stage = stage, Bound = ErrorBound.Hard };
        for (int q = 0; q < queries.Count; q++)
        {
            SearchResult result = index.Search(queries[q], (int)index.Count, options);
            Assert.Equal(index.Count, result.Count);
            for (int rank = 0; rank < result.Count; rank++)
            {
                (long ordinal, float distance, float bound) = result[rank];
                double error = Math.Abs(distance - distances[q][ordinal]);
                if (!(error <= bound))
                    Assert.Fail($"{what} {stage}, query {q}, vector {ordinal}: {distance} ± {bound}, but it is {distances[q][ordinal]}.");
            }
        }
    }
}

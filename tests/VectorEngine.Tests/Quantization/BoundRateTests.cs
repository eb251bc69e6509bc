using VectorEngine.Tests.TestData;
using Xunit.Abstractions;

namespace VectorEngine.Tests.Quantization;

/// <summary>
/// The statistical bounds fail as often as a normal distribution says, the hard ones never: over a million pairs of posting and query each.
/// </summary>
public sealed class BoundRateTests(ITestOutputHelper output)
{
    private const int Vectors = 4000, Queries = 256, Clusters = 64;

    public static TheoryData<int, Metric> Cases => new()
    {
        { 96, Metric.SquaredL2 }, { 96, Metric.InnerProduct }, { 96, Metric.Cosine },
        { 200, Metric.SquaredL2 }, { 200, Metric.InnerProduct }, { 200, Metric.Cosine },
        { 384, Metric.SquaredL2 }, { 384, Metric.InnerProduct }, { 384, Metric.Cosine },
        { 768, Metric.SquaredL2 }, { 768, Metric.InnerProduct }, { 768, Metric.Cosine },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Statistical_bounds_fail_like_a_normal_distribution(int dimensions, Metric metric)
    {
        (VectorIndex index, VectorMatrix vectors, VectorMatrix queries) = await BuildAsync(dimensions, metric);
        double[][] distances = BoundMeasurement.Distances(metric, vectors, queries);
        foreach (SearchStage stage in new[] { SearchStage.Sign, SearchStage.Refined })
        {
            BoundMeasurement measured = BoundMeasurement.Measure(index, queries, distances, stage);
            output.WriteLine($"{dimensions} {metric} {stage}: {measured}");
            measured.AssertTails($"{dimensions} {metric} {stage}");
            Assert.InRange(measured.Bias, -0.05, 0.05);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Hard_bounds_never_fail(int dimensions, Metric metric)
    {
        (VectorIndex index, VectorMatrix vectors, VectorMatrix queries) = await BuildAsync(dimensions, metric);
        queries = queries.Slice(0, queries.Count / 4);
        double[][] distances = BoundMeasurement.Distances(metric, vectors, queries);
        foreach (SearchStage stage in new[] { SearchStage.Sign, SearchStage.Refined })
            HardBoundTests.AssertCover(index, queries, distances, stage, $"{dimensions} {metric}");
    }

    private static async Task<(VectorIndex, VectorMatrix Vectors, VectorMatrix Queries)> BuildAsync(int dimensions, Metric metric)
    {
        int queries = TestScale.Of(Queries);
        VectorMatrix all = GeneratedVectors.Latent(Vectors + queries, dimensions, seed: dimensions);
        VectorMatrix vectors = all.Slice(0, Vectors);
        var options = new VectorIndexOptions { Metric = metric, ClusterCount = Clusters };
        return (await TestIndex.BuildAsync(vectors, options), vectors, all.Slice(Vectors, queries));
    }
}

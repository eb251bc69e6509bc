using VectorEngine.Building;
using VectorEngine.Clustering;
using VectorEngine.Format;
using VectorEngine.Quantization;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Building;

/// <summary>The recall curve is what comparing every query with every row gives.</summary>
public sealed class RecallCalibrationTests
{
    [Theory]
    [InlineData(Metric.SquaredL2, 0f)]
    [InlineData(Metric.Cosine, 1f)]
    [InlineData(Metric.InnerProduct, 0f)]
    [InlineData(Metric.InnerProduct, 1f)]
    public void The_curve_is_that_of_exact_neighbours(Metric metric, float commonLength)
    {
        const int Count = 900, Lists = 12, Dimensions = 10;
        VectorMatrix rows = GeneratedVectors.Latent(Count, Dimensions, 1);
        if (commonLength > 0)
            rows = GeneratedVectors.Normalised(rows);
        float[] centroids = rows.Slice(0, Lists).Values.ToArray(), mean = new float[Dimensions];
        int[] labels = [.. Enumerable.Range(0, Count).Select(row => NearestOf(rows[row], centroids, Dimensions))];
        double[] spreads = [.. Enumerable.Range(0, Lists).Select(list => Enumerable.Range(0, Count).Where(row => labels[row] == list)
            .Average(row => Reference.SquaredL2(rows[row], centroids.AsSpan(list * Dimensions, Dimensions))))];
        int[] queries = [.. Enumerable.Range(0, 128).Select(i => 4 + (7 * i))];

        RecallCurve curve = Measure(1, 400), other = Measure(2, 131);
        Assert.Equal(curve.ToBytes(), other.ToBytes());
        int[] ranks = [.. queries.SelectMany(query => Ranks(query, 10)).Order()];
        foreach (int lists in new[] { 1, 2, 4, 8 })
        {
            double expected = ranks.Count(rank => rank <= lists) / (double)ranks.Length;
            Assert.InRange(curve.ShareIn(10, lists), expected - 0.08, expected + 0.08);
            Assert.InRange(curve.ListsFor(10, curve.ShareIn(10, lists)), Math.Min(ranks[0], lists - 1), lists + 0.01);
        }

        Assert.Equal(double.PositiveInfinity, curve.ListsFor(10, 1));
        Assert.Equal(double.PositiveInfinity, curve.SlackFor(10, 1));

        RecallCurve Measure(int threads, int block)
        {
            float[] vectors = [.. queries.SelectMany(query => rows[query].ToArray())];
            var calibration = new RecallCalibration(
                queries, vectors, mean, metric, Count, new ParallelOptions { MaxDegreeOfParallelism = threads });
            for (int start = 0; start < Count; start += block)
            {
                int count = Math.Min(block, Count - start);
                calibration.Observe(start, rows.Slice(start, count).Values, labels.AsMemory(start, count));
            }

            int[] counts = [.. Enumerable.Range(0, Lists).Select(list => labels.Count(label => label == list))];
            return calibration.Finish(centroids, new ListPlan(new CodeLayout(Dimensions), counts), spreads, commonLength);
        }

        IEnumerable<int> Ranks(int query, int k)
        {
            double[] distances = [.. Enumerable.Range(0, Lists).Select(list => ListDistance(query, list))];
            return Enumerable.Range(0, Count).Where(row => row != query).OrderBy(row => Reference.Distance(metric, rows[query], rows[row]))
                .Take(k).Select(row => 1 + distances.Count(distance => distance < distances[labels[row]]));
        }

        double ListDistance(int query, int list)
        {
            ReadOnlySpan<float> centroid = centroids.AsSpan(list * Dimensions, Dimensions);
            return metric == Metric.InnerProduct
                ? -Reference.Dot(rows[query], centroid) - (commonLength > 0 ? spreads[list] / 2 : 0)
                : Reference.SquaredL2(rows[query], centroid);
        }
    }

    [Theory]
    [InlineData(Metric.SquaredL2, 0.0)]
    [InlineData(Metric.Cosine, 1.0)]
    [InlineData(Metric.InnerProduct, 0.0)]
    [InlineData(Metric.InnerProduct, 1.0)]
    public void A_slack_is_what_its_limit_allows(Metric metric, double commonLength)
    {
        var reach = new ListReach(metric, commonLength, 1.3, 2);
        foreach ((double distance, double spread, double list) in new[] { (0.2, 0.5, 0.9), (0.7, 0.1, 0.3), (-0.3, 0.4, 0.2) })
        {
            double slack = reach.Slack(list, spread, distance);
            Assert.Equal(list, reach.Limit(distance, spread, slack), 1e-9);
        }
    }

    private static int NearestOf(ReadOnlySpan<float> row, float[] centroids, int dimensions)
    {
        int nearest = 0;
        for (int list = 1; list < centroids.Length / dimensions; list++)
        {
            if (Reference.SquaredL2(row, centroids.AsSpan(list * dimensions, dimensions))
                < Reference.SquaredL2(row, centroids.AsSpan(nearest * dimensions, dimensions)))
                nearest = list;
        }

        return nearest;
    }
}

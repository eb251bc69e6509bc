using VectorEngine.Tests.Quantization;
using VectorEngine.Tests.TestData;
using Xunit.Abstractions;

namespace VectorEngine.Tests.Index;

/// <summary>What the defaults promise, measured on real vectors.</summary>
public sealed class RealVectorsTests(ITestOutputHelper output)
{
    /// <summary>So wide a bound that pruning by it loses nothing.</summary>
    private const float Wide = 6;

    private const int K = 10;

    [RealVectorsTheory]
    [MemberData(nameof(RealVectors.Sets), MemberType = typeof(RealVectors))]
    public Task Pruning_at_the_default_loses_little_of_a_refined_search(string set, Metric metric) =>
        AssertLossAsync(set, metric, SearchStage.Refined);

    [RealVectorsTheory]
    [MemberData(nameof(RealVectors.Sets), MemberType = typeof(RealVectors))]
    public Task Pruning_at_the_default_loses_little_of_an_exact_search(string set, Metric metric) =>
        AssertLossAsync(set, metric, SearchStage.Exact);

    [RealVectorsTheory]
    [MemberData(nameof(RealVectors.Sets), MemberType = typeof(RealVectors))]
    public async Task Bounds_fail_like_a_normal_distribution(string set, Metric metric)
    {
        var data = RealVectors.Load(set, metric);
        using VectorIndex index = await TestIndex.BuildAsync(data.Vectors, new VectorIndexOptions { Metric = metric, ClusterCount = 256 });
        // With all vectors, 20 queries make more than a million pairs; neighbours in the files are alike, so they are taken from all over.
        VectorMatrix queries = GeneratedVectors.FromRows(Enumerable.Range(0, 20).Select(i => data.Queries[i * 50].ToArray()));
        double[][] distances = BoundMeasurement.Distances(metric, data.Vectors, queries);
        foreach (SearchStage stage in new[] { SearchStage.Sign, SearchStage.Refined })
        {
            BoundMeasurement measured = BoundMeasurement.Measure(index, queries, distances, stage);
            output.WriteLine($"{set} {metric} {stage}: {measured}");
            measured.AssertTails($"{set} {metric} {stage}");
            HardBoundTests.AssertCover(index, queries.Slice(0, 4), distances, stage, set);
        }
    }

    private async Task AssertLossAsync(string set, Metric metric, SearchStage stage)
    {
        var data = RealVectors.Load(set, metric);
        // The values of all three sets are exact in float16.
        var options = new VectorIndexOptions { Metric = metric, ClusterCount = 256, StoredVectors = StoredVectors.Float16 };
        using VectorIndex index = await TestIndex.BuildAsync(data.Vectors, options);
        var report = new List<string>();
        double worst = 0;
        foreach (int probes in new[] { 16, 256 })
        {
            var wide = new SearchOptions { ProbeCount = probes, Stage = stage, Epsilon0 = Wide };
            SearchResult[] all = await index.SearchBatchAsync(data.Queries, K, wide);
            SearchResult[] pruned = await index.SearchBatchAsync(data.Queries, K, wide with { Epsilon0 = null });
            double loss = Recall(all, data) - Recall(pruned, data);
            worst = Math.Max(worst, loss);
            report.Add(
                $"{set} {metric} {stage}, {probes} of 256 lists: "
                + $"recall@{K} {Recall(pruned, data):f4} at the default, {Recall(all, data):f4} at {Wide}, "
                + $"loss {loss:f4}; refined {Refined(pruned):p2} and {Refined(all):p2} of the scanned");
        }

        output.WriteLine(string.Join('\n', report));
        Assert.True(worst < 0.002, string.Join('\n', report));
    }

    private static double Recall(SearchResult[] results, RealVectors data) =>
        results.Select((result, q) => result.Hits().Count(hit => data.Neighbours[q].AsSpan(0, K).Contains((int)hit.Ordinal))).Sum()
            / (double)(K * results.Length);

    private static double Refined(SearchResult[] results) =>
        results.Sum(result => result.Receipt.PostingsRefined) / (double)results.Sum(result => result.Receipt.PostingsScanned);
}

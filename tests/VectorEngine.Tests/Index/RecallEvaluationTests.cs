using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Index;

/// <summary>The engine's own measurement of its recall agrees with one from outside.</summary>
public sealed class RecallEvaluationTests
{
    private const int Count = 4000, Dimensions = 32, K = 10;

    private static readonly VectorMatrix Vectors = GeneratedVectors.Latent(Count, Dimensions, 6);

    [Theory]
    [InlineData(Metric.SquaredL2, 1)]
    [InlineData(Metric.SquaredL2, 40)]
    [InlineData(Metric.InnerProduct, 3)]
    [InlineData(Metric.Cosine, 2)]
    public async Task Recall_is_that_of_searches_for_the_index_s_own_vectors(Metric metric, int probes)
    {
        var build = new VectorIndexOptions { Metric = metric, ClusterCount = 40, StoredVectors = StoredVectors.Float32 };
        using VectorIndex index = await TestIndex.BuildAsync(Vectors, build);
        var options = new SearchOptions { ProbeCount = probes };
        var reports = new List<double>();
        RecallEvaluation sampled = await index.EvaluateRecallAsync(K, options, 400, progress: new Reports(reports));
        RecallEvaluation all = await index.EvaluateRecallAsync(K, options, int.MaxValue);
        Assert.Equal((400, Count), (sampled.Queries, all.Queries));
        Assert.InRange(all.Recall, sampled.Low, sampled.High);
        Assert.True(all.High - all.Low < sampled.High - sampled.Low && sampled.Low < sampled.Recall);
        Assert.True(sampled.MeanLatency > TimeSpan.Zero);
        Assert.Equal(reports.Order(), reports);
        Assert.Equal(1, reports[^1]);
        Assert.Equal(sampled.Recall, (await index.EvaluateRecallAsync(K, options, 400)).Recall);
        if (probes < 40)
            Assert.NotEqual(sampled.Recall, (await index.EvaluateRecallAsync(K, options, 400, seed: 1)).Recall);

        double found = 0;
        for (int row = 0; row < 200; row++)
        {
            long[] truth = [.. Reference.Nearest(Vectors, metric, Vectors[row], K + 1).Select(h => h.Ordinal).Where(o => o != row).Take(K)];
            found += index.Search(Vectors[row], K + 1, options).Select(h => h.Ordinal).Where(o => o != row).Take(K).Count(truth.Contains);
        }

        Assert.InRange(found / 200 / K, all.Recall - 0.07, all.Recall + 0.07);
        Assert.True(probes < 40 ? all.Recall < 0.99 : all.Recall > 0.99, $"{all.Recall}");
    }

    [Theory]
    [InlineData(0.5, 100, 0.4038, 0.5962)] // as tables of the interval have it
    [InlineData(1.0, 10, 0.7225, 1.0)]
    [InlineData(0.0, 10, 0.0, 0.2775)]
    public void The_interval_is_Wilsons(double share, int n, double low, double high)
    {
        var evaluation = new RecallEvaluation(share, n, default);
        Assert.Equal((low, high), (Math.Round(evaluation.Low, 4), Math.Round(evaluation.High, 4)));
    }

    [Fact]
    public async Task It_takes_stored_vectors_and_neighbours_and_can_be_cancelled()
    {
        using VectorIndex bare = await TestIndex.BuildAsync(Vectors, new VectorIndexOptions { ClusterCount = 5 });
        await Assert.ThrowsAsync<VectorsNotStoredException>(() => bare.EvaluateRecallAsync(K));
        using VectorIndex one = await TestIndex.BuildAsync(Vectors.Slice(0, 1)), two = await TestIndex.BuildAsync(Vectors.Slice(0, 2));
        await Assert.ThrowsAsync<InvalidOperationException>(() => one.EvaluateRecallAsync(K));
        Assert.Equal((1, 2), ((await two.EvaluateRecallAsync(K)).Recall, (await two.EvaluateRecallAsync(K)).Queries));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => two.EvaluateRecallAsync(0));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => two.EvaluateRecallAsync(1, null, 0));
        foreach (double when in new[] { 0.0, 0.6 })
        {
            using var cancellation = new CancellationTokenSource();
            using VectorIndex index = await TestIndex.BuildAsync(
                Vectors, new VectorIndexOptions { ClusterCount = 5, StoredVectors = StoredVectors.Float16 });
            var progress = new Reports([], share =>
            {
                if (share >= when)
                    cancellation.Cancel();
            });
            await Assert.ThrowsAnyAsync<OperationCanceledException>(
                () => index.EvaluateRecallAsync(K, null, 200, 1, progress, cancellation.Token));
        }
    }

    private sealed class Reports(List<double> reports, Action<double>? then = null) : IProgress<double>
    {
        public void Report(double value)
        {
            reports.Add(value);
            then?.Invoke(value);
        }
    }
}

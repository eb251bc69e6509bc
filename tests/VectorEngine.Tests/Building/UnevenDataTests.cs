using VectorEngine.Building;
using VectorEngine.Input;
using VectorEngine.Quantization;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Building;

/// <summary>Data that cluster badly make correct indexes.</summary>
public sealed class UnevenDataTests
{
    [Fact]
    public void Lists_are_bounded_and_hold_every_posting_once()
    {
        var layout = new CodeLayout(768);
        int most = new ListPlan(layout, [1]).MaxPostings;
        Assert.InRange(most, 1000, 100_000);
        Assert.Equal(0, most % CodeLayout.BlockSize);
        var plan = new ListPlan(layout, [5, 0, (2 * most) + 1, most, 0, most - 1]);
        Assert.Equal([0, 2, 2, 2, 3, 5], plan.Clusters);
        Assert.Equal([5, most, most, 1, most, most - 1], plan.Counts);
        Assert.Equal([0, 1, 1, 2, 3, 4, 5], new[]
        {
            plan.ListOf(0, 4), plan.ListOf(2, 0), plan.ListOf(2, most - 1), plan.ListOf(2, most), plan.ListOf(2, 2 * most),
            plan.ListOf(3, most - 1), plan.ListOf(5, 0),
        });
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(30, 70_000)]
    public async Task A_giant_cluster_becomes_several_lists(int clusters, int others)
    {
        // More equal vectors than a list takes, and so many that the postings take several scratch files and groups.
        int giant = new ListPlan(new CodeLayout(2), [1]).MaxPostings + 1000;
        float[] values = new float[2 * (giant + others)];
        GeneratedVectors.Normal(others, 2, 1, 3).Values.CopyTo(values.AsMemory(2 * giant));
        values.AsSpan(0, 2 * giant).Fill(0.5f);
        var vectors = new VectorMatrix(values, 2);
        using VectorIndex index = await TestIndex.BuildAsync(
            vectors, new VectorIndexOptions { ClusterCount = clusters, StoredVectors = StoredVectors.Float32, MemoryLimit = 128 << 20 });
        Assert.True(index.ClusterCount > (clusters == 1 ? 1 : 3));
        await AssertExactAsync(index, vectors, [vectors[0].ToArray(), vectors[vectors.Count - 1].ToArray(), [0.51f, 0.5f], [-3, 4]]);
    }

    [Theory]
    [InlineData(Metric.SquaredL2, 5000, 64)]
    [InlineData(Metric.InnerProduct, 5000, 64)]
    [InlineData(Metric.Cosine, 5000, 64)]
    [InlineData(Metric.SquaredL2, 1200, 1200)]
    [InlineData(Metric.SquaredL2, 2, 2)]
    [InlineData(Metric.SquaredL2, 1, 1)]
    public async Task Equal_vectors_are_found(Metric metric, int count, int clusters)
    {
        VectorMatrix vectors = GeneratedVectors.FromRows(Enumerable.Repeat(new float[] { 3, -1, 2, 0.5f, 7 }, count));
        using VectorIndex index = await TestIndex.BuildAsync(vectors, new VectorIndexOptions
        {
            ClusterCount = clusters, Metric = metric, StoredVectors = StoredVectors.Float32,
        });
        await AssertExactAsync(index, vectors, [vectors[0].ToArray(), [1, 2, 3, 4, 5]]);
    }

    [Theory]
    [InlineData(Metric.SquaredL2)]
    [InlineData(Metric.InnerProduct)]
    public async Task Zero_vectors_are_found_but_under_cosine(Metric metric)
    {
        var vectors = new VectorMatrix(new float[300 * 4], 4);
        using VectorIndex index = await TestIndex.BuildAsync(
            vectors, new VectorIndexOptions { ClusterCount = 5, Metric = metric, StoredVectors = StoredVectors.Float32 });
        await AssertExactAsync(index, vectors, [[0, 0, 0, 0], [1, 2, 3, 4]]);
        InvalidVectorException failure = await BuiltObjects.FailAsync<InvalidVectorException>(
            VectorSource.FromMatrix(vectors), new VectorIndexOptions { Metric = Metric.Cosine, ClusterCount = 5 });
        Assert.Equal(0, failure.Row);
    }

    [Fact]
    public async Task As_many_clusters_as_vectors_are_searched_well()
    {
        VectorMatrix vectors = GeneratedVectors.Normal(1500, 6, 1);
        using VectorIndex index = await TestIndex.BuildAsync(
            vectors, new VectorIndexOptions { ClusterCount = 1500, StoredVectors = StoredVectors.Float32 });
        await AssertExactAsync(index, vectors, [.. Enumerable.Range(0, 10).Select(i => vectors[i].ToArray())]);
    }

    private static async Task AssertExactAsync(VectorIndex index, VectorMatrix vectors, float[][] queries)
    {
        var hard = new SearchOptions { ProbeCount = int.MaxValue, Bound = ErrorBound.Hard, Stage = SearchStage.Exact };
        Assert.Equal(vectors.Count, index.Count);
        foreach (float[] query in queries)
        {
            SearchResult brute = await index.SearchAsync(query, 7, hard with { Stage = SearchStage.BruteForce });
            Assert.Equal(Reference.Nearest(vectors, index.Metric, query, 7), brute.Hits());
            Assert.Equal(brute.Hits(), (await index.SearchAsync(query, 7, hard)).Hits());
        }
    }
}

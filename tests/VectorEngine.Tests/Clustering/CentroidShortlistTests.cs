using VectorEngine.Clustering;
using VectorEngine.Numerics;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Clustering;

/// <summary>The shortlist finds the nearest of many centroids nearly always, and one hardly farther otherwise.</summary>
public sealed class CentroidShortlistTests
{
    [Theory]
    [InlineData(true, 96, 2000, 0.002, 0.0005)]
    [InlineData(true, 32, 8000, 0.01, 0.002)]
    [InlineData(false, 32, 2000, 0.1, 0.01)]
    public void Nearly_all_vectors_get_the_nearest_centroid_or_one_hardly_farther(
        bool clustered, int dimensions, int centroids, double mostMissed, double mostExcess)
    {
        int count = TestScale.Of(40_000);
        VectorMatrix vectors = clustered
            ? GeneratedVectors.Latent(count, dimensions, 1)
            : GeneratedVectors.Normal(count, dimensions, 1);
        AssertNear(vectors, Math.Min(centroids, count / 3), mostMissed, mostExcess);
    }

    [RealVectorsTheory]
    [InlineData("text-embeddings-384", Metric.InnerProduct)]
    [InlineData("word-vectors-200", Metric.Cosine)]
    public void So_do_real_vectors(string set, Metric metric)
    {
        VectorMatrix vectors = RealVectors.Load(set, metric).Vectors;
        AssertNear(vectors.Slice(0, Math.Min(40_000, vectors.Count)), 2000, 0.01, 0.001);
    }

    [Fact]
    public void Neither_threads_nor_blocks_change_the_result()
    {
        VectorMatrix vectors = GeneratedVectors.Latent(3000, 24, 3);
        float[] centroids = vectors.Values.Span[..(1500 * 24)].ToArray();
        int[] labels = Assign(vectors, centroids);
        Assert.Equal(labels, Assign(vectors, centroids, threads: 1));
        foreach (int block in new[] { 1, 63, 500 })
            Assert.Equal(labels, Assign(vectors, centroids, block: block));
    }

    [Fact]
    public void Of_equal_centroids_the_lowest_is_chosen()
    {
        // Few places, each by many centroids, far more than fit into a group: most groups stay empty.
        VectorMatrix places = GeneratedVectors.SmallIntegers(7, 5, 1, 20);
        float[] centroids = [.. Enumerable.Range(0, 2000).SelectMany(i => places[i % 7].ToArray())];
        int[] labels = Assign(GeneratedVectors.FromRows(Enumerable.Range(0, 700).Select(i => places[i * 3 % 7].ToArray())), centroids);
        Assert.Equal(Enumerable.Range(0, 700).Select(i => i * 3 % 7), labels);

        float[] equal = [.. Enumerable.Repeat(1f, 5 * 1500)];
        Assert.All(Assign(GeneratedVectors.Normal(600, 5, 1), equal), label => Assert.Equal(0, label));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(100)]
    [InlineData(CentroidShortlist.MaxExact)]
    public void Few_centroids_are_all_compared(int count)
    {
        VectorMatrix vectors = GeneratedVectors.Latent(2000, 12, 4);
        float[] centroids = vectors.Values.Span[..(count * 12)].ToArray();
        int[] exact = new int[vectors.Count];
        KMeans.Assign(vectors.Values, 12, centroids, exact, new ParallelOptions());
        Assert.Equal(exact, Assign(vectors, centroids));
    }

    private static void AssertNear(VectorMatrix vectors, int count, double mostMissed, double mostExcess)
    {
        int dimensions = vectors.Dimensions;
        float[] centroids = KMeans.Train(vectors.Values, dimensions, count, new SeededRandom(1), new ParallelOptions());
        int[] exact = new int[vectors.Count];
        KMeans.Assign(vectors.Values, dimensions, centroids, exact, new ParallelOptions());
        int[] found = Assign(vectors, centroids);
        int missed = 0;
        double excess = 0;
        for (int row = 0; row < vectors.Count; row++)
        {
            if (found[row] == exact[row])
                continue;
            missed++;
            excess += (Distance(row, found[row]) / Distance(row, exact[row])) - 1;
        }

        double share = missed / (double)vectors.Count, mean = excess / vectors.Count;
        Assert.True(
            share < mostMissed && mean < mostExcess,
            $"{share:p3} miss the nearest centroid; the average vector is farther from its own by {mean:p4}.");

        double Distance(int row, int centroid) =>
            Math.Sqrt(Reference.SquaredL2(vectors[row], centroids.AsSpan(centroid * dimensions, dimensions)));
    }

    private static int[] Assign(VectorMatrix vectors, float[] centroids, int threads = -1, int block = CentroidShortlist.BlockRows)
    {
        var shortlist = new CentroidShortlist(
            centroids, vectors.Dimensions, new ParallelOptions { MaxDegreeOfParallelism = threads });
        int[] labels = new int[vectors.Count];
        for (int start = 0; start < labels.Length; start += block)
        {
            int rows = Math.Min(block, labels.Length - start);
            Engine.Assign(shortlist, vectors.Slice(start, rows).Values.Span, labels.AsSpan(start, rows));
        }

        return labels;
    }
}

using VectorEngine.Clustering;
using VectorEngine.Numerics;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Clustering;

/// <summary>Clustering comes to an end, with useful clusters, whatever the data.</summary>
public sealed class KMeansTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Threads_do_not_change_the_result(int kind)
    {
        VectorMatrix vectors = kind == 0 ? GeneratedVectors.Latent(TestScale.Of(3000), 48, 1) : Lopsided(TestScale.Of(3000), 48);
        float[] one = Train(vectors, 50, threads: 1), two = Train(vectors, 50, threads: 2);
        Assert.Equal(one, two);
        Assert.NotEqual(one, Train(vectors, 50, threads: 1, seed: 2));
    }

    [Fact]
    public void Clusters_are_nearer_than_random_vectors()
    {
        VectorMatrix vectors = GeneratedVectors.Latent(2000, 32, 3);
        float[] random = vectors.Values.Span[..(32 * 40)].ToArray();
        Assert.True(Inertia(vectors, Train(vectors, 40)) < 0.7 * Inertia(vectors, random));
    }

    [Fact]
    public void Empty_clusters_restart_elsewhere()
    {
        // Eight places, a hundred vectors at each: distinct starts often share a place, and then one of them has no members.
        VectorMatrix places = GeneratedVectors.SmallIntegers(8, 12, 7, 50);
        VectorMatrix vectors = GeneratedVectors.FromRows(Enumerable.Range(0, 800).Select(i => places[i % 8].ToArray()));
        for (ulong seed = 0; seed < 20; seed++)
        {
            int[] sizes = Sizes(vectors, Train(vectors, 8, seed: seed));
            Assert.True(sizes.Count(size => size == 0) <= 1, $"Seed {seed}: {string.Join(' ', sizes)}.");
        }
    }

    [Fact]
    public void One_giant_cluster_is_split()
    {
        VectorMatrix vectors = Lopsided(2000, 16);
        int[] sizes = Sizes(vectors, Train(vectors, 40));
        Assert.DoesNotContain(0, sizes);
        Assert.True(sizes.Max() < 10 * 2000 / 40, string.Join(' ', sizes));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100)]
    public void Equal_vectors_make_equal_centroids(int clusters)
    {
        VectorMatrix vectors = GeneratedVectors.FromRows(Enumerable.Repeat(new float[] { 3, -1, 2, 0.5f, 7 }, 100));
        float[] centroids = Train(vectors, clusters);
        Assert.Equal(vectors.Values.Span[..(5 * clusters)].ToArray(), centroids);
        int[] sizes = Sizes(vectors, centroids);
        Assert.Equal(100, sizes[0]);
    }

    [Fact]
    public void As_many_clusters_as_vectors_are_the_vectors()
    {
        VectorMatrix vectors = GeneratedVectors.Normal(60, 9, 4);
        float[] centroids = Train(vectors, 60);
        Assert.Equal(Rows(vectors.Values.Span, 9).Order(), Rows(centroids, 9).Order());
        Assert.All(Sizes(vectors, centroids), size => Assert.Equal(1, size));
    }

    [Fact]
    public void One_cluster_is_the_mean()
    {
        VectorMatrix vectors = GeneratedVectors.Normal(1000, 5, 4);
        float[] centroid = Train(vectors, 1);
        for (int d = 0; d < 5; d++)
            Assert.Equal(Enumerable.Range(0, 1000).Average(row => (double)vectors[row][d]), centroid[d], 1e-6);
    }

    [Fact]
    public void Sorting_keeps_the_centroids_and_brings_neighbours_together()
    {
        // Centroids on a line, shuffled: sorted by bisection they are in order along it, up to the direction within each half.
        float[] line = new float[2 * 64];
        int[] order = [.. Enumerable.Range(0, 64)];
        new Random(1).Shuffle(order);
        for (int i = 0; i < 64; i++)
            (line[2 * i], line[(2 * i) + 1]) = (order[i], 2 * order[i]);
        float[] sorted = ClusterOrder.Sort(line, 2);
        Assert.Equal(Rows(line, 2).Order(), Rows(sorted, 2).Order());
        for (int half = 0; half < 2; half++)
        {
            float[] firsts = [.. Enumerable.Range(32 * half, 32).Select(i => sorted[2 * i])];
            Assert.True(firsts.Max() - firsts.Min() < 32);
        }
    }

    [Fact]
    public void Sample_sizes_are_bounded()
    {
        Assert.Equal(100, KMeans.SampleSize(100, 10));
        Assert.Equal(2560, KMeans.SampleSize(1_000_000, 10));
        Assert.Equal(64 * 40_000, KMeans.SampleSize(100_000_000, 40_000));
        Assert.True(KMeans.SampleSize(long.MaxValue, 1 << 20) >= 1 << 20);
    }

    [Fact]
    public void Grouping_by_label_is_a_stable_sort()
    {
        int[] labels = [2, 0, 2, 3, 0, 2];
        int[] members = KMeans.GroupByLabel(labels, 5, out int[] offsets);
        Assert.Equal([1, 4, 0, 2, 5, 3], members);
        Assert.Equal([0, 2, 2, 5, 6, 6], offsets);
    }

    /// <summary>Nine tenths of the vectors in one cluster, the rest far away in twenty.</summary>
    private static VectorMatrix Lopsided(int count, int dimensions)
    {
        float[] values = GeneratedVectors.Normal(count, dimensions, 2).Values.ToArray();
        for (int row = 0; row < count; row += 10)
            values[(row * dimensions) + (row / 10 % 20 % dimensions)] += 100;
        return new VectorMatrix(values, dimensions);
    }

    private static float[] Train(VectorMatrix vectors, int clusters, int threads = 2, ulong seed = 1) =>
        KMeans.Train(
            vectors.Values, vectors.Dimensions, clusters, new SeededRandom(seed), new ParallelOptions { MaxDegreeOfParallelism = threads });

    private static int[] Sizes(VectorMatrix vectors, float[] centroids)
    {
        int[] labels = new int[vectors.Count], sizes = new int[centroids.Length / vectors.Dimensions];
        KMeans.Assign(vectors.Values, vectors.Dimensions, centroids, labels, new ParallelOptions { MaxDegreeOfParallelism = 1 });
        foreach (int label in labels)
            sizes[label]++;
        return sizes;
    }

    private static double Inertia(VectorMatrix vectors, float[] centroids)
    {
        int[] labels = new int[vectors.Count];
        KMeans.Assign(vectors.Values, vectors.Dimensions, centroids, labels, new ParallelOptions { MaxDegreeOfParallelism = 1 });
        return Enumerable.Range(0, vectors.Count).Sum(row =>
            Reference.SquaredL2(vectors[row], centroids.AsSpan(labels[row] * vectors.Dimensions, vectors.Dimensions)));
    }

    private static List<string> Rows(ReadOnlySpan<float> values, int dimensions)
    {
        var rows = new List<string>();
        for (int i = 0; i < values.Length; i += dimensions)
            rows.Add(string.Join(' ', values.Slice(i, dimensions).ToArray()));
        return rows;
    }
}

using FsCheck;
using FsCheck.Fluent;
using VectorEngine.Clustering;
using VectorEngine.Numerics;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Clustering;

/// <summary>Clustering in two levels is nearly as good as in one, and as robust.</summary>
public sealed class TwoLevelKMeansTests
{
    private const int Many = 1100;

    [Fact]
    public void Vectors_are_nearly_as_near_as_after_flat_clustering()
    {
        const int Dimensions = 24;
        VectorMatrix vectors = GeneratedVectors.Latent(64 * Many / (TestScale.IsSlow ? 16 : 4), Dimensions, 1);
        var lloyd = new Lloyd(vectors.Values, Dimensions, new SeededRandom(1), new ParallelOptions());
        float[] flat = lloyd.Start(Many);
        lloyd.Improve(flat, Lloyd.MaxRounds);
        double expected = Inertia(vectors, flat), actual = Inertia(vectors, Train(vectors, Many));
        Assert.True(actual < 1.03 * expected, $"{actual / expected:f3} times the inertia of flat clustering.");
    }

    [Fact]
    public void As_many_clusters_as_vectors_are_the_vectors()
    {
        VectorMatrix vectors = GeneratedVectors.Normal(Many, 6, 2);
        Assert.Equal(0, Inertia(vectors, Train(vectors, Many)), 1e-9);
    }

    [Fact]
    public void Duplicates_and_equal_vectors_come_to_an_end()
    {
        VectorMatrix places = GeneratedVectors.SmallIntegers(40, 6, 3, 50);
        VectorMatrix vectors = GeneratedVectors.FromRows(Enumerable.Range(0, 3000).Select(i => places[i % 40].ToArray()));
        Assert.Equal(0, Inertia(vectors, Train(vectors, Many)), 1e-9);
        VectorMatrix equal = GeneratedVectors.FromRows(Enumerable.Repeat(new float[] { 3, -1, 2 }, 2000));
        Assert.Equal(equal.Values.Span[..(3 * Many)].ToArray(), Train(equal, Many));
    }

    [Fact]
    public void Threads_do_not_change_the_result()
    {
        VectorMatrix vectors = GeneratedVectors.Latent(5000, 12, 4);
        Assert.Equal(Train(vectors, Many, 1), Train(vectors, Many, 4));
    }

    [Fact]
    public void Every_cluster_is_given_to_a_group_that_has_a_member_for_it()
    {
        Gen<(int[] Members, int Clusters)> cases =
            from members in Gen.Choose(0, 50).NonEmptyListOf()
            where members.Sum() > 0
            from clusters in Gen.Choose(1, members.Sum())
            select (members.ToArray(), clusters);
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            int[] offsets = new int[one.Members.Length + 1];
            for (int group = 0; group < one.Members.Length; group++)
                offsets[group + 1] = offsets[group] + one.Members[group];
            int[] shares = KMeans.Apportion(offsets, one.Clusters);
            Assert.Equal(one.Clusters, shares.Sum());
            for (int group = 0; group < shares.Length; group++)
            {
                double fair = one.Members[group] * (double)one.Clusters / offsets[^1];
                Assert.InRange(shares[group], Math.Max(0, fair - 1), Math.Min(one.Members[group], fair + 1));
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));
    }

    [Fact]
    public void Samples_never_shrink_as_vectors_or_clusters_become_more()
    {
        for (int clusters = 1; clusters < 10_000; clusters++)
            Assert.True(KMeans.SampleSize(1 << 30, clusters) <= KMeans.SampleSize(1 << 30, clusters + 1));
        Assert.Equal(int.MaxValue, KMeans.SampleSize(long.MaxValue, int.MaxValue));
    }

    private static float[] Train(VectorMatrix vectors, int clusters, int threads = -1) => KMeans.Train(
        vectors.Values, vectors.Dimensions, clusters, new SeededRandom(1), new ParallelOptions { MaxDegreeOfParallelism = threads });

    private static double Inertia(VectorMatrix vectors, float[] centroids)
    {
        int[] labels = new int[vectors.Count];
        KMeans.Assign(vectors.Values, vectors.Dimensions, centroids, labels, new ParallelOptions());
        return Enumerable.Range(0, vectors.Count).Sum(row =>
            Reference.SquaredL2(vectors[row], centroids.AsSpan(labels[row] * vectors.Dimensions, vectors.Dimensions)));
    }
}

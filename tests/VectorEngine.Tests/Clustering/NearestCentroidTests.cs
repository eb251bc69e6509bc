using FsCheck;
using FsCheck.Fluent;
using VectorEngine.Clustering;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Clustering;

/// <summary>The nearest centroid is the nearest centroid.</summary>
public sealed class NearestCentroidTests
{
    private sealed record Assignment(int Rows, int Centroids, int Dimensions, int Seed);

    [Fact]
    public void Equals_brute_force_up_to_rounding() => ForAll(assignment =>
    {
        VectorMatrix rows = GeneratedVectors.Normal(assignment.Rows, assignment.Dimensions, assignment.Seed);
        VectorMatrix centroids = GeneratedVectors.Normal(assignment.Centroids, assignment.Dimensions, assignment.Seed + 1);
        int[] labels = Assign(rows, centroids);
        for (int row = 0; row < rows.Count; row++)
        {
            double best = Enumerable.Range(0, centroids.Count).Min(c => Reference.SquaredL2(rows[row], centroids[c]));
            // The score |c|^2 / 2 - <x, c> has the rounding of a sum of as many products as there are dimensions.
            double largest = Enumerable.Range(0, centroids.Count).Max(c => Reference.Dot(centroids[c], centroids[c]));
            double tolerance = 2 * (assignment.Dimensions + 2) / (double)(1 << 23)
                * (largest + Math.Sqrt(largest * Reference.Dot(rows[row], rows[row])));
            Assert.InRange(Reference.SquaredL2(rows[row], centroids[labels[row]]), best, best + tolerance);
        }
    });

    [Fact]
    public void Ties_go_to_the_lower_centroid() => ForAll(assignment =>
    {
        // Small integers have exact products, so equal scores are equal.
        VectorMatrix rows = GeneratedVectors.SmallIntegers(assignment.Rows, assignment.Dimensions, assignment.Seed, 1);
        VectorMatrix centroids = GeneratedVectors.SmallIntegers(assignment.Centroids, assignment.Dimensions, assignment.Seed + 1, 1);
        int[] labels = Assign(rows, centroids);
        for (int row = 0; row < rows.Count; row++)
            Assert.Equal(Enumerable.Range(0, centroids.Count).MinBy(c => Reference.SquaredL2(rows[row], centroids[c])), labels[row]);
    });

    [Fact]
    public void Of_equal_centroids_the_first_is_chosen()
    {
        VectorMatrix centroids = GeneratedVectors.FromRows(Enumerable.Repeat(new float[] { 1, 2, 3 }, 50));
        Assert.All(Assign(GeneratedVectors.Normal(64, 3, 1), centroids), label => Assert.Equal(0, label));
    }

    private static int[] Assign(VectorMatrix rows, VectorMatrix centroids)
    {
        var nearest = new NearestCentroid(centroids.Values.Span, centroids.Dimensions);
        Assert.Equal(centroids.Count, nearest.Count);
        int[] labels = new int[rows.Count];
        Engine.Assign(nearest, rows.Values.Span, labels);
        return labels;
    }

    private static void ForAll(Action<Assignment> check)
    {
        Gen<Assignment> cases =
            from rows in Gen.Choose(1, NearestCentroid.BlockRows)
            from centroids in Gen.Choose(1, 90)
            from dimensions in Gen.Choose(1, 70)
            from seed in Gen.Choose(0, 1 << 30)
            select new Assignment(rows, centroids, dimensions, seed);
        Prop.ForAll(cases.ToArbitrary(), check).Check(Config.QuickThrowOnFailure.WithMaxTest(TestScale.IsSlow ? 20 : 200));
    }
}

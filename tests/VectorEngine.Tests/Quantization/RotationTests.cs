using VectorEngine.Numerics;
using VectorEngine.Quantization;
using VectorEngine.Tests.TestData;
using Xunit.Abstractions;

namespace VectorEngine.Tests.Quantization;

/// <summary>The rotation keeps lengths and angles, at every length that codes have.</summary>
public sealed class RotationTests(ITestOutputHelper output)
{
    /// <summary>Twice the unit roundoff of float32.</summary>
    private const double Epsilon = 1.0 / (1 << 23);

    [Fact]
    public void Keeps_norms_and_inner_products_at_every_padded_length()
    {
        for (int dimensions = 16; dimensions <= 8192; dimensions += TestScale.IsSlow && dimensions > 512 ? 1024 : 16)
            AssertOrthogonal(dimensions);
    }

    [Theory]
    [InlineData(16)]
    [InlineData(48)]
    [InlineData(96)]
    [InlineData(208)]
    public void Rows_of_its_matrix_are_orthonormal(int dimensions)
    {
        Rotation rotation = Create(dimensions, seed: 1);
        float[][] columns = new float[dimensions][];
        for (int i = 0; i < dimensions; i++)
        {
            columns[i] = new float[dimensions];
            columns[i][i] = 1;
            Engine.Rotate(rotation, columns[i]);
        }

        for (int i = 0; i < dimensions; i++)
        {
            for (int j = 0; j <= i; j++)
                Assert.Equal(i == j ? 1 : 0, Reference.Dot(columns[i], columns[j]), RoundingOf(dimensions));
        }
    }

    [Fact]
    public void Is_restored_from_its_signs_and_depends_on_the_seed()
    {
        Rotation rotation = Create(208, seed: 5), restored = new(208, rotation.Signs.Span), other = Create(208, seed: 6);
        float[] x = [.. GeneratedVectors.Normal(1, 208, 3)[0]], y = [.. x], z = [.. x];
        Engine.Rotate(rotation, x);
        Engine.Rotate(restored, y);
        Engine.Rotate(other, z);
        Assert.Equal(x, y);
        Assert.NotEqual(x, z);
    }

    [Theory]
    [InlineData(48)]
    [InlineData(64)]
    [InlineData(208)]
    [InlineData(768)]
    public void Spreads_a_single_dimension_over_all(int dimensions)
    {
        // A rotation that left one dimension where it was would leave the sign code of such a vector useless: cosine 1 / sqrt(D).
        Rotation rotation = Create(dimensions, seed: 2);
        double least = 1;
        for (int i = 0; i < dimensions; i++)
        {
            float[] x = new float[dimensions];
            x[i] = 1;
            Engine.Rotate(rotation, x);
            least = Math.Min(least, x.Sum(MathF.Abs) / Math.Sqrt(dimensions));
        }

        // 0.798 would be a normal distribution.
        Assert.InRange(least, 0.5, 1);
        output.WriteLine($"{dimensions} dimensions: sign cosine of a single dimension at least {least:f3}.");
    }

    private static void AssertOrthogonal(int dimensions)
    {
        Rotation rotation = Create(dimensions, seed: (ulong)dimensions);
        VectorMatrix pair = GeneratedVectors.Normal(2, dimensions, dimensions);
        float[] x = [.. pair[0]], y = [.. pair[1]];
        Engine.Rotate(rotation, x);
        Engine.Rotate(rotation, y);
        double norms = Math.Sqrt(Reference.Dot(pair[0], pair[0]) * Reference.Dot(pair[1], pair[1])),
            tolerance = RoundingOf(dimensions) * norms;
        Assert.Equal(Reference.Dot(pair[0], pair[0]), Reference.Dot(x, x), 2 * tolerance);
        Assert.Equal(Reference.Dot(pair[0], pair[1]), Reference.Dot(x, y), tolerance);
    }

    /// <summary>
    /// Each of four rounds multiplies, adds log2(D) times and mixes: each step leaves a relative error of at most one rounding in the
    /// length of the result. An inner product sees the errors of both sides.
    /// </summary>
    private static double RoundingOf(int dimensions) => 2 * Rotation.Rounds * (Math.Log2(dimensions) + 3) * Epsilon;

    private static Rotation Create(int dimensions, ulong seed) => Rotation.Create(dimensions, new SeededRandom(seed));
}

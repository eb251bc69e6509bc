using VectorEngine.Kernels;

namespace VectorEngine.Tests.TestData;

/// <summary>Vectors made from a seed.</summary>
internal static class GeneratedVectors
{
    private const int LatentDimensions = 24, Clusters = 200;

    /// <summary>Independent normal values.</summary>
    public static VectorMatrix Normal(int count, int dimensions, int seed, float deviation = 1)
    {
        var random = new Random(seed);
        float[] values = new float[count * dimensions];
        for (int i = 0; i < values.Length; i++)
            values[i] = deviation * NextNormal(random);
        return new VectorMatrix(values, dimensions);
    }

    /// <summary>
    /// Vectors somewhat like embeddings: clusters of uneven weight in a latent space of 24 dimensions, mapped linearly to all dimensions,
    /// with a little noise in each. Neither isotropic nor well separated. Queries are rows like any other.
    /// </summary>
    public static VectorMatrix Latent(int count, int dimensions, int seed)
    {
        var random = new Random(seed);
        float[][] centres = [.. Enumerable.Range(0, Clusters).Select(_ => Normals(random, LatentDimensions, 2))];
        float[][] map = [.. Enumerable.Range(0, LatentDimensions).Select(
            _ => Normals(random, dimensions, 1 / MathF.Sqrt(LatentDimensions)))];
        double[] weights = [.. Enumerable.Range(0, Clusters).Select(i => 1.0 / (i + 3))];
        double totalWeight = weights.Sum();
        float[] values = new float[count * dimensions];
        for (int row = 0; row < count; row++)
        {
            Span<float> vector = values.AsSpan(row * dimensions, dimensions);
            foreach (ref float value in vector)
                value = 0.08f * NextNormal(random);
            float[] centre = centres[Draw(weights, totalWeight, random)];
            for (int l = 0; l < LatentDimensions; l++)
            {
                float latent = centre[l] + NextNormal(random);
                for (int d = 0; d < dimensions; d++)
                    vector[d] += latent * map[l][d];
            }
        }

        return new VectorMatrix(values, dimensions);
    }

    /// <summary>Small integers, many of them equal: ties everywhere, and distances that are exact in float32.</summary>
    public static VectorMatrix SmallIntegers(int count, int dimensions, int seed, int largest = 3)
    {
        var random = new Random(seed);
        float[] values = new float[count * dimensions];
        for (int i = 0; i < values.Length; i++)
            values[i] = random.Next(-largest, largest + 1);
        return new VectorMatrix(values, dimensions);
    }

    /// <summary>Each row divided by its length.</summary>
    public static VectorMatrix Normalised(VectorMatrix vectors)
    {
        float[] values = vectors.Values.ToArray();
        for (int row = 0; row < vectors.Count; row++)
        {
            Span<float> vector = values.AsSpan(row * vectors.Dimensions, vectors.Dimensions);
            double norm = Math.Sqrt(Reference.Dot(vector, vector));
            foreach (ref float value in vector)
                value = (float)(value / norm);
        }

        return new VectorMatrix(values, vectors.Dimensions);
    }

    /// <summary>A row-major matrix of the given rows.</summary>
    public static VectorMatrix FromRows(params IEnumerable<float[]> rows)
    {
        float[][] all = [.. rows];
        return new VectorMatrix(all.SelectMany(row => row).ToArray(), all[0].Length);
    }

    /// <summary>A normal value (Box and Muller).</summary>
    public static float NextNormal(Random random) =>
        (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));

    public static float[] Normals(Random random, int count, float deviation)
    {
        float[] values = new float[count];
        foreach (ref float value in values.AsSpan())
            value = deviation * NextNormal(random);
        return values;
    }

    private static int Draw(double[] weights, double total, Random random)
    {
        double rest = random.NextDouble() * total;
        int i = 0;
        for (; i < weights.Length - 1 && rest >= weights[i]; i++)
            rest -= weights[i];
        return i;
    }
}

/// <summary>How large a statistical test may be: without vector instructions it takes a tenth of the samples.</summary>
internal static class TestScale
{
    public static bool IsSlow { get; } = KernelDispatch.Selected == InstructionSet.Scalar
        || !System.Runtime.Intrinsics.Vector128.IsHardwareAccelerated;

    public static int Of(int count) => IsSlow ? count / 10 : count;
}

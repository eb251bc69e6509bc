using VectorEngine.Kernels;

namespace VectorEngine.Quantization;

/// <summary>Which vectors can be indexed and searched.</summary>
internal static class VectorCheck
{
    /// <summary>Beyond this squares of distances leave float32.</summary>
    public const float LargestSquaredNorm = 1e36f;

    /// <summary>What is wrong with a zero vector under cosine.</summary>
    public const string NoDirection = "a zero vector has no direction, so no cosine.";

    /// <summary>What is wrong with a vector whose squared norm exceeds <see cref="LargestSquaredNorm"/> or is not a number.</summary>
    public static string Describe(ReadOnlySpan<float> vector)
    {
        for (int i = 0; i < vector.Length; i++)
        {
            if (!float.IsFinite(vector[i]))
                return $"dimension {i} is {vector[i]}.";
        }

        return "it is longer than 1e18, too long for distances in float32.";
    }

    /// <summary>Brings a vector to unit length.</summary>
    /// <exception cref="InvalidVectorException">It has no direction.</exception>
    public static void Normalise<K>(Span<float> vector, float squaredNorm, long row) where K : struct, IKernels
    {
        // Squares of small values underflow: scale by the largest value first.
        if (squaredNorm < 1e-20f)
        {
            float largest = 0;
            foreach (float value in vector)
                largest = MathF.Max(largest, MathF.Abs(value));
            if (largest == 0)
                throw new InvalidVectorException(row, NoDirection);
            foreach (ref float value in vector)
                value /= largest;
            squaredNorm = K.Dot(vector, vector);
        }

        float inverse = 1 / MathF.Sqrt(squaredNorm);
        foreach (ref float value in vector)
            value *= inverse;
    }
}

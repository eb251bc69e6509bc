using System.Runtime.InteropServices;
using VectorEngine.Kernels;
using VectorEngine.Quantization;

namespace VectorEngine.Search;

/// <summary>Distances to stored vectors.</summary>
internal static class ExactDistance
{
    /// <summary>The distance from a query (of unit length under cosine) to one stored row.</summary>
    public static float Compute<K>(Metric metric, StoredVectors type, ReadOnlySpan<float> query, ReadOnlySpan<byte> row)
        where K : struct, IKernels
    {
        if (type == StoredVectors.Float32)
        {
            ReadOnlySpan<float> vector = MemoryMarshal.Cast<byte, float>(row);
            return metric switch
            {
                Metric.SquaredL2 => K.SquaredL2(query, vector),
                Metric.InnerProduct => -K.Dot(query, vector),
                _ => Cosine<K>(query, vector, K.Dot(query, vector)),
            };
        }

        ReadOnlySpan<Half> half = MemoryMarshal.Cast<byte, Half>(row);
        if (metric == Metric.SquaredL2)
            return K.SquaredL2(query, half);
        float dot = K.Dot(query, half);
        if (metric == Metric.InnerProduct)
            return -dot;
        Span<float> wide = stackalloc float[CodeLayout.MaxDimensions];
        for (int i = 0; i < half.Length; i++)
            wide[i] = (float)half[i];
        return Cosine<K>(query, wide[..half.Length], dot);
    }

    private static float Cosine<K>(ReadOnlySpan<float> query, ReadOnlySpan<float> vector, float dot) where K : struct, IKernels
    {
        float squaredNorm = K.Dot(vector, vector);
        if (squaredNorm >= 1e-20f)
            return Cosine(dot / MathF.Sqrt(squaredNorm));
        // A row of zeros, which no build stores, has no direction: at a right angle to every query.
        if (!vector.ContainsAnyExcept(0f))
            return Cosine(0);
        // Squares of small values underflow.
        Span<float> unit = stackalloc float[CodeLayout.MaxDimensions];
        vector.CopyTo(unit);
        VectorCheck.Normalise<K>(unit[..vector.Length], squaredNorm, 0);
        return Cosine(K.Dot(query, unit[..vector.Length]));
    }

    /// <summary>Rounding may leave a cosine a little beyond 1.</summary>
    private static float Cosine(float cosine) => 1 - Math.Clamp(cosine, -1, 1);
}

using VectorEngine.Kernels;
using VectorEngine.Numerics;

namespace VectorEngine.Quantization;

/// <summary>
/// Brings vectors into the space of the codes: subtract the mean of all vectors, pad with zeros, rotate.
/// Subtracting the mean first keeps the rounding of a query's tables in proportion to its distance from the data, not from the origin.
/// </summary>
internal sealed class VectorTransform
{
    private readonly float[] _mean;
    private readonly Rotation _rotation;

    public VectorTransform(ReadOnlySpan<float> mean, Rotation rotation, float centroidScale)
    {
        _mean = mean.ToArray();
        _rotation = rotation;
        CentroidScale = centroidScale;
    }

    /// <summary>Dimensions of the vectors.</summary>
    public int Dimensions => _mean.Length;

    /// <summary>Dimensions of the codes.</summary>
    public int PaddedDimensions => _rotation.Dimensions;

    /// <summary>
    /// Centroids are stored as float16 multiplied by this power of two, which brings them near 1, whatever the unit of the data.
    /// </summary>
    public float CentroidScale { get; }

    public ReadOnlyMemory<float> Mean => _mean;

    public ReadOnlyMemory<byte> Signs => _rotation.Signs;

    /// <summary>P(vector - mean).</summary>
    /// <param name="vector"><see cref="Dimensions"/> floats.</param>
    /// <param name="rotated">Receives <see cref="PaddedDimensions"/> floats.</param>
    public void Apply<K>(ReadOnlySpan<float> vector, Span<float> rotated) where K : struct, IKernels
    {
        SpanMath.Subtract(vector, _mean, rotated);
        rotated[vector.Length..].Clear();
        _rotation.Apply<K>(rotated);
    }

    /// <summary>P(difference): of a vector from which the mean was subtracted already, or which is none.</summary>
    /// <param name="difference"><see cref="Dimensions"/> floats.</param>
    /// <param name="rotated">Receives <see cref="PaddedDimensions"/> floats.</param>
    public void Rotate<K>(ReadOnlySpan<float> difference, Span<float> rotated) where K : struct, IKernels
    {
        difference.CopyTo(rotated);
        rotated[difference.Length..].Clear();
        _rotation.Apply<K>(rotated);
    }
}

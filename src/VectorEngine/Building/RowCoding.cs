using VectorEngine.Kernels;
using VectorEngine.Numerics;
using VectorEngine.Quantization;

namespace VectorEngine.Building;

/// <summary>How rows are coded: as they are stored, and of unit length under cosine.</summary>
internal sealed record RowCoding(Metric Metric, StoredVectors Stored, int Dimensions)
{
    /// <summary>Why a row cannot be indexed; null if it can.</summary>
    public string? Refuse<K>(ReadOnlySpan<float> given, Span<float> coded) where K : struct, IKernels
    {
        if (!(K.Dot(given, given) <= VectorCheck.LargestSquaredNorm))
            return VectorCheck.Describe(given);
        if (Stored == StoredVectors.Float16 && given.ContainsAnyExceptInRange(-65504f, 65504f))
            return "a value is beyond float16, in which the vectors are to be stored.";
        if (Metric != Metric.Cosine)
            return null;
        Round(given, coded);
        return coded.ContainsAnyExcept(0f) ? null : VectorCheck.NoDirection;
    }

    /// <summary>Copies a row as it is coded; it must not be one to refuse.</summary>
    public void Code<K>(ReadOnlySpan<float> given, Span<float> coded) where K : struct, IKernels
    {
        Round(given, coded);
        if (Metric == Metric.Cosine)
            VectorCheck.Normalise<K>(coded, K.Dot(coded, coded), 0);
    }

    private void Round(ReadOnlySpan<float> given, Span<float> coded)
    {
        given.CopyTo(coded);
        // Bounds from the codes prune vectors whose exact distance is that of the rounded values.
        if (Stored == StoredVectors.Float16)
            SpanMath.RoundToHalf(coded);
    }
}

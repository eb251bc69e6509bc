using VectorEngine.Kernels;
using VectorEngine.Quantization;

namespace VectorEngine.Building;

/// <summary>Encodes the lists' centroids as one list around 0: the directory.</summary>
internal sealed class DirectoryEncoder(CodeSpace space)
{
    private readonly Encoder _encoder = new(space);
    private readonly byte[] _codes = new byte[space.Layout.PaddedDimensions], _signs = new byte[space.Layout.PaddedDimensions / 8];
    private readonly float[] _centroid = new float[space.Layout.PaddedDimensions], _zero = new float[space.Layout.PaddedDimensions];

    /// <summary>Encodes the centroids.</summary>
    /// <param name="centroids">As they are stored.</param>
    /// <param name="lists">The cluster of each list.</param>
    /// <param name="spreads">The mean squared residual of each list.</param>
    /// <param name="rankBySpread">
    /// Under the inner product, where all vectors have one length: lists are ranked by -&lt;c, q&gt; less half their spread, for a query of
    /// that length. That is the order of their squared distances; by -&lt;c, q&gt; alone, narrow clusters crowd out wide ones whose nearest
    /// vector is nearer (at 16 of 256 lists of real embeddings: recall 0.80 instead of 0.86).
    /// </param>
    public (byte[] Sign, byte[] Ex) Encode<K>(Centroids centroids, ReadOnlySpan<int> lists, ReadOnlySpan<double> spreads, bool rankBySpread)
        where K : struct, IKernels
    {
        CodeLayout layout = space.Layout;
        byte[] sign = new byte[layout.BlocksLength(lists.Length)], ex = new byte[layout.ExListLength(lists.Length)];
        for (int list = 0; list < lists.Length; list++)
        {
            centroids.Read(lists[list], _centroid);
            _encoder.Encode<K>(_centroid, _zero, _codes, out CodeFactors signFactors, out CodeFactors full);
            float offset = rankBySpread ? (float)(-spreads[list] / 2) : 0;
            signFactors = signFactors with { Add = signFactors.Add + offset };
            full = full with { Add = full.Add + offset };
            Span<byte> block = sign.AsSpan(list / CodeLayout.BlockSize * layout.BlockBytes, layout.BlockBytes);
            CodeWriter.PackSigns(_codes, _signs);
            CodeWriter.WriteSign(layout, block, list % CodeLayout.BlockSize, _signs, signFactors, (uint)list);
            CodeWriter.WriteEx(layout, ex.AsSpan(list * layout.ExRecordBytes, layout.ExRecordBytes), _codes, full);
        }

        return (sign, ex);
    }
}

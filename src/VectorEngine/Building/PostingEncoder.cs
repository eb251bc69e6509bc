using VectorEngine.Clustering;
using VectorEngine.Kernels;
using VectorEngine.Numerics;
using VectorEngine.Quantization;

namespace VectorEngine.Building;

/// <summary>Assigns blocks of rows to clusters and encodes them. One per thread.</summary>
internal sealed class PostingEncoder(RowCoding coding, CodeSpace space, Centroids centroids)
{
    /// <summary>Rows of a block.</summary>
    public const int BlockRows = CentroidShortlist.BlockRows;

    private readonly Encoder _encoder = new(space);
    private readonly PostingRecord _record = new(space.Layout);
    private readonly float[] _rotated = new float[space.Layout.PaddedDimensions], _centroid = new float[space.Layout.PaddedDimensions];
    private readonly byte[] _codes = new byte[space.Layout.PaddedDimensions];

    /// <summary>Encodes rows of a chunk.</summary>
    /// <param name="chunk">The chunk.</param>
    /// <param name="start">The first row.</param>
    /// <param name="rows">Receives the rows as they are coded, less the mean.</param>
    /// <param name="labels">Receives the cluster of each.</param>
    /// <param name="records">Receives a record for each.</param>
    public void Encode<K>(RowChunk chunk, int start, Span<float> rows, Span<int> labels, Span<byte> records) where K : struct, IKernels
    {
        int dimensions = space.Layout.Dimensions;
        for (int i = 0; i < labels.Length; i++)
        {
            // Less the mean: scores of vectors far from the origin would differ by less than their rounding.
            Span<float> row = rows.Slice(i * dimensions, dimensions);
            coding.Code<K>(chunk.Row(start + i), row);
            SpanMath.Subtract(row, space.Transform.Mean.Span, row);
        }

        centroids.Shortlist.Assign<K>(rows, labels);
        for (int i = 0; i < labels.Length; i++)
        {
            centroids.Read(labels[i], _centroid);
            space.Transform.Rotate<K>(rows.Slice(i * dimensions, dimensions), _rotated);
            SpanMath.Subtract(_rotated, _centroid, _rotated);
            _encoder.Encode<K>(_rotated, _centroid, _codes, out CodeFactors sign, out CodeFactors full);
            _record.Write(
                records.Slice(i * _record.Length, _record.Length), labels[i], (uint)(chunk.FirstOrdinal + start + i),
                K.Dot(_rotated, _rotated), _codes, sign, full);
        }
    }
}

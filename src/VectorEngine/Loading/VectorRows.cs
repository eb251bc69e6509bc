using System.Runtime.InteropServices;
using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Kernels;
using VectorEngine.Quantization;

namespace VectorEngine.Loading;

/// <summary>The stored vectors, read in chunks of rows; each row is verified against its own checksum.</summary>
internal sealed class VectorRows
{
    private const int ChunkBytes = 65536;

    private readonly SegmentDescription _description;
    private readonly RowBatches _batches;
    private readonly string _key;
    private readonly Layer _checksums, _chunks;

    public VectorRows(
        SegmentDescription description, RowBatches batches, SegmentKeys keys, Func<LayerSource, Layer> open, Storage.IObjectStore store)
    {
        _description = description;
        _batches = batches;
        _key = keys.Vectors;
        // A power of two that divides a page of checksums and all batches but the last.
        while (ChunkRows < RowChecksums.PageRows && 2 * ChunkRows * description.RowBytes <= ChunkBytes
            && batches.AreAligned(2 * ChunkRows))
            ChunkRows *= 2;
        int rows = description.Count;
        ChunkCount = (int)(((uint)rows + (uint)ChunkRows - 1) / (uint)ChunkRows);
        _checksums = open(new LayerSource(
            store, keys.Checksums, description.ChecksumsLength, RowChecksums.PageCount(rows), page => RowChecksums.Page(rows, page),
            VerifyPage));
        _chunks = open(new LayerSource(store, keys.Vectors, description.VectorsLength, ChunkCount, Extent, VerifyChunk));

        void VerifyPage(int page, ReadOnlyMemory<byte> bytes)
        {
            if (!RowChecksums.IsIntact(bytes.Span))
                throw new CorruptDataException(keys.Checksums, RowChecksums.Page(rows, page).Offset, bytes.Length, "wrong checksum");
        }
    }

    /// <summary>Rows of a chunk; the last may have fewer.</summary>
    public int ChunkRows { get; } = 1;

    /// <summary>Number of chunks.</summary>
    public int ChunkCount { get; }

    /// <summary>Brings a chunk into memory.</summary>
    public ValueTask LoadAsync(int chunk, CancellationToken cancellationToken) => _chunks.LoadAsync(chunk, cancellationToken);

    /// <summary>The rows of a chunk, one after the other.</summary>
    public ReadOnlyMemory<byte> Chunk(int chunk) => _chunks.Read(chunk);

    /// <summary>One row.</summary>
    public ReadOnlySpan<byte> Row(uint ordinal) =>
        _chunks.Read((int)(ordinal / (uint)ChunkRows)).Span.Slice(
            (int)(ordinal % (uint)ChunkRows) * _description.RowBytes, _description.RowBytes);

    /// <summary>Copies one row as floats, of which searches can be made: what cannot have been indexed is damage with a right checksum.</summary>
    /// <exception cref="CorruptDataException">The vector is not finite, too long, or zero under cosine.</exception>
    public void CopyTo(int row, Span<float> vector)
    {
        ReadOnlySpan<byte> bytes = Row((uint)row);
        bool isHalf = _description.StoredVectors == StoredVectors.Float16;
        ReadOnlySpan<Half> half = isHalf ? MemoryMarshal.Cast<byte, Half>(bytes) : default;
        for (int i = 0; i < half.Length; i++)
            vector[i] = (float)half[i];
        if (!isHalf)
            MemoryMarshal.Cast<byte, float>(bytes).CopyTo(vector);
        var norm = new NormAction { Vector = vector };
        KernelDispatch.Run(ref norm);
        string? wrong = !(norm.Squared <= VectorCheck.LargestSquaredNorm) ? VectorCheck.Describe(vector)
            : _description.Metric == Metric.Cosine && !vector.ContainsAnyExcept(0f) ? VectorCheck.NoDirection
            : null;
        if (wrong is not null)
            throw new CorruptDataException(_key, _batches.OffsetOf(row), bytes.Length, $"vector {row}: {wrong}");
    }

    private (long Offset, int Length) Extent(int chunk)
    {
        int first = chunk * ChunkRows;
        return (_batches.OffsetOf(first), Math.Min(ChunkRows, _description.Count - first) * _description.RowBytes);
    }

    private void VerifyChunk(int chunk, ReadOnlyMemory<byte> bytes)
    {
        int first = chunk * ChunkRows, rowBytes = _description.RowBytes;
        ReadOnlySpan<uint> checksums =
            RowChecksums.Rows(_checksums.Read(first / RowChecksums.PageRows).Span)[(first % RowChecksums.PageRows)..];
        for (int row = 0; row < bytes.Length / rowBytes; row++)
        {
            if (Crc32C.Compute(bytes.Span.Slice(row * rowBytes, rowBytes)) != checksums[row])
                throw new CorruptDataException(
                    _key, _batches.OffsetOf(first + row), rowBytes, $"vector {first + row} has a wrong checksum");
        }
    }

    private ref struct NormAction : IKernelAction
    {
        public ReadOnlySpan<float> Vector;
        public float Squared;

        public void Run<K>() where K : struct, IKernels => Squared = K.Dot(Vector, Vector);
    }
}

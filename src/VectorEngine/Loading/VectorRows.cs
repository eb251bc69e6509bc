using System.Diagnostics;
using System.Runtime.InteropServices;
using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Kernels;
using VectorEngine.Quantization;

namespace VectorEngine.Loading;

/// <summary>
/// The stored vectors: single rows, read by exactly their range, and chunks of them, where all are compared. Each row is verified against
/// its own checksum, whose page is read at the same time.
/// </summary>
internal sealed class VectorRows
{
    private const int ChunkBytes = 65536;

    private readonly SegmentDescription _description;
    private readonly RowBatches _batches;
    private readonly string _key;
    private readonly Layer _checksums, _chunks, _rows;

    public VectorRows(SegmentDescription description, RowBatches batches, SegmentKeys keys, Func<LayerSource, Layer> open)
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
            LayerKind.Vectors, keys.Checksums, description.ChecksumsLength, RowChecksums.PageCount(rows),
            page => RowChecksums.Page(rows, page), CheckPage));
        _chunks = open(new LayerSource(
            LayerKind.Vectors, _key, description.VectorsLength, ChunkCount, ChunkExtent, (chunk, bytes) => CheckRows(chunk * ChunkRows, bytes))
        {
            PrepareCheck = (first, last, scope, cancellationToken) => PrepareAsync(
                first * ChunkRows, Math.Min(rows, (last + 1) * ChunkRows) - 1, ChunkRows, scope, cancellationToken),
        });
        // Where all chunks are at hand, rows are read through them: an extent takes as much room as a chunk of them.
        _rows = _chunks is not ResidentLayer ? _chunks : open(new LayerSource(
            LayerKind.Vectors, _key, description.VectorsLength, rows, RowExtent, CheckRows)
        {
            Limits = RangeLimits.Rows,
            PrepareCheck = (first, last, scope, cancellationToken) => PrepareAsync(first, last, 1, scope, cancellationToken),
        });

        void CheckPage(int page, ReadOnlyMemory<byte> bytes)
        {
            if (!RowChecksums.IsIntact(bytes.Span))
                throw new CorruptDataException(keys.Checksums, RowChecksums.Page(rows, page).Offset, bytes.Length, "wrong checksum");
        }
    }

    /// <summary>Rows of a chunk; the last may have fewer.</summary>
    public int ChunkRows { get; } = 1;

    /// <summary>Rows to ask for at a time: what is on its way, which a forged root may claim to be more than there is, stays small.</summary>
    public int RowsAtATime => Math.Clamp((8 << 20) / _description.RowBytes, 1, 512);

    /// <summary>Number of chunks.</summary>
    public int ChunkCount { get; }

    /// <summary>All rows in chunks, one after the other.</summary>
    public Layer Chunks => _chunks;

    /// <summary>A row's bytes, if they are at hand.</summary>
    public bool TryRead(int row, out ReadOnlyMemory<byte> bytes)
    {
        if (_chunks.TryRead(row / ChunkRows, out bytes))
        {
            bytes = bytes.Slice(row % ChunkRows * _description.RowBytes, _description.RowBytes);
            return true;
        }

        return _rows.TryRead(row, out bytes);
    }

    /// <summary>The bytes of rows, if all are at hand.</summary>
    public bool TryRead(ReadOnlySpan<int> rows, Span<ReadOnlyMemory<byte>> bytes)
    {
        for (int i = 0; i < rows.Length; i++)
        {
            if (!TryRead(rows[i], out bytes[i]))
                return false;
        }

        return true;
    }

    /// <summary>Reads rows, each by its own range unless they are neighbours.</summary>
    /// <param name="rows">Their numbers, ascending; a row may be there twice.</param>
    /// <param name="bytes">Receives their bytes.</param>
    /// <param name="scope">What reads them.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <exception cref="CorruptDataException">Some are not what was written.</exception>
    public async ValueTask ReadAsync(
        ReadOnlyMemory<int> rows, Memory<ReadOnlyMemory<byte>> bytes, ReadScope scope, CancellationToken cancellationToken)
    {
        List<int>? missing = null;
        for (int i = 0; i < rows.Length; i++)
        {
            int row = rows.Span[i];
            if (!TryRead(row, out bytes.Span[i]) && (missing is null || missing[^1] != row))
                (missing ??= []).Add(row);
        }

        if (missing is null)
            return;
        // Asked for all at once, before the rows, neighbouring pages come in one range; each row would ask for its own.
        using ExtentReads pages = _checksums.Start(MissingPages(missing), scope);
        using ExtentReads reads = _rows.Start(CollectionsMarshal.AsSpan(missing), scope);
        await reads.AllAsync(cancellationToken).ConfigureAwait(false);
        for (int i = 0; i < rows.Length; i++)
        {
            if (bytes.Span[i].IsEmpty)
                bytes.Span[i] = reads.Get(rows.Span[i]);
        }
    }

    /// <summary>The pages of checksums of rows, ascending, that are not at hand.</summary>
    private int[] MissingPages(List<int> rows) =>
        [.. rows.Select(row => row / RowChecksums.PageRows).Distinct().Where(page => !_checksums.Contains(page))];

    /// <summary>Copies one row as floats, of which searches can be made: what cannot have been indexed is damage with a right checksum.</summary>
    /// <exception cref="CorruptDataException">The vector is not finite, too long, or zero under cosine.</exception>
    public void CopyTo(int row, ReadOnlySpan<byte> bytes, Span<float> vector)
    {
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

    private (long Offset, int Length) ChunkExtent(int chunk)
    {
        int first = chunk * ChunkRows;
        return (_batches.OffsetOf(first), Math.Min(ChunkRows, _description.Count - first) * _description.RowBytes);
    }

    private (long Offset, int Length) RowExtent(int row) => (_batches.OffsetOf(row), _description.RowBytes);

    /// <summary>Reads the checksums of rows from a first to a last one, for extents of so many rows.</summary>
    private async ValueTask<ExtentCheck> PrepareAsync(
        int first, int last, int extentRows, ReadScope scope, CancellationToken cancellationToken)
    {
        int firstPage = first / RowChecksums.PageRows;
        var pages = new ReadOnlyMemory<byte>[(last / RowChecksums.PageRows) - firstPage + 1];
        await _checksums.ReadAsync(firstPage, pages, scope, cancellationToken).ConfigureAwait(false);
        return (extent, bytes) => CheckRows(extent * extentRows, bytes, page => pages[page - firstPage]);
    }

    /// <summary>Checks rows whose checksums are at hand.</summary>
    private void CheckRows(int first, ReadOnlyMemory<byte> bytes) => CheckRows(
        first, bytes,
        page => _checksums.TryRead(page, out ReadOnlyMemory<byte> found)
            ? found
            : throw new UnreachableException("They are at hand where the rows are."));

    private void CheckRows(int first, ReadOnlyMemory<byte> bytes, Func<int, ReadOnlyMemory<byte>> page)
    {
        int rowBytes = _description.RowBytes;
        ReadOnlySpan<uint> checksums =
            RowChecksums.Rows(page(first / RowChecksums.PageRows).Span)[(first % RowChecksums.PageRows)..];
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

using System.Buffers.Binary;
using System.Runtime.InteropServices;
using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Storage;

namespace VectorEngine.Building;

/// <summary>Writes the vectors as they were given, and a checksum for each.</summary>
internal sealed class VectorsWriter : IAsyncDisposable
{
    /// <summary>Bytes of vectors per record batch; other readers of the file hold a batch in memory.</summary>
    private const int BatchBytes = 64 << 20;

    private readonly bool _half;
    private readonly int _rowBytes;
    private readonly ObjectWriter _vectors, _checksums;
    private readonly VectorFileWriter _file;
    private readonly uint[] _page = new uint[RowChecksums.PageRows];
    private byte[] _bytes = [];
    private int _pageRows;

    private VectorsWriter(ObjectWriter vectors, ObjectWriter checksums, StoredVectors type, int dimensions, int count)
    {
        (_vectors, _checksums) = (vectors, checksums);
        _half = type == StoredVectors.Float16;
        _rowBytes = dimensions * (_half ? 2 : 4);
        int rowsPerBatch = Math.Max(1, BatchBytes / _rowBytes / VectorBatches.RowAlignment) * VectorBatches.RowAlignment;
        ArrowType element = _half ? ArrowType.Float16 : ArrowType.Float32;
        _file = new VectorFileWriter(
            "vector", ArrowType.FixedSizeList(element, dimensions), count, rowsPerBatch, vectors.WriteAsync);
    }

    /// <summary>Starts both objects.</summary>
    public static async Task<VectorsWriter> CreateAsync(
        IObjectStore store, SegmentKeys keys, StoredVectors type, int dimensions, int count, CancellationToken cancellationToken)
    {
        ObjectWriter vectors = await store.CreateAsync(keys.Vectors, cancellationToken).ConfigureAwait(false);
        ObjectWriter? checksums = null;
        try
        {
            checksums = await store.CreateAsync(keys.Checksums, cancellationToken).ConfigureAwait(false);
            await checksums.WriteAsync(
                ObjectHeader.Create(ObjectKind.Checksums, RowChecksums.ObjectLength(count)), cancellationToken).ConfigureAwait(false);
            return new VectorsWriter(vectors, checksums, type, dimensions, count);
        }
        catch
        {
            await vectors.DisposeAsync().ConfigureAwait(false);
            if (checksums is not null)
                await checksums.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Appends rows.</summary>
    public async Task WriteAsync(VectorMatrix rows, CancellationToken cancellationToken)
    {
        if (_bytes.Length < rows.Count * _rowBytes)
            _bytes = new byte[rows.Count * _rowBytes];
        Memory<byte> bytes = _bytes.AsMemory(0, rows.Count * _rowBytes);
        Convert(rows.Values.Span, bytes.Span);
        await _file.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
        for (int row = 0; row < rows.Count; row++)
        {
            _page[_pageRows++] = Crc32C.Compute(bytes.Span.Slice(row * _rowBytes, _rowBytes));
            if (_pageRows == _page.Length)
                await WritePageAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Makes both objects visible.</summary>
    /// <returns>Where the rows lie, and the lengths of the two objects.</returns>
    public async Task<(RowStride Rows, long VectorsLength, long ChecksumsLength)> CommitAsync(CancellationToken cancellationToken)
    {
        if (_pageRows > 0)
            await WritePageAsync(cancellationToken).ConfigureAwait(false);
        (ArrowFileSummary summary, RowStride stride) = await _file.FinishAsync(cancellationToken).ConfigureAwait(false);
        await _vectors.CommitAsync(cancellationToken).ConfigureAwait(false);
        await _checksums.CommitAsync(cancellationToken).ConfigureAwait(false);
        return (stride, summary.Length, _checksums.Length);
    }

    public async ValueTask DisposeAsync()
    {
        await _vectors.DisposeAsync().ConfigureAwait(false);
        await _checksums.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask WritePageAsync(CancellationToken cancellationToken)
    {
        await _checksums.WriteAsync(RowChecksums.PageBytes(_page.AsSpan(0, _pageRows)), cancellationToken).ConfigureAwait(false);
        _pageRows = 0;
    }

    private void Convert(ReadOnlySpan<float> values, Span<byte> bytes)
    {
        if (!_half)
        {
            MemoryMarshal.AsBytes(values).CopyTo(bytes);
            return;
        }

        for (int i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteHalfLittleEndian(bytes[(2 * i)..], (Half)values[i]);
    }
}

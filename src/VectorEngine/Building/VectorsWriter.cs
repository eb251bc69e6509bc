using System.Buffers.Binary;
using System.Runtime.InteropServices;
using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Input;
using VectorEngine.Storage;

namespace VectorEngine.Building;

/// <summary>Writes the vectors as they were given, unless they stay where they are, and a checksum for each.</summary>
internal sealed class VectorsWriter : IAsyncDisposable
{
    /// <summary>Bytes of vectors per record batch; other readers of the file hold a batch in memory.</summary>
    private const int BatchBytes = 64 << 20;

    private readonly bool _half;
    private readonly int _rowBytes;
    private readonly ObjectWriter? _vectors;
    private readonly ObjectWriter _checksums;
    private readonly VectorFileWriter? _file;
    private readonly uint[] _page = new uint[RowChecksums.PageRows];
    private byte[] _bytes = [];
    private int _pageRows;

    private VectorsWriter(
        ObjectWriter? vectors, ObjectWriter checksums, StoredVectors type, VectorsInPlace? inPlace, int dimensions, int count)
    {
        (_vectors, _checksums, InPlace) = (vectors, checksums, inPlace);
        _half = type == StoredVectors.Float16;
        _rowBytes = dimensions * (_half ? 2 : 4);
        if (vectors is null)
            return;
        int rowsPerBatch = Math.Max(1, BatchBytes / _rowBytes / VectorBatches.RowAlignment) * VectorBatches.RowAlignment;
        ArrowType element = _half ? ArrowType.Float16 : ArrowType.Float32;
        _file = new VectorFileWriter(
            "vector", ArrowType.FixedSizeList(element, dimensions), count, rowsPerBatch, vectors.WriteAsync);
    }

    /// <summary>Where the vectors are already; null if they are copied.</summary>
    public VectorsInPlace? InPlace { get; }

    /// <summary>Starts the objects.</summary>
    public static async Task<VectorsWriter> CreateAsync(
        RetryingStore store, SegmentKeys keys, StoredVectors type, VectorsInPlace? inPlace, int dimensions, int count,
        CancellationToken cancellationToken)
    {
        ObjectWriter? vectors = inPlace is not null
            ? null
            : await store.CreateAsync(keys.Vectors, cancellationToken).ConfigureAwait(false);
        ObjectWriter? checksums = null;
        try
        {
            checksums = await store.CreateAsync(keys.Checksums, cancellationToken).ConfigureAwait(false);
            await checksums.WriteAsync(
                ObjectHeader.Create(ObjectKind.Checksums, RowChecksums.ObjectLength(count)), cancellationToken).ConfigureAwait(false);
            return new VectorsWriter(vectors, checksums, type, inPlace, dimensions, count);
        }
        catch
        {
            if (vectors is not null)
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
        if (_file is not null)
            await _file.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
        for (int row = 0; row < rows.Count; row++)
        {
            _page[_pageRows++] = Crc32C.Compute(bytes.Span.Slice(row * _rowBytes, _rowBytes));
            if (_pageRows == _page.Length)
                await WritePageAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Makes the objects visible.</summary>
    /// <returns>Where the rows lie, and the lengths of the object that has them and of the checksums.</returns>
    public async Task<(RowBatches Rows, long VectorsLength, long ChecksumsLength)> CommitAsync(CancellationToken cancellationToken)
    {
        if (_pageRows > 0)
            await WritePageAsync(cancellationToken).ConfigureAwait(false);
        await _checksums.CommitAsync(cancellationToken).ConfigureAwait(false);
        if (InPlace is not null)
            return (InPlace.Rows, InPlace.Length, _checksums.Length);
        (ArrowFileSummary summary, RowBatches rows) = await _file!.FinishAsync(cancellationToken).ConfigureAwait(false);
        await _vectors!.CommitAsync(cancellationToken).ConfigureAwait(false);
        return (rows, summary.Length, _checksums.Length);
    }

    public async ValueTask DisposeAsync()
    {
        if (_vectors is not null)
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

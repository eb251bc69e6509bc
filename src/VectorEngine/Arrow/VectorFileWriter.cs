namespace VectorEngine.Arrow;

/// <summary>
/// Writes an Arrow IPC file of one column of vectors, none of them missing, as the vectors come: nothing is held in memory.
/// All batches but the last have the same number of rows, so where a row lies is arithmetic.
/// For one thread; after a failure the file is lost.
/// </summary>
internal sealed class VectorFileWriter
{
    private readonly ArrowFileFrame _frame;
    private readonly ArrowType _type;
    private readonly long _rowLength;
    private readonly long _rowCount;
    private readonly long _length;
    private readonly int _rowsPerBatch;
    private long _bytesWritten;

    /// <param name="column">The column's name.</param>
    /// <param name="type">The vectors' type, a fixed-size list.</param>
    /// <param name="rowCount">Vectors that will be written: each batch's metadata, which comes first, says how many it has.</param>
    /// <param name="rowsPerBatch">Vectors per batch, at least 1.</param>
    /// <param name="sink">Receives the file.</param>
    public VectorFileWriter(string column, ArrowType type, long rowCount, int rowsPerBatch, ArrowSink sink)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(type.Kind, ArrowTypeKind.FixedSizeList, nameof(type));
        ArgumentOutOfRangeException.ThrowIfNegative(rowCount);
        ArgumentOutOfRangeException.ThrowIfLessThan(rowsPerBatch, 1);
        _frame = new ArrowFileFrame(new ArrowSchema(new ArrowField(column, type, Nullable: false)), sink);
        _type = type;
        _rowLength = type.BitWidth / 8;
        _rowCount = rowCount;
        _length = checked(rowCount * _rowLength);
        _rowsPerBatch = rowsPerBatch;
    }

    /// <summary>Appends vectors: little-endian elements, one vector after the other. A call may end within a vector.</summary>
    /// <exception cref="ArgumentException">These are more vectors than were announced.</exception>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> vectors, CancellationToken cancellationToken = default)
    {
        if (vectors.Length > _length - _bytesWritten)
            throw new ArgumentException($"More than the {_rowCount} vectors that were announced.", nameof(vectors));
        long batchLength = _rowsPerBatch * _rowLength;
        while (!vectors.IsEmpty)
        {
            if (_bytesWritten % batchLength == 0)
                await StartBatchAsync(cancellationToken).ConfigureAwait(false);
            int count = (int)Math.Min(vectors.Length, batchLength - _bytesWritten % batchLength);
            await _frame.WriteAsync(vectors[..count], cancellationToken).ConfigureAwait(false);
            vectors = vectors[count..];
            _bytesWritten += count;
            if (_bytesWritten % batchLength == 0)
                await _frame.PadAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Ends the file and says where its rows lie.</summary>
    /// <exception cref="InvalidOperationException">Fewer vectors were written than were announced.</exception>
    public async ValueTask<(ArrowFileSummary Summary, RowBatches Rows)> FinishAsync(CancellationToken cancellationToken = default)
    {
        if (_bytesWritten != _length)
            throw new InvalidOperationException($"{_rowCount} vectors were announced, {(double)_bytesWritten / _rowLength} written.");
        await _frame.PadAsync(cancellationToken).ConfigureAwait(false);
        ArrowFileSummary summary = await _frame.FinishAsync(cancellationToken).ConfigureAwait(false);
        var rows = new RowBatches(_rowLength, [.. summary.Blocks.Zip(summary.RowCounts, (block, count) => (block.BodyOffset, count))]);
        return (summary, rows);
    }

    private ValueTask StartBatchAsync(CancellationToken cancellationToken)
    {
        long count = Math.Min(_rowsPerBatch, _rowCount - _bytesWritten / _rowLength);
        (long, long)[] nodes = [(count, 0), (count * _type.ListSize, 0)];
        return _frame.StartBatchAsync(count, nodes, [0, 0, count * _rowLength], cancellationToken);
    }
}

namespace VectorEngine.Arrow;

/// <summary>Writes an Arrow IPC file, record batch by record batch. For one thread; after a failure the file is lost.</summary>
internal sealed class ArrowFileWriter(ArrowSchema schema, ArrowSink sink)
{
    private readonly ArrowFileFrame _frame = new(schema, sink);

    /// <summary>Appends rows, as record batches of at most <paramref name="rowsPerBatch"/> rows; no rows append an empty batch.</summary>
    /// <exception cref="ArgumentException">The batch has another schema.</exception>
    public async ValueTask WriteAsync(RecordBatch rows, int rowsPerBatch, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rowsPerBatch, 1);
        CheckSchema(rows);
        int start = 0;
        do
        {
            int count = Math.Min(rowsPerBatch, rows.RowCount - start);
            await WriteBatchAsync(count == rows.RowCount ? rows : rows.Slice(start, count), cancellationToken).ConfigureAwait(false);
            start += count;
        }
        while (start < rows.RowCount);
    }

    /// <summary>Ends the file.</summary>
    public ValueTask<ArrowFileSummary> FinishAsync(CancellationToken cancellationToken = default) => _frame.FinishAsync(cancellationToken);

    private async ValueTask WriteBatchAsync(RecordBatch batch, CancellationToken cancellationToken)
    {
        var body = new BatchBody(rebase: true);
        foreach (ArrowArray column in batch.Columns)
            column.AppendTo(body);
        long[] lengths = [.. body.Buffers.Select(buffer => (long)buffer.Length)];
        await _frame.StartBatchAsync(batch.RowCount, [.. body.Nodes], lengths, cancellationToken).ConfigureAwait(false);
        foreach (ReadOnlyMemory<byte> buffer in body.Buffers)
        {
            await _frame.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
            await _frame.PadAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private void CheckSchema(RecordBatch rows)
    {
        IReadOnlyList<ArrowField> fields = _frame.Schema.Fields;
        if (rows.Columns.Count != fields.Count)
            throw new ArgumentException($"The batch has {rows.Columns.Count} columns, the file {fields.Count}.", nameof(rows));
        for (int i = 0; i < rows.Columns.Count; i++)
        {
            (string name, ArrowType type, bool nullable) = fields[i];
            if (rows.Schema.Fields[i].Name != name || rows.Columns[i].Type != type)
                throw new ArgumentException($"Column {i} is {rows.Schema.Fields[i]}, in the file {fields[i]}.", nameof(rows));
            if (!nullable && rows.Columns[i].NullCount != 0)
                throw new ArgumentException($"Column '{name}' misses values, but is not nullable.", nameof(rows));
        }
    }
}

/// <summary>The body of a record batch in the making.</summary>
/// <param name="rebase">
/// Whether offsets have to begin at 0, so that only the bytes between the first and the last belong to the body.
/// </param>
internal sealed class BatchBody(bool rebase)
{
    public List<(long Length, long NullCount)> Nodes { get; } = [];

    public List<ReadOnlyMemory<byte>> Buffers { get; } = [];

    /// <summary>A column's node and its first buffer, the validity bitmap.</summary>
    public void AddNode(int length, Validity validity)
    {
        Nodes.Add((length, validity.NullCount));
        Buffers.Add(validity.Bits);
    }

    /// <summary>A node without a validity bitmap.</summary>
    public void AddNodeAlone(int length, int nullCount) => Nodes.Add((length, nullCount));

    public void AddBuffer(ReadOnlyMemory<byte> buffer) => Buffers.Add(buffer);

    /// <summary>Offsets and bytes of values that have different lengths.</summary>
    public void AddVariable(ReadOnlyMemory<int> offsets, ReadOnlyMemory<byte> bytes, bool large)
    {
        int start = rebase ? offsets.Span[0] : 0;
        if (large)
            AddBuffer(ByteMemory<long>.Of(Array.ConvertAll(offsets.ToArray(), offset => (long)(offset - start)).AsMemory()));
        else if (start == 0)
            AddBuffer(ByteMemory<int>.Of(offsets));
        else
            AddBuffer(ByteMemory<int>.Of(Array.ConvertAll(offsets.ToArray(), offset => offset - start).AsMemory()));
        AddBuffer(rebase ? bytes[start..offsets.Span[^1]] : bytes);
    }
}

namespace VectorEngine.Arrow;

/// <summary>Puts rows of several tables of one schema into one, in any order.</summary>
internal static class TableJoin
{
    /// <summary>Rows of the tables as if they followed each other.</summary>
    /// <param name="tables">At least one.</param>
    /// <param name="rows">Row numbers, counted through all tables.</param>
    /// <param name="cancellationToken">Cancels the joining.</param>
    public static async ValueTask<RecordBatch> TakeAsync(
        IReadOnlyList<RecordBatch> tables, int[] rows, CancellationToken cancellationToken)
    {
        // A file in memory with a batch for each table: reading rows of several batches into one is what a file's reader does anyway.
        var file = new MemoryStream();
        var writer = new ArrowFileWriter(tables[0].Schema, file.WriteAsync);
        foreach (RecordBatch table in tables)
            await writer.WriteAsync(table, int.MaxValue, cancellationToken).ConfigureAwait(false);
        ArrowFileSummary summary = await writer.FinishAsync(cancellationToken).ConfigureAwait(false);
        var reader = ArrowFileReader.Open("joined tables", new MemorySource(file), summary.Footer, summary.RowCounts);
        return await reader.TakeAsync(Array.ConvertAll(rows, row => (long)row), null, cancellationToken).ConfigureAwait(false);
    }

    private sealed class MemorySource(MemoryStream file) : IRangeSource
    {
        public long Length => file.Length;

        public ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
        {
            file.GetBuffer().AsSpan((int)offset, destination.Length).CopyTo(destination.Span);
            return ValueTask.CompletedTask;
        }
    }
}

namespace VectorEngine.Arrow;

/// <summary>
/// Arrow IPC files (also known as Feather version 2), uncompressed: this library has no dependencies, and .NET has neither LZ4 nor
/// Zstandard.
/// </summary>
public static class ArrowFile
{
    /// <summary>Opens a local file: reads its footer, and everything else when it is asked for.</summary>
    /// <param name="path">The file, which nobody may change while it is open.</param>
    /// <param name="cancellationToken">Cancels the opening.</param>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    /// <exception cref="CorruptDataException">It is damaged, or no Arrow file.</exception>
    /// <exception cref="NotSupportedException">It has something that cannot be stepped over, such as big-endian values.</exception>
    public static async ValueTask<ArrowFileReader> OpenAsync(string path, CancellationToken cancellationToken = default)
    {
        var source = new FileSource(path);
        try
        {
            return await ArrowFileReader.OpenAsync(path, source, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Writes a file. One table after the other is asked for and written, so that they need not fit into memory together.
    /// </summary>
    /// <param name="stream">Where to write, from its current position, which must be where the file is to begin.</param>
    /// <param name="schema">The columns.</param>
    /// <param name="tables">The rows; each table has this schema.</param>
    /// <param name="rowsPerBatch">Record batches of the file have at most so many rows: those who read it hold a batch in memory.</param>
    /// <param name="cancellationToken">Cancels the writing.</param>
    /// <exception cref="ArgumentException">
    /// A table has another schema, or the schema has a column of an <see cref="ArrowTypeKind.Unsupported"/> type.
    /// </exception>
    /// <exception cref="IOException">Writing fails.</exception>
    public static async Task WriteAsync(
        Stream stream, ArrowSchema schema, IEnumerable<RecordBatch> tables, int rowsPerBatch = 65536,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(schema);
        ArgumentNullException.ThrowIfNull(tables);
        var writer = new ArrowFileWriter(schema, stream.WriteAsync);
        foreach (RecordBatch table in tables)
            await writer.WriteAsync(table, rowsPerBatch, cancellationToken).ConfigureAwait(false);
        await writer.FinishAsync(cancellationToken).ConfigureAwait(false);
    }
}

using VectorEngine.Arrow;
using VectorEngine.Input;

namespace VectorEngine.Building;

/// <summary>
/// Keeps the rows of a source that can be read only once in a scratch file, an Arrow file, from which they are read again.
/// </summary>
internal sealed class RowSpool(ScratchFolder scratch) : IDisposable
{
    // Like no column of the caller's, which stand beside it.
    private const string VectorColumn = "vectorengine:vector";

    private readonly FileStream _stream = scratch.Create("rows.arrow", 1 << 16);
    private ArrowFileWriter? _file;

    /// <summary>Appends a chunk's rows.</summary>
    public async Task WriteAsync(RowChunk chunk, CancellationToken cancellationToken)
    {
        ArrowArray vectors = ArrowArray.Vectors(chunk.Rows);
        var schema = new ArrowSchema([new ArrowField(VectorColumn, vectors.Type), .. chunk.Metadata?.Schema.Fields ?? []]);
        _file ??= new ArrowFileWriter(schema, _stream.WriteAsync);
        await _file.WriteAsync(
            new RecordBatch(schema, [vectors, .. chunk.Metadata?.Columns ?? []]), chunk.Count, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends the writing.</summary>
    /// <returns>A source of the same rows.</returns>
    public async Task<VectorSource> FinishAsync(CancellationToken cancellationToken)
    {
        await _file!.FinishAsync(cancellationToken).ConfigureAwait(false);
        await _stream.DisposeAsync().ConfigureAwait(false);
        return VectorSource.FromFile(_stream.Name, VectorColumn);
    }

    public void Dispose() => _stream.Dispose();
}

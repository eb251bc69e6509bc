using VectorEngine.Arrow;
using VectorEngine.Input;

namespace VectorEngine.Building;

/// <summary>Keeps the rows of a source that can be read only once in a scratch file, an Arrow file, from which they are read again.</summary>
internal sealed class RowSpool(ScratchFolder scratch) : IDisposable
{
    // Like no column of the caller's, which stand beside it.
    private const string VectorColumn = "vectorengine:vector";

    private readonly FileStream _stream = scratch.Create("rows.arrow", 1 << 16);
    private ArrowFileWriter? _file;

    /// <summary>Appends a chunk's rows.</summary>
    public async Task WriteAsync(RowChunk chunk, CancellationToken cancellationToken)
    {
        var rows = new List<(string, ArrowArray)> { (VectorColumn, ArrowArray.Vectors(chunk.Rows)) };
        ArrowSchema? others = chunk.Metadata?.Schema;
        for (int i = 0; i < others?.Fields.Count; i++)
            rows.Add((others.Fields[i].Name, chunk.Metadata!.Columns[i]));
        var batch = new RecordBatch([.. rows]);
        _file ??= new ArrowFileWriter(batch.Schema, _stream.WriteAsync);
        await _file.WriteAsync(batch, Math.Max(1, batch.RowCount), cancellationToken).ConfigureAwait(false);
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

using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Storage;

namespace VectorEngine.Building;

/// <summary>What a segment keeps of its rows as they were given: vectors, metadata, both or neither.</summary>
internal sealed class StoredRows(VectorsWriter? vectors, MetadataWriter? metadata) : IAsyncDisposable
{
    /// <summary>Starts the objects.</summary>
    public static async Task<StoredRows> CreateAsync(
        IObjectStore store, SegmentKeys keys, StoredVectors stored, InputSummary input, CancellationToken cancellationToken)
    {
        VectorsWriter? vectors = stored == StoredVectors.None ? null : await VectorsWriter.CreateAsync(
            store, keys, stored, input.Dimensions, (int)input.Count, cancellationToken).ConfigureAwait(false);
        try
        {
            return new StoredRows(vectors, input.Schema is not { } schema ? null : await MetadataWriter.CreateAsync(
                store, keys, schema, cancellationToken).ConfigureAwait(false));
        }
        catch when (vectors is not null)
        {
            await vectors.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Appends rows.</summary>
    public async Task WriteAsync(RowChunk chunk, CancellationToken cancellationToken)
    {
        if (vectors is not null)
            await vectors.WriteAsync(chunk.Rows, cancellationToken).ConfigureAwait(false);
        if (metadata is not null && chunk.Metadata is { } rows)
            await metadata.WriteAsync(rows, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Makes the objects visible.</summary>
    /// <returns>The description with their lengths.</returns>
    public async Task<SegmentDescription> CommitAsync(
        SegmentDescription description, ContainerWriter root, CancellationToken cancellationToken)
    {
        if (vectors is not null)
        {
            (RowStride rows, long length, long checksumsLength) = await vectors.CommitAsync(cancellationToken).ConfigureAwait(false);
            root.Add(SectionKind.VectorBatches, VectorBatches.ToBytes(rows));
            description = description with { VectorsLength = length, ChecksumsLength = checksumsLength };
        }

        if (metadata is not null)
            description = description with { MetadataLength = await metadata.CommitAsync(root, cancellationToken).ConfigureAwait(false) };
        return description;
    }

    public async ValueTask DisposeAsync()
    {
        if (vectors is not null)
            await vectors.DisposeAsync().ConfigureAwait(false);
        if (metadata is not null)
            await metadata.DisposeAsync().ConfigureAwait(false);
    }
}

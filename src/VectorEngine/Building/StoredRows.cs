using System.Text;
using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Input;
using VectorEngine.Storage;

namespace VectorEngine.Building;

/// <summary>What a segment keeps of its rows as they were given: vectors, metadata, both or neither.</summary>
internal sealed class StoredRows(VectorsWriter? vectors, MetadataWriter? metadata) : IAsyncDisposable
{
    /// <summary>Starts the objects.</summary>
    /// <param name="store">Where the index is.</param>
    /// <param name="keys">The segment's keys.</param>
    /// <param name="stored">The type of stored vectors.</param>
    /// <param name="inPlace">Where the vectors are already; null if they are to be copied.</param>
    /// <param name="input">What there will be.</param>
    /// <param name="cancellationToken">Cancels the start.</param>
    public static async Task<StoredRows> CreateAsync(
        RetryingStore store, SegmentKeys keys, StoredVectors stored, VectorsInPlace? inPlace, InputSummary input,
        CancellationToken cancellationToken)
    {
        VectorsWriter? vectors = stored == StoredVectors.None ? null : await VectorsWriter.CreateAsync(
            store, keys, stored, inPlace, input.Dimensions, (int)input.Count, cancellationToken).ConfigureAwait(false);
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
            (RowBatches rows, long length, long checksumsLength) = await vectors.CommitAsync(cancellationToken).ConfigureAwait(false);
            root.Add(SectionKind.VectorBatches, VectorBatches.ToBytes(rows));
            if (vectors.InPlace is { } inPlace)
                root.Add(SectionKind.VectorsKey, Encoding.UTF8.GetBytes(inPlace.Key));
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

using VectorEngine.Arrow;
using VectorEngine.Building;
using VectorEngine.Format;
using VectorEngine.Kernels;
using VectorEngine.Quantization;
using VectorEngine.Storage;

namespace VectorEngine;

/// <summary>Builds indexes.</summary>
public static class VectorIndexBuilder
{
    /// <summary>
    /// Builds an index of vectors in memory and publishes it as the newest version: readers see the old version until the last moment,
    /// then the new one, never a mixture. What a failed or cancelled build has written is deleted.
    /// </summary>
    /// <param name="store">Where the index goes.</param>
    /// <param name="name">Its name: a key prefix, such as "docs".</param>
    /// <param name="vectors">At least one vector of 1 to 8,192 finite dimensions; a vector's row is its ordinal in results.</param>
    /// <param name="options">How to build; null for the defaults.</param>
    /// <param name="metadata">A table with a row for each vector, whose columns searches can return; null for none.</param>
    /// <param name="progress">Told what the build is doing.</param>
    /// <param name="cancellationToken">Cancels the build.</param>
    /// <exception cref="ArgumentException">
    /// There are no vectors, the metadata has another number of rows, or an option is out of range.
    /// </exception>
    /// <exception cref="InvalidVectorException">A vector is not finite, too long, or zero under cosine.</exception>
    /// <exception cref="PlatformNotSupportedException">VECTORENGINE_ISA names an instruction set that this machine lacks.</exception>
    /// <exception cref="CorruptDataException">
    /// There is an index of this name, and its pointer is damaged: <see cref="DeleteAsync"/> makes room.
    /// </exception>
    /// <exception cref="NotSupportedException">There is an index of this name, of another version of the format.</exception>
    /// <exception cref="WriteConflictException">Another build of the same index was published meanwhile.</exception>
    public static async Task BuildAsync(
        IObjectStore store, string name, VectorMatrix vectors, VectorIndexOptions? options = null, RecordBatch? metadata = null,
        IProgress<BuildProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentException.ThrowIfNullOrEmpty(name);
        _ = InstructionSets.FromEnvironment();
        options ??= new VectorIndexOptions();
        Check(vectors, options, metadata);
        string pointerKey = IndexKeys.Pointer(name);
        ObjectContent? current = await store.TryReadAsync(pointerKey, cancellationToken).ConfigureAwait(false);
        long version = current is null ? 1 : Manifest.ReadPointer(pointerKey, current.Content).Version + 1;
        var segment = Guid.NewGuid();
        SegmentKeys keys = IndexKeys.Segment(name, segment);
        try
        {
            byte[] root = await SegmentBuild.WriteAsync(
                store, keys, vectors, options, metadata, (phase, fraction) => progress?.Report(new BuildProgress(phase, fraction)),
                cancellationToken).ConfigureAwait(false);
            var manifest = new Manifest(version, DateTimeOffset.UtcNow, segment, root.Length, Crc32C.Compute(root));
            WriteCondition condition = current is null ? WriteCondition.Absent : WriteCondition.Matches(current.ETag);
            await store.WriteAsync(pointerKey, manifest.ToPointer(), condition, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await DeleteUnpublishedAsync(store, name, segment).ConfigureAwait(false);
            throw;
        }

        progress?.Report(new BuildProgress(BuildPhase.Publishing, 1));
    }

    /// <summary>
    /// Deletes an index: all its versions, and what builds of it left behind. Nobody may build or read it meanwhile. Deleting a missing one
    /// does nothing.
    /// </summary>
    /// <param name="store">Where the index is.</param>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">
    /// Cancels the deletion; the index then can no longer be opened, and the next call deletes the rest.
    /// </param>
    public static async Task DeleteAsync(IObjectStore store, string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentException.ThrowIfNullOrEmpty(name);
        await store.DeleteAsync(IndexKeys.Pointer(name), cancellationToken).ConfigureAwait(false);
        await DeleteAllAsync(store, IndexKeys.Segments(name), cancellationToken).ConfigureAwait(false);
    }

    private static async Task DeleteAllAsync(IObjectStore store, string prefix, CancellationToken cancellationToken)
    {
        await foreach (ObjectInfo found in store.ListAsync(prefix, cancellationToken).ConfigureAwait(false))
            await store.DeleteAsync(found.Key, cancellationToken).ConfigureAwait(false);
    }

    private static void Check(VectorMatrix vectors, VectorIndexOptions options, RecordBatch? metadata)
    {
        if (vectors.Count == 0)
            throw new ArgumentException("There are no vectors.", nameof(vectors));
        if (vectors.Dimensions > CodeLayout.MaxDimensions)
            throw new ArgumentException(
                $"{vectors.Dimensions} dimensions; at most {CodeLayout.MaxDimensions} are supported.", nameof(vectors));
        if (metadata is not null && metadata.RowCount != vectors.Count)
            throw new ArgumentException($"{metadata.RowCount} rows of metadata for {vectors.Count} vectors.", nameof(metadata));
        if (options.ClusterCount is { } clusters && (clusters < 1 || clusters > vectors.Count))
            throw new ArgumentException($"{clusters} clusters for {vectors.Count} vectors.", nameof(options));
        if (options.MaxDegreeOfParallelism is 0 or < -1)
            throw new ArgumentException($"{options.MaxDegreeOfParallelism} threads.", nameof(options));
        if (!Enum.IsDefined(options.Metric) || !Enum.IsDefined(options.StoredVectors))
            throw new ArgumentException("Unknown metric or type of stored vectors.", nameof(options));
    }

    /// <summary>Deletes what an unpublished segment has written, as far as the store lets it; what stays is named by no pointer.</summary>
    private static async Task DeleteUnpublishedAsync(IObjectStore store, string name, Guid segment)
    {
        try
        {
            // A pointer that names the segment after all was written although the store reported a failure.
            string pointerKey = IndexKeys.Pointer(name);
            ObjectContent? pointer = await store.TryReadAsync(pointerKey).ConfigureAwait(false);
            if (pointer is not null && Manifest.ReadPointer(pointerKey, pointer.Content).Segment == segment)
                return;
            await DeleteAllAsync(store, IndexKeys.Segment(name, segment).Prefix + "/", CancellationToken.None).ConfigureAwait(false);
        }
        catch
        {
            // Whatever it is: the build's own failure is the one to report.
        }
    }
}

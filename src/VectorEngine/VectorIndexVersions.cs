using VectorEngine.Format;
using VectorEngine.Publishing;
using VectorEngine.Storage;
using VectorEngine.Telemetry;

namespace VectorEngine;

/// <summary>Lists the versions of an index, goes back to one of them, and deletes what no version needs.</summary>
public static class VectorIndexVersions
{
    /// <summary>
    /// Lists the versions that can be opened, newest first, by one read. At most the newest and 256 before it are kept, and no more than
    /// <see cref="CollectAsync"/> has left.
    /// </summary>
    /// <param name="store">Where the index is.</param>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <exception cref="ObjectNotFoundException">There is no such index.</exception>
    /// <exception cref="CorruptDataException">The pointer is damaged.</exception>
    /// <exception cref="NotSupportedException">The index is of another version of the format.</exception>
    public static async ValueTask<IReadOnlyList<IndexVersion>> ListAsync(
        IObjectStore store, string name, CancellationToken cancellationToken = default)
    {
        Check(store, name);
        Pointer pointer = await Pointer.ReadAsync(new RetryingStore(store), name, cancellationToken).ConfigureAwait(false);
        return [.. pointer.Newest.Versions.Select(Describe)];
    }

    /// <summary>
    /// Publishes an older version's segments once more, as the next version: numbers only grow, and the versions in between stay.
    /// </summary>
    /// <param name="store">Where the index is.</param>
    /// <param name="name">Its name.</param>
    /// <param name="version">The number of the version to go back to.</param>
    /// <param name="cancellationToken">Cancels the publication, which then may or may not have happened.</param>
    /// <returns>The new version.</returns>
    /// <exception cref="ObjectNotFoundException">There is no such index.</exception>
    /// <exception cref="VersionNotFoundException">There is no such version, or not any more.</exception>
    /// <exception cref="WriteConflictException">Another version was published meanwhile, or this one was given up.</exception>
    /// <exception cref="CorruptDataException">What is there is damaged.</exception>
    /// <exception cref="NotSupportedException">The index is of another version of the format.</exception>
    public static async Task<IndexVersion> RollBackAsync(
        IObjectStore store, string name, long version, CancellationToken cancellationToken = default)
    {
        Check(store, name);
        var retrying = new RetryingStore(store);
        Pointer before = await Pointer.ReadAsync(retrying, name, cancellationToken).ConfigureAwait(false);
        Manifest source = await PublishedVersions.FindAsync(retrying, name, before, version, cancellationToken).ConfigureAwait(false);
        Manifest published = await new Publication(retrying, name, before)
            .PublishAsync(source.Segments, source.Id, cancellationToken).ConfigureAwait(false);
        return Describe(published.Versions.First());
    }

    /// <summary>
    /// Gives up versions that are neither among the newest nor leased by a reader, and deletes what no version needs: their segments, and
    /// what builds left behind whose process died. Safe beside builds, readers and other collections, and when it is killed.
    /// </summary>
    /// <remarks>
    /// Readers without a lease (<see cref="OpenOptions.Lease"/>) that still have a deleted version open can no longer load from it.
    /// Ages are told by the store's own clock: an object is written, and what the listing says of when it was counts as now.
    /// </remarks>
    /// <param name="store">Where the index is.</param>
    /// <param name="name">Its name.</param>
    /// <param name="options">What to keep; null for the defaults.</param>
    /// <param name="cancellationToken">Cancels the collection; the next one deletes the rest.</param>
    /// <returns>What was deleted.</returns>
    /// <exception cref="ArgumentOutOfRangeException">No version is to be kept, or the grace period is negative.</exception>
    /// <exception cref="ObjectNotFoundException">The object of a published version is missing; nothing is deleted.</exception>
    /// <exception cref="CorruptDataException">The pointer or a version that is kept is damaged; nothing is deleted.</exception>
    /// <exception cref="NotSupportedException">The index is of another version of the format; nothing is deleted.</exception>
    public static Task<GarbageReport> CollectAsync(
        IObjectStore store, string name, GarbageOptions? options = null, CancellationToken cancellationToken = default)
    {
        Check(store, name);
        options ??= new GarbageOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.KeepVersions, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.GracePeriod, TimeSpan.Zero, nameof(options));
        return EngineActivities.RunAsync(EngineActivities.Collect, name, async activity =>
        {
            GarbageReport report = await new GarbageCollection(new RetryingStore(store), name, options)
                .RunAsync(cancellationToken).ConfigureAwait(false);
            activity?.SetTag("vectorengine.collect.versions", report.VersionCount)
                .SetTag("vectorengine.collect.objects", report.ObjectCount)
                .SetTag("vectorengine.collect.bytes", report.ByteCount);
            return report;
        });
    }

    private static IndexVersion Describe(VersionEntry version) => new(version.Id.Number, version.Published, version.SegmentCount);

    private static void Check(IObjectStore store, string name)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentException.ThrowIfNullOrEmpty(name);
    }
}

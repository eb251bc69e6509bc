using VectorEngine.Format;
using VectorEngine.Storage;
using VectorEngine.Telemetry;

namespace VectorEngine.Publishing;

/// <summary>
/// Publishes one version: its object first, then, on condition that the pointer is the one that the version was made from, the pointer.
/// </summary>
/// <remarks>
/// <para>The pointer's conditional write is the only moment at which versions come or go: a collector, too, takes versions out of the
/// history by it before it deletes anything. So a version never appears after something that it takes over was given up.</para>
/// <para>If a collector has shortened the history meanwhile, the newest version is still the same: the write is tried again,
/// with the shorter history.</para>
/// <para>A write that fails may have happened, or may happen later, on its way to the store; a store's client that tries again by itself
/// may even take its own first try for another's. So the pointer is read to find out. If it names the version, all is well. If it is the
/// one that was expected, nobody knows: nothing may be deleted, and what is left over is for the collector.</para>
/// </remarks>
/// <param name="store">Where the index is.</param>
/// <param name="index">Its name.</param>
/// <param name="before">The pointer that the version is made from; null if there was none.</param>
internal sealed class Publication(RetryingStore store, string index, Pointer? before)
{
    private readonly string _pointerKey = IndexKeys.Pointer(index);

    /// <summary>Whether the version may be visible, or may become so: then none of its objects may be deleted.</summary>
    public bool MayAppear { get; private set; }

    /// <summary>Publishes the version.</summary>
    /// <param name="segments">Its segments, all of whose objects are written.</param>
    /// <param name="source">The version whose segments these are, if not the newest: it has to be published still.</param>
    /// <param name="cancellationToken">Cancels the publication; the version then may or may not appear.</param>
    /// <exception cref="WriteConflictException">Another version was published meanwhile, or the source was given up.</exception>
    public Task<Manifest> PublishAsync(
        IReadOnlyList<SegmentReference> segments, VersionId? source, CancellationToken cancellationToken) =>
        EngineActivities.RunAsync(EngineActivities.Publish, index, async activity =>
        {
            Manifest published = await WriteAsync(segments, source, cancellationToken).ConfigureAwait(false);
            activity?.SetTag(TelemetryNames.IndexVersion, published.Id.Number);
            return published;
        });

    private async Task<Manifest> WriteAsync(
        IReadOnlyList<SegmentReference> segments, VersionId? source, CancellationToken cancellationToken)
    {
        var next = Manifest.After(before?.Newest, segments);
        string versionKey = IndexKeys.Version(index, next.Id);
        Pointer? expected = before;
        try
        {
            await store.WriteAsync(versionKey, next.ToPointer(), WriteCondition.Absent, cancellationToken).ConfigureAwait(false);
            while (await ReplaceAsync(next, expected, source, cancellationToken).ConfigureAwait(false) is { } shortened)
            {
                expected = shortened;
                next = next with { History = [.. shortened.Newest.Versions.Take(Manifest.MaxHistory)] };
            }

            return next;
        }
        catch
        {
            if (!MayAppear)
                await IndexObjects.TryDeleteAsync(store, versionKey).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Replaces the pointer.</summary>
    /// <returns>Null if that is done; the pointer that is there now, if only its history is another than expected.</returns>
    private async ValueTask<Pointer?> ReplaceAsync(
        Manifest next, Pointer? expected, VersionId? source, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested(); // from here on the outcome is uncertain
        MayAppear = true;
        try
        {
            WriteCondition condition = expected is null ? WriteCondition.Absent : WriteCondition.Matches(expected.ETag);
            await store.WriteAsync(_pointerKey, next.ToPointer(), condition, cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (Exception failure)
        {
            (bool known, Pointer? now) = await LookAsync().ConfigureAwait(false);
            if (now is not null && now.Newest.Names(next.Id))
                return null; // done, though the answer was lost on its way
            MayAppear = !known || !IsLost(next.Id, expected, now);
            if (failure is WriteConflictException && !MayAppear && now is not null && now.Newest.Id == expected?.Newest.Id
                && (source is null || now.Newest.Names(source.Value)))
                return now;
            throw;
        }
    }

    /// <summary>
    /// Whether a version, which the pointer does not name, was never published and never will be: no pointer ever comes back, and the one
    /// that is there now did not come after that version.
    /// </summary>
    private static bool IsLost(VersionId version, Pointer? expected, Pointer? now) =>
        now?.ETag != expected?.ETag
        && (now is null || now.Newest.Id.Number < version.Number
            || now.Newest.Versions.Any(published => published.Id.Number == version.Number));

    /// <summary>Reads the pointer, if that is possible.</summary>
    private async ValueTask<(bool Known, Pointer? Pointer)> LookAsync()
    {
        try
        {
            return (true, await Pointer.TryReadAsync(store, index, CancellationToken.None).ConfigureAwait(false));
        }
        catch
        {
            return (false, null); // the failure before is the one to report
        }
    }
}

using VectorEngine.Format;
using VectorEngine.Storage;

namespace VectorEngine.Building;

/// <summary>Deletes segments that no pointer names.</summary>
internal static class UnpublishedSegments
{
    /// <summary>Deletes the segments that the pointer does not name and that are old enough.</summary>
    /// <param name="store">Where the index is.</param>
    /// <param name="name">Its name.</param>
    /// <param name="clock">An object that has just been written.</param>
    /// <param name="gracePeriod">How old the newest object of a segment has to be.</param>
    /// <param name="cancellationToken">Cancels the deletion.</param>
    public static async Task DeleteAsync(
        IObjectStore store, string name, string clock, TimeSpan gracePeriod, CancellationToken cancellationToken)
    {
        DateTimeOffset? now = null;
        var newest = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        await foreach (ObjectInfo found in store.ListAsync(IndexKeys.Segments(name), cancellationToken).ConfigureAwait(false))
        {
            if (found.Key == clock)
                now = found.LastModified;
            string prefix = found.Key[..found.Key.LastIndexOf('/')];
            if (!newest.TryGetValue(prefix, out DateTimeOffset known) || known < found.LastModified)
                newest[prefix] = found.LastModified;
        }

        // The pointer is read after the listing, so that what was published meanwhile stays.
        HashSet<string> published = [.. (await PublishedAsync(store, name, cancellationToken).ConfigureAwait(false))
            .Select(segment => IndexKeys.Segment(name, segment).Prefix)];
        foreach ((string prefix, DateTimeOffset written) in newest)
        {
            // Without its clock, which another call has deleted, this one does not know how old anything is.
            if (!published.Contains(prefix) && now - written >= gracePeriod)
                await DeleteAllAsync(store, prefix + "/", cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Deletes what a failed build has written, as far as the store lets it; what stays is named by no pointer.</summary>
    public static async Task TryDeleteAsync(IObjectStore store, string name, Guid segment)
    {
        try
        {
            // A pointer that names the segment after all was written although the store reported a failure.
            if (!(await PublishedAsync(store, name, CancellationToken.None).ConfigureAwait(false)).Contains(segment))
                await DeleteAllAsync(store, IndexKeys.Segment(name, segment).Prefix + "/", CancellationToken.None).ConfigureAwait(false);
        }
        catch
        {
            // Whatever it is: the build's own failure is the one to report.
        }
    }

    /// <summary>Deletes all objects whose keys start so.</summary>
    public static async Task DeleteAllAsync(IObjectStore store, string prefix, CancellationToken cancellationToken)
    {
        await foreach (ObjectInfo found in store.ListAsync(prefix, cancellationToken).ConfigureAwait(false))
            await store.DeleteAsync(found.Key, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The segments that the pointer names; none if there is no pointer.</summary>
    private static async ValueTask<Guid[]> PublishedAsync(IObjectStore store, string name, CancellationToken cancellationToken)
    {
        string pointerKey = IndexKeys.Pointer(name);
        ObjectContent? pointer = await store.TryReadAsync(pointerKey, cancellationToken).ConfigureAwait(false);
        return pointer is null ? [] : [.. Manifest.ReadPointer(pointerKey, pointer.Content).Segments.Select(segment => segment.Id)];
    }
}

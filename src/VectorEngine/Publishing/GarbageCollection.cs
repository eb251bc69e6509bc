using VectorEngine.Format;
using VectorEngine.Storage;

namespace VectorEngine.Publishing;

/// <summary>Gives up old versions of an index, and deletes what no version needs.</summary>
/// <remarks>
/// <para>It goes in rounds. Each lists versions and segments, then reads the pointer, then lists the leases. If there are versions to give
/// up, the round ends with taking them out of the pointer's history, on condition that nobody has changed the pointer since, and
/// another begins. If there are none, everything is deleted that is neither named by the pointer and the leases nor young. So:</para>
/// <para>Builds: what is published between the listing and the reading of the pointer is in the pointer. What is published after that was
/// written within the grace period. A build that began before the history was shortened goes on (see <see cref="Publication"/>).</para>
/// <para>A rollback to a version that is given up meanwhile: whichever of the two replaces the pointer first, the other's condition fails.</para>
/// <para>Readers: one with a lease has seen the version in a pointer after it wrote the lease. The pointer that a deleting round reads
/// no longer has the version, so the lease was written before that, and the leases are listed after. One without a lease has the grace
/// period, counted from when the object of the version was written that took the place of its own.</para>
/// <para>Other collectors: what has left the pointer never comes back, and segments are never added to again, so whatever one may
/// delete, it may delete for ever; each forgives the others what is missing already. The same holds for one that was killed: what it leaves
/// is garbage to the next.</para>
/// <para>Ages are differences of times that the store gave. Without a pointer, nothing is published.</para>
/// </remarks>
internal sealed class GarbageCollection(RetryingStore store, string index, GarbageOptions options)
{
    /// <summary>Versions read at a time.</summary>
    private const int ParallelReads = 16;

    private DateTimeOffset _now;
    private int _versions, _segments, _objects;
    private long _bytes;

    /// <summary>Collects; when it is cancelled or fails, the next one deletes the rest.</summary>
    public async Task<GarbageReport> RunAsync(CancellationToken cancellationToken)
    {
        _now = await StoreClock.NowAsync(store, index, cancellationToken).ConfigureAwait(false);
        while (!await RunRoundAsync(cancellationToken).ConfigureAwait(false))
        {
        }

        return new GarbageReport(_versions, _segments, _objects, _bytes);
    }

    /// <returns>Whether this round was the last.</returns>
    private async Task<bool> RunRoundAsync(CancellationToken cancellationToken)
    {
        List<ObjectInfo> versions = await ListAsync(IndexKeys.Versions(index), cancellationToken).ConfigureAwait(false);
        List<ObjectInfo> segments = await ListAsync(IndexKeys.Segments(index), cancellationToken).ConfigureAwait(false);
        Pointer? pointer = await Pointer.TryReadAsync(store, index, cancellationToken).ConfigureAwait(false);
        ILookup<bool, (ObjectInfo Lease, VersionId Version)> leasesByEnd = await ListLeasesAsync(cancellationToken).ConfigureAwait(false);
        HashSet<VersionId> needed = [.. leasesByEnd[false].Select(live => live.Version)];
        if (pointer is not null)
        {
            VersionEntry[] history = [.. Kept(pointer.Newest, versions, needed)];
            if (history.Length < pointer.Newest.History.Count)
            {
                await ShortenAsync(pointer, history, cancellationToken).ConfigureAwait(false);
                return false;
            }

            needed.UnionWith(pointer.Newest.Versions.Select(version => version.Id));
        }

        if (await SegmentsOfAsync(needed, pointer, cancellationToken).ConfigureAwait(false) is not { } prefixes)
            return false;
        HashSet<string> keys = [.. needed.Select(version => IndexKeys.Version(index, version))];
        foreach (IGrouping<string, ObjectInfo> segment in segments.GroupBy(found => found.Key[..found.Key.LastIndexOf('/')]))
        {
            if (prefixes.Contains(segment.Key) || !IsOld(segment.Max(found => found.LastModified)))
                continue;
            await DeleteAsync(segment, cancellationToken).ConfigureAwait(false);
            _segments++;
        }

        await DeleteAsync(versions.Where(found => !keys.Contains(found.Key) && IsOld(found.LastModified)), cancellationToken)
            .ConfigureAwait(false);
        await DeleteAsync(leasesByEnd[true].Select(ended => ended.Lease), cancellationToken).ConfigureAwait(false);
        return true;
    }

    /// <summary>The part of the history that is not given up.</summary>
    private IEnumerable<VersionEntry> Kept(Manifest newest, List<ObjectInfo> objects, HashSet<VersionId> leased)
    {
        Dictionary<string, DateTimeOffset> written = objects.ToDictionary(found => found.Key, found => found.LastModified);
        for (int i = 0; i < newest.History.Count; i++)
        {
            // Its place was taken when the version after it was published, whose object was written just before.
            VersionId version = newest.History[i].Id, next = i == 0 ? newest.Id : newest.History[i - 1].Id;
            bool old = written.TryGetValue(IndexKeys.Version(index, next), out DateTimeOffset replaced) && IsOld(replaced);
            if (i + 1 < options.KeepVersions || leased.Contains(version) || !old)
                yield return newest.History[i];
        }
    }

    /// <summary>Takes versions out of the history, unless another changes the pointer first.</summary>
    private async Task ShortenAsync(Pointer pointer, VersionEntry[] history, CancellationToken cancellationToken)
    {
        byte[] shorter = (pointer.Newest with { History = history }).ToPointer();
        try
        {
            await store.WriteAsync(IndexKeys.Pointer(index), shorter, WriteCondition.Matches(pointer.ETag), cancellationToken)
                .ConfigureAwait(false);
            _versions += pointer.Newest.History.Count - history.Length;
        }
        catch (WriteConflictException)
        {
            // The next round sees what has become of it.
        }
    }

    /// <summary>The keys of the segments of some versions, or what they start with.</summary>
    /// <returns>Null if the pointer has changed, and a version is missing that it no longer names.</returns>
    private async Task<HashSet<string>?> SegmentsOfAsync(
        HashSet<VersionId> versions, Pointer? pointer, CancellationToken cancellationToken)
    {
        var prefixes = new HashSet<string>(StringComparer.Ordinal);
        bool changed = false;
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = ParallelReads, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(versions, parallel, async (version, cancellation) =>
        {
            Manifest? manifest = version == pointer?.Newest.Id
                ? pointer.Newest
                : await PublishedVersions.TryReadAsync(store, index, version, cancellation).ConfigureAwait(false);
            lock (prefixes)
                prefixes.UnionWith(manifest?.Segments.Select(segment => IndexKeys.Segment(index, segment.Id).Prefix) ?? []);
            if (manifest is not null || pointer?.Newest.Names(version) != true)
                return; // or a lease that came too late: its taker will find the version given up
            if (await PublishedVersions.ContainsAsync(store, index, version, cancellation).ConfigureAwait(false))
                throw new ObjectNotFoundException(IndexKeys.Version(index, version));
            Volatile.Write(ref changed, true);
        }).ConfigureAwait(false);
        return changed ? null : prefixes;
    }

    private async Task<List<ObjectInfo>> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        var found = new List<ObjectInfo>();
        await foreach (ObjectInfo one in store.ListAsync(prefix, cancellationToken).ConfigureAwait(false))
            found.Add(one);
        return found;
    }

    /// <summary>The leases, by whether they were not renewed in time.</summary>
    private async Task<ILookup<bool, (ObjectInfo Lease, VersionId Version)>> ListLeasesAsync(CancellationToken cancellationToken)
    {
        string prefix = IndexKeys.Leases(index);
        return (await ListAsync(prefix, cancellationToken).ConfigureAwait(false))
            .Select(found => (Found: found, Name: LeaseName.TryParse(found.Key.AsSpan(prefix.Length))))
            .Where(lease => lease.Name is not null)
            .ToLookup(
                lease => _now - lease.Found.LastModified > lease.Name!.Value.Duration, lease => (lease.Found, lease.Name!.Value.Version));
    }

    private async Task DeleteAsync(IEnumerable<ObjectInfo> objects, CancellationToken cancellationToken)
    {
        foreach (ObjectInfo one in objects)
        {
            await store.DeleteAsync(one.Key, cancellationToken).ConfigureAwait(false);
            _objects++;
            _bytes += one.Length;
        }
    }

    private bool IsOld(DateTimeOffset written) => _now - written >= options.GracePeriod;
}

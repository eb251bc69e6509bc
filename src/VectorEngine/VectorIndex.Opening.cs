using VectorEngine.Format;
using VectorEngine.Kernels;
using VectorEngine.Loading;
using VectorEngine.Publishing;
using VectorEngine.Storage;
using VectorEngine.Telemetry;

namespace VectorEngine;

/// <content>From opening to disposing.</content>
public sealed partial class VectorIndex
{
    private readonly Lease? _lease;
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _releasing;

    /// <summary>
    /// Opens the newest version, or the one that the options name: reads the pointer and the roots, which have all of a small index;
    /// everything else is read when it is needed.
    /// </summary>
    /// <param name="store">Where the index is; it has to outlive the opened index.</param>
    /// <param name="name">Its name.</param>
    /// <param name="options">How to open it; null for the defaults.</param>
    /// <param name="cancellationToken">Cancels the opening.</param>
    /// <exception cref="ArgumentException">
    /// The options name a version and have a token, or the token is malformed, or the lease is out of range.
    /// </exception>
    /// <exception cref="ObjectNotFoundException">There is no such index.</exception>
    /// <exception cref="VersionNotFoundException">There is no such version, or not any more.</exception>
    /// <exception cref="CorruptDataException">Its objects are damaged.</exception>
    /// <exception cref="PlatformNotSupportedException">VECTORENGINE_ISA names an instruction set that this machine lacks.</exception>
    /// <exception cref="NotSupportedException">
    /// The index is of another version of the format, or memory-mapping was asked of a store other than <see cref="FileObjectStore"/>.
    /// </exception>
    public static ValueTask<VectorIndex> OpenAsync(
        IObjectStore store, string name, OpenOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentException.ThrowIfNullOrEmpty(name);
        InstructionSets.CheckEnvironment();
        options ??= new OpenOptions();
        Manifest? named = Check(options);
        if (store is not (FileObjectStore or MemoryObjectStore))
            CodeWarmUp.Start();
        // The first request comes first: in a new process, asking whether anybody listens takes as long as half a round trip.
        ValueTask<VectorIndex> opening = FindAndOpenAsync(new RetryingStore(store), name, named, options, cancellationToken);
        return EngineActivities.IsObserved ? new ValueTask<VectorIndex>(ObserveAsync(opening, name)) : opening;
    }

    private static Task<VectorIndex> ObserveAsync(ValueTask<VectorIndex> opening, string name) => EngineActivities.RunAsync(
        EngineActivities.Open, name, async activity =>
        {
            VectorIndex index = await opening.ConfigureAwait(false);
            activity?.SetTag(TelemetryNames.IndexVersion, index.Version).SetTag("vectorengine.index.segments", index.SegmentCount);
            return index;
        });

    private static async ValueTask<VectorIndex> FindAndOpenAsync(
        RetryingStore store, string name, Manifest? named, OpenOptions options, CancellationToken cancellationToken)
    {
        while (true)
        {
            Manifest? manifest = named;
            if (manifest is null)
            {
                Pointer pointer = await Pointer.ReadAsync(store, name, cancellationToken).ConfigureAwait(false);
                manifest = options.Version is { } version
                    ? await PublishedVersions.FindAsync(store, name, pointer, version, cancellationToken).ConfigureAwait(false)
                    : pointer.Newest;
            }

            if (await TryOpenAsync(store, name, manifest, options, cancellationToken).ConfigureAwait(false) is { } index)
                return index;
            if (named is not null || options.Version is not null)
                throw new VersionNotFoundException(name, manifest.Id.Number);
            // There is a newer one by now.
        }
    }

    /// <summary>
    /// Ends the use of the index; searches under way finish first, prefetching is broken off, and the lease is given back after them.
    /// </summary>
    public void Dispose()
    {
        _closing.Cancel();
        int searches = Volatile.Read(ref _searches);
        while (searches >= 0)
        {
            int seen = Interlocked.CompareExchange(ref _searches, searches + Disposed, searches);
            if (seen == searches)
            {
                if (searches == 0)
                    _ = ReleaseAsync();
                return;
            }

            searches = seen;
        }
    }

    /// <summary>Ends the use of the index, and waits for searches under way and until its lease has been given back.</summary>
    public async ValueTask DisposeAsync()
    {
        Dispose();
        await _released.Task.ConfigureAwait(false);
    }

    /// <summary>Opens a version.</summary>
    /// <returns>Null if it is no longer published.</returns>
    private static async ValueTask<VectorIndex?> TryOpenAsync(
        RetryingStore store, string name, Manifest manifest, OpenOptions options, CancellationToken cancellationToken)
    {
        long budget = options.MemoryBudget ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;
        Lease? lease = options.Lease is { } duration
            ? await Lease.TakeAsync(store, name, manifest.Id, duration, options.Time, cancellationToken).ConfigureAwait(false)
            : null;
        try
        {
            if (lease is null || await IsPublishedAsync().ConfigureAwait(false))
            {
                var reader = new StoreReader(
                    store.Inner, options.CacheFolder is { } folder ? new DiskCache(folder, options.CacheLimit) : null);
                IndexSegments segments = await IndexSegments.OpenAsync(
                    reader, name, manifest, budget, options.MemoryMap, new ReadScope(), cancellationToken).ConfigureAwait(false);
                return new VectorIndex(name, segments, manifest, options, lease);
            }
        }
        catch (Exception failure)
        {
            await ReturnAsync(lease).ConfigureAwait(false);
            if (failure is not ObjectNotFoundException || await IsPublishedAsync().ConfigureAwait(false))
                throw;
            return null;
        }

        await ReturnAsync(lease).ConfigureAwait(false);
        return null;

        ValueTask<bool> IsPublishedAsync() => PublishedVersions.ContainsAsync(store, name, manifest.Id, cancellationToken);
    }

    /// <summary>Checks the options, and reads their token if they have one.</summary>
    private static Manifest? Check(OpenOptions options)
    {
        if (options.MemoryBudget is { } budget)
            ArgumentOutOfRangeException.ThrowIfNegative(budget, nameof(options));
        if (options.Lease is { } lease && (lease < Lease.Shortest || lease > Lease.Longest))
            throw new ArgumentOutOfRangeException(nameof(options), lease, $"A lease lasts from {Lease.Shortest} to {Lease.Longest}.");
        if (options.Token is null)
            return null;
        if (options.Version is not null)
            throw new ArgumentException("Both a version and a token: one of them says which version is meant.", nameof(options));
        try
        {
            return Manifest.ReadToken(options.Token);
        }
        catch (FormatException wrong)
        {
            throw new ArgumentException($"The token is malformed: {wrong.Message}.", nameof(options), wrong);
        }
    }

    /// <summary>Called after the last search, and again where a search finds the index disposed.</summary>
    private async Task ReleaseAsync()
    {
        if (Interlocked.Exchange(ref _releasing, true))
            return;
        _segments.Dispose();
        await ReturnAsync(_lease).ConfigureAwait(false);
        _released.SetResult();
    }

    private static ValueTask ReturnAsync(Lease? lease) => lease?.DisposeAsync() ?? default;
}

using VectorEngine.Loading;
using VectorEngine.Telemetry;

namespace VectorEngine;

/// <content>What is in memory, and how it gets there before it is needed.</content>
public sealed partial class VectorIndex
{
    /// <summary>Queries of a warm-up that are under way at a time.</summary>
    private const int ParallelWarmUp = 8;

    private readonly CancellationTokenSource _closing = new();

    /// <summary>What is in memory now; cheap to ask.</summary>
    public MemoryUsage MemoryUsage
    {
        get
        {
            ResidentBytes bytes = _segments.Budget.ByKind;
            return new MemoryUsage
            {
                RootBytes = bytes[LayerKind.Root],
                SignBytes = bytes[LayerKind.Sign],
                ExBytes = bytes[LayerKind.Ex],
                VectorBytes = bytes[LayerKind.Vectors],
                MetadataBytes = bytes[LayerKind.Metadata],
                IdBytes = bytes[LayerKind.Ids],
                BytesUnderWay = _segments.Reader.Gate.Bytes,
                DiskCache = _segments.Reader.Cache is { } cache
                    ? new DiskCacheUsage(cache.Hits, cache.Misses, cache.BytesRead, cache.BytesWritten)
                    : null,
            };
        }
    }

    /// <summary>
    /// Streams whole layers into memory and, where the index has one, into the cache on disk: the 1-bit layer of all segments first. To be
    /// called beside searches, which go first: ranges of about 1 MiB, at most four at a time, are asked for while no search waits for the
    /// store, or after half a second. Searches use what has arrived, and wait for what is on its way rather than ask again.
    /// </summary>
    /// <remarks>
    /// Nothing is dropped from memory for it. Where the memory budget is full, it goes on into the cache on disk, or ends if there is none.
    /// A segment without lists has nothing but its vectors, which count as its first layer. Mapped files are left to the operating system.
    /// </remarks>
    /// <param name="upTo">
    /// The stage whose searches are to find everything at hand: <see cref="SearchStage.Sign"/> brings the 1-bit layer,
    /// <see cref="SearchStage.Refined"/> the 3-bit layer, too, <see cref="SearchStage.Exact"/> and beyond the stored vectors, too.
    /// </param>
    /// <param name="progress">Told what is there after each range; from any thread, one call at a time.</param>
    /// <param name="cancellationToken">Cancels it; what has arrived stays.</param>
    /// <returns>What it has brought, and what did not fit.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such stage.</exception>
    /// <exception cref="CorruptDataException">What was read from the store is damaged.</exception>
    /// <exception cref="StoreException">The store failed to serve.</exception>
    /// <exception cref="ObjectDisposedException">The index is disposed, or was meanwhile.</exception>
    public async Task<PrefetchReport> PrefetchAsync(
        SearchStage upTo = SearchStage.Refined, IProgress<PrefetchProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        if (!Enum.IsDefined(upTo))
            throw new ArgumentOutOfRangeException(nameof(upTo), upTo, "Unknown stage.");
        using var use = new ActiveSearch(this);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
        try
        {
            return await EngineActivities.RunAsync(EngineActivities.Prefetch, Name, async activity =>
            {
                var prefetch = new Prefetch(_segments, progress);
                PrefetchReport report = await prefetch.RunAsync(upTo, ended.Token).ConfigureAwait(false);
                activity?.SetTag(TelemetryNames.IndexVersion, Version)
                    .SetTag(TelemetryNames.SearchStage, TelemetryNames.Of(upTo))
                    .SetTag(TelemetryNames.StoreRequests, prefetch.Requests)
                    .SetTag("vectorengine.prefetch.loaded", report.BytesLoaded)
                    .SetTag("vectorengine.prefetch.left", report.BytesLeft);
                return report;
            }).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new ObjectDisposedException(nameof(VectorIndex));
        }
    }

    /// <summary>
    /// Searches for sample queries and throws the answers away: what they read is in memory then, connections are open and code is
    /// compiled. To be called before the first user asks, such as by <see cref="WatcherOptions.WarmUp"/>.
    /// </summary>
    /// <param name="queries">Queries like those to come; some dozens also bring the code to its final speed.</param>
    /// <param name="k">Number of hits wanted for each, from 1.</param>
    /// <param name="options">How to search; null for the defaults.</param>
    /// <param name="cancellationToken">Cancels the searches.</param>
    /// <inheritdoc cref="Search(ReadOnlySpan{float}, int, SearchOptions?)"/>
    public Task WarmUpAsync(
        VectorMatrix queries, int k = 10, SearchOptions? options = null, CancellationToken cancellationToken = default)
    {
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = ParallelWarmUp, CancellationToken = cancellationToken };
        return Parallel.ForAsync(0, queries.Count, parallel, async (i, cancellation) =>
            await SearchAsync(queries[i], k, options, cancellation).ConfigureAwait(false));
    }

    /// <summary>
    /// Drops what was not used lately from memory until so many bytes are left, besides the roots and what is on its way. The memory comes
    /// back when the garbage collector runs; what searches need again is read again, from the cache on disk where there is one.
    /// </summary>
    /// <param name="targetBytes">Bytes to keep, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The target is negative.</exception>
    public void TrimMemory(long targetBytes = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(targetBytes);
        _segments.Budget.TrimTo(targetBytes);
    }
}

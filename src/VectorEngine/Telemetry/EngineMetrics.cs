using System.Diagnostics.Metrics;

namespace VectorEngine.Telemetry;

/// <summary>All instruments.</summary>
internal static class EngineMetrics
{
    private const string Seconds = "s", Bytes = "By", Requests = "{request}", Lookups = "{lookup}";

    private static readonly Meter Meter = new(TelemetryNames.Meter, typeof(EngineMetrics).Assembly.GetName().Version?.ToString(3));

    /// <summary>From answers out of memory to those of a store that is throttled, in seconds.</summary>
    private static readonly InstrumentAdvice<double> Durations = new()
    {
        HistogramBucketBoundaries = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    };

    public static readonly Histogram<double> SearchDuration = Meter.CreateHistogram(
        "vectorengine.search.duration", Seconds, "Time until a search, a batch of them, or a step of one had its answer.", null, Durations);

    public static readonly Counter<long> Queries = Meter.CreateCounter<long>(
        "vectorengine.search.queries", "{query}", "Queries that have their last answer.");

    public static readonly Counter<long> StoreRequests = Meter.CreateCounter<long>(
        "vectorengine.store.requests", Requests, "Reads that were asked of the store, with those that were repeated.");

    public static readonly Counter<long> StoreBytes = Meter.CreateCounter<long>(
        "vectorengine.store.io", Bytes, "Bytes that were asked of the store.");

    public static readonly Histogram<double> RequestDuration = Meter.CreateHistogram(
        "vectorengine.store.request.duration", Seconds, "Time until a read was answered or failed.", null, Durations);

    public static readonly Counter<long> Retries = Meter.CreateCounter<long>(
        "vectorengine.store.retries", Requests, "Requests that were repeated because they failed.");

    public static readonly Counter<long> Hedges = Meter.CreateCounter<long>(
        "vectorengine.store.hedges", Requests, "Reads that were made a second time because they were late.");

    public static readonly Counter<long> DiskLookups = Meter.CreateCounter<long>(
        "vectorengine.disk_cache.lookups", Lookups, "Ranges that were looked for in the cache on disk.");

    public static readonly Counter<long> PrefetchedBytes = Meter.CreateCounter<long>(
        "vectorengine.prefetch.io", Bytes, "Bytes that prefetching brought into memory or the cache on disk.");

    public static readonly Counter<long> Swaps = Meter.CreateCounter<long>(
        "vectorengine.watcher.swaps", "{version}", "Versions that a watcher put in the place of the one before.");

    public static readonly ObservableCounter<long> MemoryLookups = Meter.CreateObservableCounter(
        "vectorengine.memory.lookups", Telemetry.MemoryLookups.Measure, Lookups, "Ranges that were looked for in memory.");

    public static readonly ObservableUpDownCounter<long> MemoryUsage = Meter.CreateObservableUpDownCounter(
        "vectorengine.memory.usage", ResidentBytes.Measure, Bytes, "Bytes of open indexes in memory.");

    /// <summary>Counts a request to the store.</summary>
    public static void CountRequest(string layer, long bytes)
    {
        if ((StoreRequests.Enabled || StoreBytes.Enabled) && UnobservedThread.IsCurrent)
            return;
        StoreRequests.Add(1, new KeyValuePair<string, object?>(TelemetryNames.Layer, layer));
        StoreBytes.Add(bytes, new KeyValuePair<string, object?>(TelemetryNames.Layer, layer));
    }

    /// <summary>Records how long a request to the store took.</summary>
    /// <param name="layer">What it read.</param>
    /// <param name="duration">How long it took.</param>
    /// <param name="failure">Why it failed; null if it did not.</param>
    public static void RecordRequest(string layer, TimeSpan duration, Exception? failure)
    {
        if (!RequestDuration.Enabled || UnobservedThread.IsCurrent)
            return;
        var layerTag = new KeyValuePair<string, object?>(TelemetryNames.Layer, layer);
        if (failure is null)
            RequestDuration.Record(duration.TotalSeconds, layerTag);
        else
            RequestDuration.Record(duration.TotalSeconds, layerTag, new(TelemetryNames.ErrorType, TelemetryNames.Of(failure)));
    }

    /// <summary>Counts a look into the cache on disk.</summary>
    public static void CountDiskLookup(bool isHit) =>
        DiskLookups.Add(1, new KeyValuePair<string, object?>(TelemetryNames.LookupResult, isHit ? "hit" : "miss"));
}

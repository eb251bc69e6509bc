using System.Diagnostics;

namespace VectorEngine.Telemetry;

/// <summary>What is measured of one call that searches; to be made only while somebody listens, and disposed.</summary>
internal sealed class SearchObservation : IDisposable
{
    public const string Single = "single", Batch = "batch", Progressive = "progressive", Range = "range", Example = "example";

    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly string _index, _kind;
    private readonly Activity? _activity;

    private SearchObservation(string index, long version, string kind, int? k)
    {
        (_index, _kind) = (index, kind);
        _activity = EngineActivities.Start(EngineActivities.Search, index);
        _activity?.SetTag(TelemetryNames.IndexVersion, version).SetTag(TelemetryNames.SearchKind, kind).SetTag("vectorengine.search.k", k);
    }

    /// <summary>Begins to measure; null if nobody listens.</summary>
    /// <param name="index">The index's name.</param>
    /// <param name="version">Its version.</param>
    /// <param name="kind">What kind of search it is.</param>
    /// <param name="k">Number of hits wanted; null within a radius.</param>
    public static SearchObservation? Start(string index, long version, string kind, int? k) =>
        IsWanted ? new SearchObservation(index, version, kind, k) : null;

    /// <summary>Whether anybody listens.</summary>
    public static bool IsWanted =>
        ((EngineMetrics.SearchDuration.Enabled || EngineMetrics.Queries.Enabled) && !UnobservedThread.IsCurrent)
        || EngineActivities.IsObserved;

    /// <summary>An answer is there; of a progressive search, not necessarily the last.</summary>
    public void Answer(SearchStage stage, in SearchReceipt receipt)
    {
        EngineMetrics.SearchDuration.Record(
            Stopwatch.GetElapsedTime(_start).TotalSeconds, new(TelemetryNames.IndexName, _index), new(TelemetryNames.SearchKind, _kind),
            new(TelemetryNames.SearchStage, TelemetryNames.Of(stage)));
        _activity?.SetTag(TelemetryNames.SearchStage, TelemetryNames.Of(stage))
            .SetTag("vectorengine.search.lists", receipt.ListsProbed)
            .SetTag("vectorengine.search.rounds", receipt.Rounds)
            .SetTag(TelemetryNames.StoreRequests, receipt.Requests)
            .SetTag(TelemetryNames.StoreBytes, receipt.BytesRead);
    }

    /// <summary>So many queries have their last answer.</summary>
    public void Complete(int queries)
    {
        EngineMetrics.Queries.Add(queries, new(TelemetryNames.IndexName, _index), new(TelemetryNames.SearchKind, _kind));
        if (_kind == Batch)
            _activity?.SetTag("vectorengine.search.queries", queries);
    }

    /// <summary>The search failed.</summary>
    public void Fail(Exception failure)
    {
        EngineMetrics.SearchDuration.Record(
            Stopwatch.GetElapsedTime(_start).TotalSeconds, new(TelemetryNames.IndexName, _index), new(TelemetryNames.SearchKind, _kind),
            new(TelemetryNames.ErrorType, TelemetryNames.Of(failure)));
        _activity?.Fail(failure);
    }

    public void Dispose() => _activity?.Dispose();
}

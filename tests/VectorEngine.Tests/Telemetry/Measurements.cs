using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using VectorEngine.Telemetry;

namespace VectorEngine.Tests.Telemetry;

/// <summary>Everything that the engine measures while this is not disposed, of whichever test.</summary>
internal sealed class Measurements : IDisposable
{
    private readonly MeterListener _meters = new();
    private readonly ActivityListener _sources;
    private readonly ConcurrentQueue<Measured> _measured = [];
    private readonly ConcurrentDictionary<string, string?> _units = [];

    public Measurements()
    {
        _meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name != TelemetryNames.Meter)
                return;
            _units[instrument.Name] = instrument.Unit;
            listener.EnableMeasurementEvents(instrument);
        };
        _meters.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _meters.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        _meters.Start();
        _sources = new ActivityListener
        {
            ShouldListenTo = source => source.Name == TelemetryNames.ActivitySource,
            Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = Activities.Enqueue,
        };
        ActivitySource.AddActivityListener(_sources);
    }

    /// <summary>The activities that have ended.</summary>
    public ConcurrentQueue<Activity> Activities { get; } = [];

    /// <summary>The instruments, with their units.</summary>
    public IReadOnlyDictionary<string, string?> Units => _units;

    /// <summary>What an instrument has measured, with such values of its attributes.</summary>
    public double[] Of(string instrument, params (string Name, string Value)[] tags) =>
        [.. _measured.Where(measured => measured.Instrument == instrument && Array.TrueForAll(
            tags, tag => measured.Tags.Contains(new KeyValuePair<string, object?>(tag.Name, tag.Value)))).Select(measured => measured.Value)];

    public double Sum(string instrument, params (string Name, string Value)[] tags) => Of(instrument, tags).Sum();

    /// <summary>What observable instruments say now.</summary>
    public double Now(string instrument, params (string Name, string Value)[] tags)
    {
        int before = Of(instrument, tags).Length;
        _meters.RecordObservableInstruments();
        return Of(instrument, tags)[before..].Sum();
    }

    public void Clear()
    {
        _measured.Clear();
        Activities.Clear();
    }

    public void Dispose()
    {
        _meters.Dispose();
        _sources.Dispose();
    }

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        _measured.Enqueue(new Measured(instrument.Name, value, tags.ToArray()));

    private sealed record Measured(string Instrument, double Value, KeyValuePair<string, object?>[] Tags);
}

using System.Diagnostics.Metrics;

namespace VectorEngine.Telemetry;

/// <summary>Bytes of one open index in memory, by what they are of; all together they are what is measured. Safe for concurrent use.</summary>
internal sealed class ResidentBytes : IDisposable
{
    private static readonly Lock Changing = new();

    // Weak, so that an index that was never disposed goes, too.
    private static readonly List<WeakReference<ResidentBytes>> Open = [];
    private static readonly LayerKind[] Kinds = Enum.GetValues<LayerKind>();

    private readonly long[] _bytes = new long[Kinds.Length];

    public ResidentBytes()
    {
        if (UnobservedThread.IsCurrent)
            return;
        lock (Changing)
        {
            Open.RemoveAll(static open => !open.TryGetTarget(out _));
            Open.Add(new WeakReference<ResidentBytes>(this));
        }
    }

    /// <summary>Bytes of a kind.</summary>
    public long this[LayerKind kind] => Volatile.Read(ref _bytes[(int)kind]);

    /// <summary>Adds bytes, or takes some away.</summary>
    public void Add(LayerKind kind, long bytes) => Interlocked.Add(ref _bytes[(int)kind], bytes);

    /// <summary>The bytes of all that are open.</summary>
    public static IEnumerable<Measurement<long>> Measure()
    {
        ResidentBytes[] all;
        lock (Changing)
            all = [.. Open.Select(open => open.TryGetTarget(out ResidentBytes? bytes) ? bytes : null).OfType<ResidentBytes>()];
        return [.. Kinds.Select(kind => new Measurement<long>(
            all.Sum(open => open[kind]), new KeyValuePair<string, object?>(TelemetryNames.Layer, TelemetryNames.Of(kind))))];
    }

    /// <summary>Counts no longer.</summary>
    public void Dispose()
    {
        lock (Changing)
            Open.RemoveAll(open => !open.TryGetTarget(out ResidentBytes? bytes) || bytes == this);
    }
}

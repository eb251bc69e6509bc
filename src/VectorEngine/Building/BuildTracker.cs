using System.Diagnostics;

namespace VectorEngine.Building;

/// <summary>Reports how far a build has come. Safe for concurrent use.</summary>
internal sealed class BuildTracker(IProgress<BuildProgress>? progress)
{
    private readonly Lock _reporting = new();
    private BuildPhase _phase;
    private long? _total;
    private long _done, _started;
    private double _fraction;

    /// <summary>Begins a phase.</summary>
    /// <param name="phase">The phase.</param>
    /// <param name="total">Vectors that it goes through; null if unknown, or if it does not go through vectors.</param>
    public void Start(BuildPhase phase, long? total = null)
    {
        lock (_reporting)
        {
            (_phase, _total, _done, _started, _fraction) = (phase, total, 0, Stopwatch.GetTimestamp(), 0);
            Report(0, null);
        }
    }

    /// <summary>Reports that more vectors are done.</summary>
    public void Advance(int vectors)
    {
        lock (_reporting)
        {
            _done += vectors;
            double seconds = Stopwatch.GetElapsedTime(_started).TotalSeconds;
            Report(_total is { } total ? Math.Min(1, _done / (double)total) : 0, _done / Math.Max(1e-9, seconds));
        }
    }

    /// <summary>Reports a fraction where there is nothing to count.</summary>
    public void AdvanceTo(double fraction)
    {
        lock (_reporting)
            Report(fraction, null);
    }

    private void Report(double fraction, double? rate)
    {
        // Threads report in any order.
        _fraction = Math.Max(_fraction, fraction);
        TimeSpan elapsed = Stopwatch.GetElapsedTime(_started);
        progress?.Report(new BuildProgress(_phase, _fraction, rate, _fraction > 0 ? elapsed * ((1 - _fraction) / _fraction) : null));
    }
}

using System.Diagnostics;

namespace VectorEngine.AnnBench;

/// <summary>How long each phase of a build takes.</summary>
internal sealed class PhaseClock : IProgress<BuildProgress>
{
    private readonly long[] _starts = new long[Enum.GetValues<BuildPhase>().Length];
    private readonly long _start = Stopwatch.GetTimestamp();

    /// <summary>Seconds since the start.</summary>
    public double Total => Stopwatch.GetElapsedTime(_start).TotalSeconds;

    /// <summary>Seconds of each phase that there was.</summary>
    public Dictionary<BuildPhase, double> Seconds
    {
        get
        {
            BuildPhase[] met = [.. Enum.GetValues<BuildPhase>().Where(phase => _starts[(int)phase] > 0)];
            long[] ends = [.. met.Skip(1).Select(phase => _starts[(int)phase]), Stopwatch.GetTimestamp()];
            return met.Select((phase, i) => (phase, Stopwatch.GetElapsedTime(_starts[(int)phase], ends[i]).TotalSeconds)).ToDictionary();
        }
    }

    public void Report(BuildProgress value)
    {
        if (_starts[(int)value.Phase] == 0)
            _starts[(int)value.Phase] = Stopwatch.GetTimestamp();
    }
}

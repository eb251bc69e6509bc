using System.Diagnostics;

namespace VectorEngine.Fuzz.Kill;

/// <summary>When a build is killed.</summary>
/// <param name="Phase">The phase whose beginning is waited for; null for the build's.</param>
/// <param name="Delay">How long after that.</param>
internal sealed record KillMoment(string? Phase, TimeSpan Delay)
{
    /// <summary>What a timer can be late.</summary>
    private static readonly TimeSpan TimerUnit = TimeSpan.FromMilliseconds(20);

    /// <summary>Waits from the beginning on; the last milliseconds, which may be all there are, without a timer.</summary>
    /// <param name="ended">The end of the build, which is not waited for any longer.</param>
    public async Task WaitAsync(Task ended)
    {
        long start = Stopwatch.GetTimestamp();
        if (Delay > TimerUnit)
            await Task.WhenAny(ended, Task.Delay(Delay - TimerUnit));
        else
            await Task.Yield();
        while (!ended.IsCompleted && Stopwatch.GetElapsedTime(start) < Delay)
            Thread.SpinWait(20);
    }

    public override string ToString() => $"{Delay.TotalMilliseconds:f1} ms after {Phase ?? "its start"}";
}

/// <summary>How a build went, as its parent sees it.</summary>
internal sealed class BuildRun(string firstPhase)
{
    private readonly Dictionary<string, TimeSpan> _lengths = [];
    private readonly long _start = Stopwatch.GetTimestamp();
    private long _entered = Stopwatch.GetTimestamp();

    /// <summary>The phase that it was last in.</summary>
    public string Phase { get; private set; } = firstPhase;

    /// <summary>The time from its start to its last change of phase.</summary>
    public TimeSpan Length { get; private set; }

    /// <summary>How long a phase took; nothing if it was not left.</summary>
    public TimeSpan LengthOf(string phase) => _lengths.GetValueOrDefault(phase);

    /// <summary>Notes that a phase begins.</summary>
    public void Enter(string phase)
    {
        _lengths[Phase] = LengthOf(Phase) + Stopwatch.GetElapsedTime(_entered);
        Length = Stopwatch.GetElapsedTime(_start);
        (Phase, _entered) = (phase, Stopwatch.GetTimestamp());
    }
}

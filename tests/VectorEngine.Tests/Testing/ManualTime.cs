namespace VectorEngine.Tests.Testing;

/// <summary>A clock that stands still until it is moved, and then lets timers fire on the way, each at its time.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<Timer> _timers = [];
    private long _now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Volatile.Read(ref _now);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, () => callback(state));
        lock (_lock)
            _timers.Add(timer);
        timer.Change(dueTime, period);
        return timer;
    }

    public void Advance(TimeSpan time)
    {
        long end = _now + time.Ticks;
        while (Due(end) is { } timer)
        {
            Volatile.Write(ref _now, Math.Max(_now, timer.DueAt));
            timer.DueAt = long.MaxValue;
            timer.Callback();
        }
        Volatile.Write(ref _now, end);
    }

    private Timer? Due(long end)
    {
        lock (_lock)
            return _timers.Where(timer => timer.DueAt <= end).MinBy(timer => timer.DueAt);
    }

    private sealed class Timer(ManualTime time, Action callback) : ITimer
    {
        public Action Callback { get; } = callback;

        public long DueAt { get; set; } = long.MaxValue;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            DueAt = dueTime == Timeout.InfiniteTimeSpan ? long.MaxValue : time.GetTimestamp() + dueTime.Ticks;
            return true;
        }

        public void Dispose() => DueAt = long.MaxValue;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

using System.Numerics;

namespace VectorEngine.Loading;

/// <summary>
/// How long requests have taken lately, and from when on one of them is late: a second, identical request is then likely to be answered
/// before the first (Dean and Barroso, "The tail at scale", 2013).
/// </summary>
internal sealed class LatencyHistory
{
    private const int Remembered = 32, Enough = 16, SmallestClass = 14;

    /// <summary>A request is late when it takes so many times as long as the slowest but two of the last 32 of its size.</summary>
    private const double Lateness = 2;

    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(10), Unknown = TimeSpan.FromMilliseconds(500);

    private readonly Lock _changing = new();
    private readonly SizeClass[] _classes = new SizeClass[12];

    public LatencyHistory()
    {
        for (int i = 0; i < _classes.Length; i++)
            _classes[i] = new SizeClass();
    }

    /// <summary>Remembers an answer.</summary>
    public void Add(long bytes, TimeSpan duration)
    {
        lock (_changing)
            ClassOf(bytes).Add(duration);
    }

    /// <summary>From when on a request is late.</summary>
    public TimeSpan LateAfter(long bytes)
    {
        lock (_changing)
            return ClassOf(bytes).LateAfter;
    }

    private SizeClass ClassOf(long bytes) =>
        _classes[Math.Clamp(BitOperations.Log2((ulong)Math.Max(1, bytes)) - SmallestClass, 0, _classes.Length - 1)];

    private sealed class SizeClass
    {
        private readonly TimeSpan[] _recent = new TimeSpan[Remembered], _sorted = new TimeSpan[Remembered];
        private int _count;

        public TimeSpan LateAfter { get; private set; } = Unknown;

        public void Add(TimeSpan duration)
        {
            _recent[_count++ % Remembered] = duration;
            if (_count < Enough || _count % 4 != 0)
                return;
            int filled = Math.Min(_count, Remembered);
            _recent.AsSpan(0, filled).CopyTo(_sorted);
            Array.Sort(_sorted, 0, filled);
            TimeSpan slow = _sorted[filled - 3] * Lateness;
            LateAfter = slow > Least ? slow : Least;
        }
    }
}

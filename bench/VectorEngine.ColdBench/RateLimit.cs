using System.Diagnostics;

namespace VectorEngine.ColdBench;

/// <summary>A line on which bytes take time: what is sent while it is busy comes after what was sent before.</summary>
/// <param name="bytesPerSecond">How fast it is.</param>
internal sealed class RateLimit(double bytesPerSecond)
{
    private readonly Lock _changing = new();
    private long _free = Stopwatch.GetTimestamp();

    /// <summary>Takes the line for some bytes.</summary>
    /// <returns>When they have passed, as a timestamp.</returns>
    public long Take(int bytes)
    {
        long duration = (long)(bytes / bytesPerSecond * Stopwatch.Frequency);
        lock (_changing)
            return _free = Math.Max(_free, Stopwatch.GetTimestamp()) + duration;
    }
}

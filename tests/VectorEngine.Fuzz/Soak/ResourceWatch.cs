using System.Diagnostics;

namespace VectorEngine.Fuzz.Soak;

/// <summary>Looks at what the process takes, once a second: whether it takes more in the end than in the beginning.</summary>
internal sealed class ResourceWatch
{
    /// <summary>The beginning, in which code is compiled and caches fill, does not count.</summary>
    private const double WarmUp = 0.2, Window = 0.15;

    /// <summary>Before, the versions that are kept for a while are still becoming more.</summary>
    private const int SamplesToRest = 240;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly List<Sample> _samples = [];

    private readonly record struct Sample(long WorkingSet, long Heap, long Threads, long Handles, long Timers);

    /// <summary>Takes samples until it is stopped.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            using (var process = Process.GetCurrentProcess())
            {
                _samples.Add(new Sample(
                    process.WorkingSet64, GC.GetTotalMemory(forceFullCollection: false), process.Threads.Count, process.HandleCount,
                    Timer.ActiveCount));
            }

            await Task.Delay(Interval, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>
    /// Prints the medians of the beginning and of the end, and tells the tally what has grown, if there was time to come to rest.
    /// </summary>
    public void Judge(SoakTally tally)
    {
        int count = (int)Math.Max(1, _samples.Count * Window);
        List<Sample> first = _samples.GetRange((int)(_samples.Count * WarmUp), count);
        List<Sample> last = _samples.GetRange(_samples.Count - count, count);
        Compare("working set, MB", sample => sample.WorkingSet >> 20, 64);
        Compare("managed heap, MB", sample => sample.Heap >> 20, 48);
        Compare("threads", sample => sample.Threads, 16);
        Compare("handles", sample => sample.Handles, 32);
        Compare("timers", sample => sample.Timers, 64);

        void Compare(string what, Func<Sample, long> value, long slack)
        {
            long before = Median(first, value), after = Median(last, value);
            Console.WriteLine($"{what}: {before} in the beginning, {after} in the end, {_samples.Max(value)} at most");
            if (_samples.Count >= SamplesToRest && after > (before * 5 / 4) + slack)
                tally.Fail($"{what} grow from {before} to {after}");
        }
    }

    private static long Median(List<Sample> samples, Func<Sample, long> value)
    {
        long[] sorted = [.. samples.Select(value).Order()];
        return sorted[sorted.Length / 2];
    }
}

using System.Diagnostics.Metrics;

namespace VectorEngine.Telemetry;

/// <summary>
/// Counts what was looked for in memory, if somebody listens. A search looks for hundreds of lists, so each core counts for itself, and
/// the sums are made when they are asked for.
/// </summary>
internal static class MemoryLookups
{
    private const int Stripes = 64, StripeLength = 16, Misses = 8;

    private static readonly int Kinds = Enum.GetValues<LayerKind>().Length;
    private static readonly long[] Counts = new long[Stripes * StripeLength];

    /// <summary>Whether anybody wants to know.</summary>
    public static bool IsObserved => EngineMetrics.MemoryLookups.Enabled && !UnobservedThread.IsCurrent;

    /// <summary>Counts a range that was there.</summary>
    public static void CountHit(LayerKind kind) => Interlocked.Increment(ref Counts[Start + (int)kind]);

    /// <summary>Counts ranges that were not.</summary>
    public static void CountMisses(LayerKind kind, int count) => Interlocked.Add(ref Counts[Start + Misses + (int)kind], count);

    /// <summary>The sums so far.</summary>
    public static IEnumerable<Measurement<long>> Measure()
    {
        for (int kind = 0; kind < Kinds; kind++)
        {
            yield return Sum(kind, kind, "hit");
            yield return Sum(kind, Misses + kind, "miss");
        }
    }

    private static int Start => (Thread.GetCurrentProcessorId() & (Stripes - 1)) * StripeLength;

    private static Measurement<long> Sum(int kind, int place, string result)
    {
        long sum = 0;
        for (int i = place; i < Counts.Length; i += StripeLength)
            sum += Volatile.Read(ref Counts[i]);
        return new Measurement<long>(
            sum, new(TelemetryNames.Layer, TelemetryNames.Of((LayerKind)kind)), new(TelemetryNames.LookupResult, result));
    }
}

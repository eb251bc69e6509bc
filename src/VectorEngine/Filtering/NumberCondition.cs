using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using VectorEngine.Arrow;
using VectorEngine.Format;

namespace VectorEngine.Filtering;

/// <summary>A number lies in one of some intervals: what every comparison comes to.</summary>
/// <param name="column">The column.</param>
/// <param name="intervals">Both ends included; ascending and apart.</param>
/// <param name="negated">Select the values that lie in none.</param>
internal sealed class NumberCondition<T>(string column, (T Low, T High)[] intervals, bool negated) : BoundCondition(column)
    where T : unmanaged, INumber<T>
{
    /// <summary>Up to so many intervals are compared with all values, one after the other; more are searched per value.</summary>
    private const int MaxPasses = 4;

    protected override void Select(ArrowArray values, Span<uint> selected)
    {
        ReadOnlySpan<T> numbers = ((PrimitiveArray<T>)values).Values;
        selected.Clear();
        if (intervals.Length > MaxPasses)
        {
            for (int i = 0; i < numbers.Length; i++)
                selected[i >> 5] |= Contains(numbers[i]) ? 1u << (i & 31) : 0;
        }
        else
        {
            foreach ((T low, T high) in intervals)
                AddWithin(numbers, low, high, selected);
        }

        Finish(values, negated, selected);
    }

    protected override bool MayMatch(ZoneColumn zone, int list)
    {
        if (zone is not NumberZones numbers)
            return true;
        if (!negated)
            return Array.Exists(intervals, interval => numbers.Overlaps(list, interval.Low, interval.High));
        return zone.Present(list) > 0 && !Array.Exists(intervals, interval => numbers.IsWithin(list, interval.Low, interval.High));
    }

    /// <summary>Adds the values from low to high.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddWithin(ReadOnlySpan<T> values, T low, T high, Span<uint> selected)
    {
        int i = 0;
        if (Vector256<T>.IsSupported)
        {
            Vector256<T> lows = Vector256.Create(low), highs = Vector256.Create(high);
            for (; i + 32 <= values.Length; i += 32)
            {
                uint word = 0;
                for (int lane = 0; lane < 32; lane += Vector256<T>.Count)
                {
                    Vector256<T> value = Vector256.Create(values[(i + lane)..]);
                    Vector256<T> within = Vector256.GreaterThanOrEqual(value, lows) & Vector256.LessThanOrEqual(value, highs);
                    word |= within.ExtractMostSignificantBits() << lane;
                }

                selected[i >> 5] |= word;
            }
        }

        for (; i < values.Length; i++)
            selected[i >> 5] |= values[i] >= low && values[i] <= high ? 1u << (i & 31) : 0;
    }

    private bool Contains(T value)
    {
        int below = 0, end = intervals.Length;
        while (below < end)
        {
            int middle = (below + end) / 2;
            if (intervals[middle].High < value)
                below = middle + 1;
            else
                end = middle;
        }

        return below < intervals.Length && intervals[below].Low <= value && value <= intervals[below].High;
    }
}

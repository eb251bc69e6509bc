using System.Numerics;
using VectorEngine.Arrow;

namespace VectorEngine.Filtering;

/// <summary>
/// Comparisons with numbers and times as intervals of a column's own type, so that the loop over the values compares like with like, and exactly.
/// </summary>
internal static class Intervals
{
    /// <summary>The intervals of a condition on a column of integers.</summary>
    public static (T Low, T High)[] OfIntegers<T>(ColumnFilter filter) where T : IBinaryInteger<T>, IMinMaxValue<T> =>
        OfWhole<T>(filter, Floor, Ceiling);

    /// <summary>The intervals of a condition on a column of times, counted from 1970-01-01 00:00 UTC in a unit.</summary>
    public static (long Low, long High)[] OfTimes(ColumnFilter filter, ArrowTimeUnit unit)
    {
        return OfWhole<long>(filter, value => Count(value).Floor, value => Count(value).Ceiling);

        (Int128 Floor, Int128 Ceiling) Count(FilterValue value)
        {
            (long perSecond, Int128 ticks) = (PerSecond(unit), ((DateTimeOffset)value.Value!).UtcTicks - DateTimeOffset.UnixEpoch.Ticks);
            // Rounded towards zero first.
            (Int128 count, Int128 rest) = Int128.DivRem(ticks * perSecond, TimeSpan.TicksPerSecond);
            return (rest < 0 ? count - 1 : count, rest > 0 ? count + 1 : count);
        }
    }

    private static long PerSecond(ArrowTimeUnit unit) => unit switch
    {
        ArrowTimeUnit.Second => 1,
        ArrowTimeUnit.Millisecond => 1_000,
        ArrowTimeUnit.Microsecond => 1_000_000,
        _ => 1_000_000_000,
    };

    /// <summary>The intervals of whole numbers, where values are brought to their scale by rounding down or up.</summary>
    private static (T Low, T High)[] OfWhole<T>(ColumnFilter filter, Func<FilterValue, Int128> floor, Func<FilterValue, Int128> ceiling)
        where T : IBinaryInteger<T>, IMinMaxValue<T>
    {
        Int128 least = Int128.CreateChecked(T.MinValue), most = Int128.CreateChecked(T.MaxValue);
        var found = new List<(T, T)>();
        foreach ((FilterValue low, bool aboveLow, FilterValue high, bool belowHigh) in Bounds(filter))
        {
            Int128 from = low.Value is null ? least : aboveLow ? floor(low) + 1 : ceiling(low);
            Int128 to = high.Value is null ? most : belowHigh ? ceiling(high) - 1 : floor(high);
            (from, to) = (Int128.Max(from, least), Int128.Min(to, most));
            if (from <= to && !IsNaN(low) && !IsNaN(high))
                found.Add((T.CreateChecked(from), T.CreateChecked(to)));
        }

        return Apart(found);
    }

    /// <summary>The intervals of a condition on a column of floats.</summary>
    public static (T Low, T High)[] OfFloats<T>(ColumnFilter filter) where T : IBinaryFloatingPointIeee754<T>, IMinMaxValue<T>
    {
        var found = new List<(T, T)>();
        foreach ((FilterValue low, bool aboveLow, FilterValue high, bool belowHigh) in Bounds(filter))
        {
            if (IsNaN(low) || IsNaN(high))
                continue;
            T from = low.Value is null ? T.NegativeInfinity : aboveLow ? T.BitIncrement(Below<T>(low)) : AtLeast<T>(low);
            T to = high.Value is null ? T.PositiveInfinity : belowHigh ? T.BitDecrement(AtLeast<T>(high)) : Below<T>(high);
            // Nothing is beyond infinity.
            bool empty = (aboveLow && low.Value is double.PositiveInfinity) || (belowHigh && high.Value is double.NegativeInfinity);
            if (!empty && from <= to)
                found.Add((from, to));
        }

        return Apart(found);
    }

    /// <summary>What a condition asks for as bounds, each inclusive or not; a default value where there is none.</summary>
    private static IEnumerable<(FilterValue Low, bool AboveLow, FilterValue High, bool BelowHigh)> Bounds(ColumnFilter filter)
    {
        FilterValue[] values = filter.Values.ToArray();
        return filter.Comparison switch
        {
            Comparison.Less => [(default, false, values[0], true)],
            Comparison.LessOrEqual => [(default, false, values[0], false)],
            Comparison.Greater => [(values[0], true, default, false)],
            Comparison.GreaterOrEqual => [(values[0], false, default, false)],
            Comparison.Between => [(values[0], false, values[1], false)],
            _ => values.Select(value => (value, false, value, false)),
        };
    }

    private static bool IsNaN(FilterValue value) => value.Value is double.NaN;

    private static Int128 Floor(FilterValue value) => value.Value is double number ? Whole(Math.Floor(number)) : Integer(value);

    private static Int128 Ceiling(FilterValue value) => value.Value is double number ? Whole(Math.Ceiling(number)) : Integer(value);

    private static Int128 Whole(double value) => (Int128)Math.Clamp(double.IsNaN(value) ? 0 : value, -1e30, 1e30);

    private static Int128 Integer(FilterValue value) => value.Value is ulong large ? large : (long)value.Value!;

    /// <summary>The greatest float that is at most the value.</summary>
    private static T Below<T>(FilterValue value) where T : IBinaryFloatingPointIeee754<T>
    {
        T nearest = value.Value is double number ? T.CreateChecked(number) : T.CreateChecked(Integer(value));
        return Compare(nearest, value) > 0 ? T.BitDecrement(nearest) : nearest;
    }

    /// <summary>The least float that is at least the value.</summary>
    private static T AtLeast<T>(FilterValue value) where T : IBinaryFloatingPointIeee754<T>
    {
        T below = Below<T>(value);
        return Compare(below, value) < 0 ? T.BitIncrement(below) : below;
    }

    /// <summary>Compares a float with a value exactly.</summary>
    private static int Compare<T>(T number, FilterValue value) where T : IBinaryFloatingPointIeee754<T>
    {
        double wide = double.CreateChecked(number);
        if (value.Value is double other)
            return wide.CompareTo(other);
        // Integers have at most 64 bits: beyond them only the sign counts.
        if (Math.Abs(wide) >= 1e30)
            return Math.Sign(wide);
        int whole = ((Int128)Math.Floor(wide)).CompareTo(Integer(value));
        return whole != 0 ? whole : wide > Math.Floor(wide) ? 1 : 0;
    }

    /// <summary>The same intervals in ascending order, those that overlap made one.</summary>
    private static (T Low, T High)[] Apart<T>(List<(T Low, T High)> intervals) where T : INumber<T>
    {
        intervals.Sort((x, y) => x.Low.CompareTo(y.Low));
        var apart = new List<(T Low, T High)>();
        foreach ((T low, T high) in intervals)
        {
            if (apart.Count != 0 && low <= apart[^1].High)
                apart[^1] = (apart[^1].Low, T.Max(apart[^1].High, high));
            else
                apart.Add((low, high));
        }

        return [.. apart];
    }
}

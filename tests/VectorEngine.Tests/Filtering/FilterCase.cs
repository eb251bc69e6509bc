using System.Numerics;
using FsCheck;
using FsCheck.Fluent;
using VectorEngine.Arrow;

namespace VectorEngine.Tests.Filtering;

/// <summary>A table of every type with missing values, and filters over it with what they mean, row by row.</summary>
internal sealed class FilterCase
{
    private static readonly string[] Texts = ["", "a", "ä", "abc", "äöü", "日本", "日本語", "\U0001F600", "z", "A"];

    private readonly Random _random;
    private readonly Dictionary<string, object?[]> _values = [];

    public FilterCase(int seed)
    {
        _random = new Random(seed);
        Count = _random.Next(1, 200);
        Add("byte", _ => (byte)_random.Next(6), ArrowArray.From<byte>);
        Add("short", _ => (short)(_random.Next(2) == 0 ? _random.Next(-3, 4) : short.MaxValue), ArrowArray.From<short>);
        Add("int", _ => _random.Next(5) == 0 ? int.MinValue : _random.Next(-3, 4), ArrowArray.From<int>);
        Add("long", _ => _random.Next(5) == 0 ? long.MaxValue - _random.Next(2) : _random.Next(-3, 4), ArrowArray.From<long>);
        Add("ulong", _ => _random.Next(3) == 0 ? ulong.MaxValue - (ulong)_random.Next(2) : (ulong)_random.Next(4), ArrowArray.From<ulong>);
        Add("half", _ => (Half)Number(), ArrowArray.From<Half>);
        Add("float", _ => (float)Number(), ArrowArray.From<float>);
        Add("double", _ => Number(), ArrowArray.From<double>);
        Add("bool", _ => _random.Next(2) == 0, values => ArrowArray.From(values));
        string?[] texts = new string?[Count];
        for (int i = 0; i < Count; i++)
            texts[i] = IsMissing() ? null : Texts[_random.Next(Texts.Length)];
        _values["text"] = texts;
        Columns.Add(("text", ArrowArray.From(texts, large: _random.Next(2) == 0)));
        AddTimes();
    }

    public int Count { get; }

    public List<(string Name, ArrowArray Values)> Columns { get; } = [];

    public RecordBatch Table => new([.. Columns]);

    public static void ForAll(Action<FilterCase> check, int cases = 300) =>
        Prop.ForAll(Gen.Choose(0, 1 << 30).ToArbitrary(), seed => check(new FilterCase(seed)))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(cases));

    /// <summary>A filter, and whether it is true, false or open for a row.</summary>
    public (Filter Filter, Func<int, bool?> Means) Next(int depth = 3)
    {
        switch (depth == 0 ? 9 : _random.Next(7))
        {
            case 0:
                (Filter inner, Func<int, bool?> meaning) = Next(depth - 1);
                return (!inner, row => !meaning(row));
            case 1:
                (Filter left, Func<int, bool?> leftMeans) = Next(depth - 1);
                (Filter right, Func<int, bool?> rightMeans) = Next(depth - 1);
                return (left & right, row => leftMeans(row) & rightMeans(row));
            case 2:
                (Filter first, Func<int, bool?> firstMeans) = Next(depth - 1);
                (Filter second, Func<int, bool?> secondMeans) = Next(depth - 1);
                return (first | second, row => firstMeans(row) | secondMeans(row));
            case 3:
                bool[] rows = new bool[Count];
                for (int i = 0; i < Count; i++)
                    rows[i] = _random.Next(2) == 0;
                return (RowSet.FromBooleans(rows), row => rows[row]);
            default:
                return Condition();
        }
    }

    private (Filter Filter, Func<int, bool?> Means) Condition()
    {
        (string name, _) = Columns[_random.Next(Columns.Count)];
        object?[] values = _values[name];
        FilterColumn column = Filter.Column(name);
        if (_random.Next(8) == 0)
            return _random.Next(2) == 0
                ? (column.IsNull(), row => values[row] is null)
                : (column.IsNotNull(), row => values[row] is not null);
        if (name == "text")
            return TextCondition(column, values);
        if (name == "time")
            return TimeCondition(column, values);
        if (name == "bool")
        {
            bool wanted = _random.Next(2) == 0;
            return (column.EqualTo(wanted), row => values[row] is bool value ? value == wanted : null);
        }

        (FilterValue low, object lowValue) = Operand();
        (FilterValue high, object highValue) = Operand();
        (Filter filter, Func<object, bool> holds) = _random.Next(8) switch
        {
            0 => (column.EqualTo(low), v => Order(v, lowValue) == 0),
            1 => (column.NotEqualTo(low), v => Order(v, lowValue) != 0),
            2 => (column.LessThan(low), v => Order(v, lowValue) < 0),
            3 => (column.LessThanOrEqual(low), v => Order(v, lowValue) <= 0),
            4 => (column.GreaterThan(low), v => Order(v, lowValue) > 0),
            5 => (column.GreaterThanOrEqual(low), v => Order(v, lowValue) >= 0),
            6 => (column.Between(low, high), v => Order(v, lowValue) >= 0 && Order(v, highValue) <= 0),
            _ => Many(column),
        };
        return (filter, row => values[row] is { } value ? holds(value) : null);
    }

    private (Filter Filter, Func<object, bool> Holds) Many(FilterColumn column)
    {
        (FilterValue Value, object Plain)[] operands = [.. Enumerable.Range(0, _random.Next(9)).Select(_ => Operand())];
        FilterValue[] given = [.. operands.Select(operand => operand.Value)];
        return (column.In(given), v => operands.Any(operand => Order(v, operand.Plain) == 0));
    }

    private (Filter Filter, Func<int, bool?> Means) TextCondition(FilterColumn column, object?[] values)
    {
        string[] wanted = [.. Enumerable.Range(0, _random.Next(4)).Select(_ => Texts[_random.Next(Texts.Length)])];
        string text = Texts[_random.Next(Texts.Length)];
        (Filter filter, Func<string, bool> holds) = _random.Next(4) switch
        {
            0 => (column.EqualTo(text), v => v == text),
            1 => (column.NotEqualTo(text), v => v != text),
            2 => (column.StartsWith(text), v => v.StartsWith(text, StringComparison.Ordinal)),
            _ => (column.In([.. wanted.Select(one => (FilterValue)one)]), (Func<string, bool>)(v => wanted.Contains(v))),
        };
        return (filter, row => values[row] is string value ? holds(value) : null);
    }

    /// <summary>Times are compared by their nanoseconds, which have no bounds.</summary>
    private (Filter Filter, Func<int, bool?> Means) TimeCondition(FilterColumn column, object?[] values)
    {
        (DateTimeOffset low, DateTimeOffset high) = (Time(), Time());
        BigInteger from = Nanoseconds(low), to = Nanoseconds(high);
        (Filter filter, Func<BigInteger, bool> holds) = _random.Next(7) switch
        {
            0 => (column.EqualTo(low), (Func<BigInteger, bool>)(v => v == from)),
            1 => (column.LessThan(low), v => v < from),
            2 => (column.LessThanOrEqual(low), v => v <= from),
            3 => (column.GreaterThan(low), v => v > from),
            4 => (column.GreaterThanOrEqual(low), v => v >= from),
            5 => (column.Between(low, high), v => v >= from && v <= to),
            _ => (column.In(low, high), v => v == from || v == to),
        };
        return (filter, row => values[row] is BigInteger value ? holds(value) : null);
    }

    /// <summary>Near the epoch, at the ends of what a 64-bit count of nanoseconds reaches, and at the ends of time; anywhere on earth.</summary>
    private DateTimeOffset Time()
    {
        long ticks = _random.Next(5) switch
        {
            0 => _random.Next(2) == 0 ? DateTime.MinValue.Ticks + _random.Next(3) : DateTime.MaxValue.Ticks - _random.Next(3),
            1 => DateTime.UnixEpoch.Ticks + ((_random.Next(2) == 0 ? long.MinValue : long.MaxValue) / 100) + _random.Next(-2, 3),
            2 => DateTime.UnixEpoch.Ticks + _random.Next(-3, 4),
            _ => DateTime.UnixEpoch.Ticks + (_random.Next(-3, 4) * TimeSpan.TicksPerSecond),
        };
        var utc = new DateTimeOffset(ticks, TimeSpan.Zero);
        bool isAtEnd = Math.Abs(ticks - (DateTime.MaxValue.Ticks / 2)) > (DateTime.MaxValue.Ticks / 2) - TimeSpan.TicksPerDay;
        return isAtEnd ? utc : utc.ToOffset(TimeSpan.FromHours(_random.Next(-12, 15)));
    }

    private static BigInteger Nanoseconds(DateTimeOffset time) => 100 * (BigInteger)(time.UtcTicks - DateTime.UnixEpoch.Ticks);

    private void AddTimes()
    {
        var unit = (ArrowTimeUnit)_random.Next(4);
        long perSecond = (long)Math.Pow(10, 3 * (int)unit);
        long?[] counts = new long?[Count];
        for (int i = 0; i < Count; i++)
        {
            counts[i] = _random.Next(5) switch
            {
                _ when IsMissing() => null,
                0 => _random.Next(2) == 0 ? long.MinValue + _random.Next(100) : long.MaxValue - _random.Next(100),
                1 => _random.Next(-3, 4),
                2 => (long)BigInteger.Clamp(Nanoseconds(Time()) * perSecond / 1_000_000_000, long.MinValue, long.MaxValue),
                _ => _random.Next(-3, 4) * perSecond,
            };
        }

        _values["time"] = [.. counts.Select(count => count is { } value ? (object)((BigInteger)value * (1_000_000_000 / perSecond)) : null)];
        Columns.Add(("time", ArrowArray.Timestamps(counts, unit, _random.Next(2) == 0 ? "America/New_York" : null)));
    }

    private (FilterValue Value, object Plain) Operand()
    {
        switch (_random.Next(4))
        {
            case 0:
                long integer = _random.Next(4) == 0 ? long.MaxValue - _random.Next(2) : _random.Next(-4, 5);
                return (integer, integer);
            case 1:
                ulong large = ulong.MaxValue - (ulong)_random.Next(2);
                return (large, large);
            default:
                double number = Number();
                return (number, number);
        }
    }

    private double Number() => _random.Next(12) switch
    {
        0 => double.NaN,
        1 => double.PositiveInfinity,
        2 => double.NegativeInfinity,
        3 => -0.0,
        4 => 0.1,
        5 => 1e300,
        6 => 9.2233720368547758e18,
        _ => _random.Next(-6, 7) / 2.0,
    };

    /// <summary>The order of two numbers of any types by exact value; null where one is NaN.</summary>
    private static int? Order(object x, object y)
    {
        (decimal? exactX, double wideX) = Exact(x);
        (decimal? exactY, double wideY) = Exact(y);
        if (double.IsNaN(wideX) || double.IsNaN(wideY))
            return null;
        return exactX is { } a && exactY is { } b ? a.CompareTo(b) : wideX.CompareTo(wideY);
    }

    /// <summary>Exact where a decimal can hold it, which is every integer of 64 bits and the fractions drawn here.</summary>
    private static (decimal? Exact, double Wide) Exact(object value)
    {
        double wide = value switch
        {
            Half half => (double)half,
            float single => single,
            double number => number,
            ulong large => large,
            _ => Convert.ToInt64(value),
        };
        if (value is not (Half or float or double))
            return (Convert.ToDecimal(value), wide);
        return Math.Abs(wide) < 1e25 ? (ExactDecimal(wide), wide) : (null, wide);
    }

    private static decimal ExactDecimal(double value)
    {
        // Whole numbers exactly; fractions here have few digits, but the nearest floats to 0.1 differ from each other in the 17th.
        double whole = Math.Floor(value);
        return (decimal)(Int128)whole + decimal.Parse((value - whole).ToString("F25"), System.Globalization.CultureInfo.InvariantCulture);
    }

    private bool IsMissing() => _random.Next(5) == 0;

    private void Add<T>(string name, Func<int, T> draw, Func<T?[], ArrowArray> make) where T : struct
    {
        var values = new T?[Count];
        for (int i = 0; i < Count; i++)
            values[i] = IsMissing() ? null : draw(i);
        _values[name] = [.. values.Select(value => (object?)value)];
        Columns.Add((name, make(values)));
    }
}

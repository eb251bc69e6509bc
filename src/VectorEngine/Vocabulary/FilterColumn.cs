namespace VectorEngine;

/// <summary>A column of the metadata, about to be compared; a search refuses the result if the column has another type.</summary>
/// <remarks>
/// Any number compares with any column of numbers by its exact value, whatever the types of both: <c>LessThan(10.5)</c> on a column of
/// integers selects those up to 10. A time compares with a column of timestamps as an instant, exactly and whatever the unit; timestamps
/// that have no time zone are taken to be in UTC.
/// </remarks>
public readonly struct FilterColumn
{
    private readonly string _name;

    internal FilterColumn(string name) => _name = name;

    /// <summary>The value is equal to <paramref name="value"/>: a number, a time, text (ordinal), true or false.</summary>
    /// <param name="value">What to compare with.</param>
    public Filter EqualTo(FilterValue value) => new ColumnFilter(_name, Comparison.In, value);

    /// <summary>The value is there, and not equal to <paramref name="value"/>.</summary>
    /// <param name="value">What to compare with.</param>
    public Filter NotEqualTo(FilterValue value) => !EqualTo(value);

    /// <summary>The number or time is less than <paramref name="value"/>.</summary>
    /// <param name="value">What to compare with.</param>
    public Filter LessThan(FilterValue value) => new ColumnFilter(_name, Comparison.Less, value);

    /// <summary>The number or time is less than or equal to <paramref name="value"/>.</summary>
    /// <param name="value">What to compare with.</param>
    public Filter LessThanOrEqual(FilterValue value) => new ColumnFilter(_name, Comparison.LessOrEqual, value);

    /// <summary>The number or time is greater than <paramref name="value"/>.</summary>
    /// <param name="value">What to compare with.</param>
    public Filter GreaterThan(FilterValue value) => new ColumnFilter(_name, Comparison.Greater, value);

    /// <summary>The number or time is greater than or equal to <paramref name="value"/>.</summary>
    /// <param name="value">What to compare with.</param>
    public Filter GreaterThanOrEqual(FilterValue value) => new ColumnFilter(_name, Comparison.GreaterOrEqual, value);

    /// <summary>The number or time lies from <paramref name="low"/> to <paramref name="high"/>, both included.</summary>
    /// <param name="low">The least.</param>
    /// <param name="high">The greatest.</param>
    public Filter Between(FilterValue low, FilterValue high) => new ColumnFilter(_name, Comparison.Between, low, high);

    /// <summary>The value is equal to one of <paramref name="values"/>.</summary>
    /// <param name="values">What to compare with; none select nothing.</param>
    public Filter In(params ReadOnlySpan<FilterValue> values) => new ColumnFilter(_name, Comparison.In, values.ToArray());

    /// <summary>The text starts with <paramref name="prefix"/> (ordinal).</summary>
    /// <param name="prefix">The start; the empty one selects every text that is there.</param>
    public Filter StartsWith(string prefix) => new ColumnFilter(_name, Comparison.StartsWith, prefix);

    /// <summary>The value is missing; for columns of any type.</summary>
    public Filter IsNull() => new ColumnFilter(_name, Comparison.IsNull);

    /// <summary>The value is there; for columns of any type.</summary>
    public Filter IsNotNull() => !IsNull();
}

/// <summary>What a column is compared with: a number, text, true or false, or a time; made by conversion from the value itself.</summary>
public readonly struct FilterValue
{
    private FilterValue(object value) => Value = value;

    /// <summary>A <see cref="long"/>, <see cref="ulong"/>, <see cref="double"/>, <see cref="bool"/>, <see cref="string"/> or
    /// <see cref="DateTimeOffset"/>; null in a default value, which fits no column.</summary>
    internal object? Value { get; }

    /// <summary>An integer.</summary>
    /// <param name="value">The value.</param>
    public static implicit operator FilterValue(long value) => new(value);

    /// <summary>An integer.</summary>
    /// <param name="value">The value.</param>
    public static implicit operator FilterValue(uint value) => new((long)value);

    /// <summary>An integer.</summary>
    /// <param name="value">The value.</param>
    public static implicit operator FilterValue(ulong value) => new(value);

    /// <summary>A number.</summary>
    /// <param name="value">The value.</param>
    public static implicit operator FilterValue(double value) => new(value);

    /// <summary>True or false.</summary>
    /// <param name="value">The value.</param>
    public static implicit operator FilterValue(bool value) => new(value);

    /// <summary>Text.</summary>
    /// <param name="value">The value.</param>
    /// <exception cref="ArgumentNullException">It is null: ask <see cref="FilterColumn.IsNull"/> for missing values.</exception>
    public static implicit operator FilterValue(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return new(value);
    }

    /// <summary>A time.</summary>
    /// <param name="value">The value.</param>
    public static implicit operator FilterValue(DateTimeOffset value) => new(value);

    /// <summary>The value as text.</summary>
    public override string ToString() => Value?.ToString() ?? "";
}

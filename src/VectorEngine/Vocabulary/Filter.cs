namespace VectorEngine;

/// <summary>
/// Which rows of an index a search may return: a <see cref="RowSet"/>, a condition on a column of the metadata that starts with
/// <see cref="Column"/>, or either combined by <c>&amp;</c>, <c>|</c> and <c>!</c>. Immutable and safe for concurrent use.
/// </summary>
/// <remarks>
/// Missing values are treated as SQL does: a comparison with a missing value is neither true nor false, and neither is its negation, so
/// such a row is selected by <c>!Filter.Column("price").LessThan(10)</c> as little as without the <c>!</c>. Only
/// <see cref="FilterColumn.IsNull"/> selects it. NaN is present, but equal to, less than and greater than nothing.
/// An index evaluates a filter object over all rows when it first meets it, and remembers the outcome as long as the object is in use:
/// make a filter once and search with it often.
/// </remarks>
public abstract class Filter
{
    private protected Filter() { }

    /// <summary>Starts a condition on a column of the metadata.</summary>
    /// <param name="name">The column's name, case-sensitive.</param>
    public static FilterColumn Column(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return new FilterColumn(name);
    }

    /// <summary>The rows that both filters select.</summary>
    /// <param name="left">A filter.</param>
    /// <param name="right">Another.</param>
    public static Filter operator &(Filter left, Filter right) => new JunctionFilter(left, right, isAnd: true);

    /// <summary>The rows that at least one filter selects.</summary>
    /// <param name="left">A filter.</param>
    /// <param name="right">Another.</param>
    public static Filter operator |(Filter left, Filter right) => new JunctionFilter(left, right, isAnd: false);

    /// <summary>The rows for which a filter is false, which excludes those for which a missing value leaves it open.</summary>
    /// <param name="filter">A filter.</param>
    public static Filter operator !(Filter filter) => new NegatedFilter(filter);
}

/// <summary>Two filters joined by "and" or "or".</summary>
internal sealed class JunctionFilter : Filter
{
    public JunctionFilter(Filter left, Filter right, bool isAnd)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        (Left, Right, IsAnd) = (left, right, isAnd);
    }

    public Filter Left { get; }

    public Filter Right { get; }

    public bool IsAnd { get; }
}

/// <summary>A filter's opposite.</summary>
internal sealed class NegatedFilter : Filter
{
    public NegatedFilter(Filter inner)
    {
        ArgumentNullException.ThrowIfNull(inner);
        Inner = inner;
    }

    public Filter Inner { get; }
}

/// <summary>What a condition asks of a column's values.</summary>
internal enum Comparison
{
    /// <summary>Equal to one of the values.</summary>
    In,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,

    /// <summary>From the first value to the second, both included.</summary>
    Between,
    StartsWith,
    IsNull,
}

/// <summary>A condition on a column.</summary>
internal sealed class ColumnFilter(string name, Comparison comparison, params FilterValue[] values) : Filter
{
    /// <summary>The column's name.</summary>
    public string Name => name;

    public Comparison Comparison => comparison;

    public ReadOnlySpan<FilterValue> Values => values;
}

using System.Numerics;
using System.Text;
using VectorEngine.Arrow;

namespace VectorEngine.Filtering;

/// <summary>Checks a filter against an index before anything is read, and prepares it for the columns' types.</summary>
/// <param name="schema">The columns of the metadata; null if there is none.</param>
/// <param name="rows">Rows of the index.</param>
internal sealed class FilterBinder(ArrowSchema? schema, long rows)
{
    /// <summary>Binds a filter, or its negation.</summary>
    /// <exception cref="ArgumentException">
    /// A column does not exist or is of another type, or a set is over another number of rows.
    /// </exception>
    public BoundFilter Bind(Filter filter, bool negated = false) => filter switch
    {
        RowSet set => new BoundRows(CheckLength(set), negated),
        NegatedFilter not => Bind(not.Inner, !negated),
        JunctionFilter both => new BoundJunction(Bind(both.Left, negated), Bind(both.Right, negated), both.IsAnd != negated),
        ColumnFilter condition => BindCondition(condition, negated),
        _ => throw new ArgumentException($"A filter of type {filter.GetType()}.", nameof(filter)),
    };

    private RowSet CheckLength(RowSet set) => set.Length == rows
        ? set
        : throw new ArgumentException($"A set over {set.Length} rows, and an index of {rows}.", nameof(set));

    private BoundCondition BindCondition(ColumnFilter filter, bool negated)
    {
        int index = schema?.IndexOf(filter.Name) ?? -1;
        if (index < 0)
            throw new ArgumentException($"The index has no metadata column '{filter.Name}'.", nameof(filter));
        if (filter.Comparison == Comparison.IsNull)
            return new NullCondition(filter.Name, negated);
        ArrowType type = schema!.Fields[index].Type;
        return type.Kind switch
        {
            ArrowTypeKind.Int8 => Integers<sbyte>(filter, type, negated),
            ArrowTypeKind.Int16 => Integers<short>(filter, type, negated),
            ArrowTypeKind.Int32 => Integers<int>(filter, type, negated),
            ArrowTypeKind.Int64 => Integers<long>(filter, type, negated),
            ArrowTypeKind.UInt8 => Integers<byte>(filter, type, negated),
            ArrowTypeKind.UInt16 => Integers<ushort>(filter, type, negated),
            ArrowTypeKind.UInt32 => Integers<uint>(filter, type, negated),
            ArrowTypeKind.UInt64 => Integers<ulong>(filter, type, negated),
            ArrowTypeKind.Float16 => Floats<Half>(filter, type, negated),
            ArrowTypeKind.Float32 => Floats<float>(filter, type, negated),
            ArrowTypeKind.Float64 => Floats<double>(filter, type, negated),
            ArrowTypeKind.Bool => Booleans(filter, type, negated),
            ArrowTypeKind.Utf8 or ArrowTypeKind.LargeUtf8 => Texts(filter, type, negated),
            ArrowTypeKind.Timestamp => Times(filter, type, negated),
            _ => throw Mismatch(filter, type),
        };
    }

    private static NumberCondition<T> Integers<T>(ColumnFilter filter, ArrowType type, bool negated)
        where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T>
    {
        RequireNumbers(filter, type);
        return new NumberCondition<T>(filter.Name, Intervals.OfIntegers<T>(filter), negated);
    }

    private static NumberCondition<T> Floats<T>(ColumnFilter filter, ArrowType type, bool negated)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>, IMinMaxValue<T>
    {
        RequireNumbers(filter, type);
        return new NumberCondition<T>(filter.Name, Intervals.OfFloats<T>(filter), negated);
    }

    private static void RequireNumbers(ColumnFilter filter, ArrowType type)
    {
        foreach (FilterValue value in filter.Values)
        {
            if (value.Value is not (long or ulong or double))
                throw Mismatch(filter, type);
        }
    }

    private static NumberCondition<long> Times(ColumnFilter filter, ArrowType type, bool negated)
    {
        foreach (FilterValue value in filter.Values)
        {
            if (value.Value is not DateTimeOffset)
                throw Mismatch(filter, type);
        }

        return new NumberCondition<long>(filter.Name, Intervals.OfTimes(filter, type.Unit!.Value), negated);
    }

    private static BoolCondition Booleans(ColumnFilter filter, ArrowType type, bool negated)
    {
        bool wantsTrue = false, wantsFalse = false;
        foreach (FilterValue value in filter.Values)
        {
            if (filter.Comparison != Comparison.In || value.Value is not bool wanted)
                throw Mismatch(filter, type);
            wantsTrue |= wanted;
            wantsFalse |= !wanted;
        }

        return new BoolCondition(filter.Name, wantsTrue, wantsFalse, negated);
    }

    private static TextCondition Texts(ColumnFilter filter, ArrowType type, bool negated)
    {
        var texts = new List<byte[]>();
        foreach (FilterValue value in filter.Values)
        {
            if (filter.Comparison is not (Comparison.In or Comparison.StartsWith) || value.Value is not string text)
                throw Mismatch(filter, type);
            texts.Add(Encoding.UTF8.GetBytes(text));
        }

        texts.Sort(static (x, y) => x.AsSpan().SequenceCompareTo(y));
        return new TextCondition(filter.Name, [.. texts], filter.Comparison == Comparison.StartsWith, negated);
    }

    private static ArgumentException Mismatch(ColumnFilter filter, ArrowType type)
    {
        string values = string.Join(", ", filter.Values.ToArray().Select(value => $"'{value}'"));
        return new ArgumentException(
            $"Column '{filter.Name}' holds {type}, which '{filter.Comparison}' cannot compare with {values}.", nameof(filter));
    }
}

using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Numerics;

namespace VectorEngine.Filtering;

/// <summary>
/// A filter whose columns and values have been checked against a segment's metadata. Negations have moved down to the conditions
/// (De Morgan's laws hold with missing values, too), so one bit per row is enough: true, or else.
/// </summary>
internal abstract class BoundFilter
{
    /// <summary>Selects rows of a record batch.</summary>
    /// <param name="batch">The rows, with the columns that the filter asks for.</param>
    /// <param name="firstRow">The first row's number in the index.</param>
    /// <param name="selected">One bit per row; overwritten, zero behind the last row.</param>
    public abstract void Select(RecordBatch batch, long firstRow, Span<uint> selected);

    /// <summary>False if no row of a posting list can be selected, as far as its zones tell.</summary>
    public abstract bool MayMatch(ZoneMaps zones, int list);

    /// <summary>Adds the columns that are asked for.</summary>
    public virtual void AddColumns(ISet<string> columns) { }
}

/// <summary>Two filters joined.</summary>
internal sealed class BoundJunction(BoundFilter left, BoundFilter right, bool isAnd) : BoundFilter
{
    public override void Select(RecordBatch batch, long firstRow, Span<uint> selected)
    {
        left.Select(batch, firstRow, selected);
        uint[] other = new uint[selected.Length];
        right.Select(batch, firstRow, other);
        if (isAnd)
            BitWords.And(selected, other);
        else
            BitWords.Or(selected, other);
    }

    public override bool MayMatch(ZoneMaps zones, int list) => isAnd
        ? left.MayMatch(zones, list) && right.MayMatch(zones, list)
        : left.MayMatch(zones, list) || right.MayMatch(zones, list);

    public override void AddColumns(ISet<string> columns)
    {
        left.AddColumns(columns);
        right.AddColumns(columns);
    }
}

/// <summary>A set of rows as a part of a larger filter.</summary>
internal sealed class BoundRows(RowSet rows, bool negated) : BoundFilter
{
    public override void Select(RecordBatch batch, long firstRow, Span<uint> selected)
    {
        for (int i = 0; i < selected.Length; i++)
            selected[i] = BitWords.Read(rows.Words.Span, firstRow + (32L * i));
        if (negated)
            BitWords.Invert(selected, batch.RowCount);
        else
            BitWords.ClearBehind(selected, batch.RowCount);
    }

    public override bool MayMatch(ZoneMaps zones, int list) => true;
}

/// <summary>A condition on one column.</summary>
internal abstract class BoundCondition(string column) : BoundFilter
{
    public override void AddColumns(ISet<string> columns) => columns.Add(column);

    public override void Select(RecordBatch batch, long firstRow, Span<uint> selected) => Select(batch.Column(column), selected);

    public override bool MayMatch(ZoneMaps zones, int list) => zones[column] is not { } zone || MayMatch(zone, list);

    protected abstract void Select(ArrowArray values, Span<uint> selected);

    protected abstract bool MayMatch(ZoneColumn zone, int list);

    /// <summary>Turns which values match into which rows are selected: those that are there and match, or do not.</summary>
    protected static void Finish(ArrowArray values, bool negated, Span<uint> selected)
    {
        if (negated)
            BitWords.Invert(selected, values.Length);
        if (values.NullCount != 0)
            BitWords.AndBytes(selected, values.Validity.Bits.Span);
    }
}

/// <summary>The value is missing, or is not.</summary>
internal sealed class NullCondition(string column, bool negated) : BoundCondition(column)
{
    protected override void Select(ArrowArray values, Span<uint> selected)
    {
        BitWords.Fill(selected, values.Length);
        Finish(values, negated: false, selected);
        if (!negated)
            BitWords.Invert(selected, values.Length);
    }

    protected override bool MayMatch(ZoneColumn zone, int list) => negated ? zone.Present(list) > 0 : zone.Nulls(list) > 0;
}

/// <summary>True or false is among those wanted.</summary>
internal sealed class BoolCondition(string column, bool wantsTrue, bool wantsFalse, bool negated) : BoundCondition(column)
{
    protected override void Select(ArrowArray values, Span<uint> selected)
    {
        if (wantsTrue || wantsFalse)
            BitWords.Fill(selected, values.Length);
        else
            selected.Clear();
        if (wantsTrue != wantsFalse)
            BitWords.AndBytes(selected, ((BoolArray)values).Bits);
        if (wantsFalse && !wantsTrue)
            BitWords.Invert(selected, values.Length);
        Finish(values, negated, selected);
    }

    protected override bool MayMatch(ZoneColumn zone, int list) => zone is not NumberZones numbers
        || ((numbers.Overlaps<byte>(list, 1, 1) && wantsTrue != negated) || (numbers.Overlaps<byte>(list, 0, 0) && wantsFalse != negated));
}

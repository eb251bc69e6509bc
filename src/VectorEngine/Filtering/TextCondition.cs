using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Numerics;

namespace VectorEngine.Filtering;

/// <summary>A text is one of some, or starts with one, compared as UTF-8 bytes.</summary>
/// <param name="column">The column.</param>
/// <param name="texts">The texts in ascending order of their bytes.</param>
/// <param name="isPrefix">Whether the only text is a start; else the texts are whole.</param>
/// <param name="negated">Select the texts that are not.</param>
internal sealed class TextCondition(string column, byte[][] texts, bool isPrefix, bool negated) : BoundCondition(column)
{
    protected override void Select(ArrowArray values, Span<uint> selected)
    {
        var array = (Utf8Array)values;
        selected.Clear();
        for (int i = 0; i < array.Length; i++)
        {
            if (Matches(array.GetBytes(i)))
                BitWords.Set(selected, i);
        }

        Finish(values, negated, selected);
    }

    protected override bool MayMatch(ZoneColumn zone, int list)
    {
        if (zone is not TextZones zones || zones.Values(list) is not { } values)
            return zone.Present(list) > 0;
        return Array.Exists(values, value => Matches(value) != negated);
    }

    private bool Matches(ReadOnlySpan<byte> text)
    {
        if (isPrefix)
            return text.StartsWith(texts[0]);
        int low = 0, end = texts.Length;
        while (low < end)
        {
            int middle = (low + end) / 2, order = text.SequenceCompareTo(texts[middle]);
            if (order == 0)
                return true;
            if (order > 0)
                low = middle + 1;
            else
                end = middle;
        }

        return false;
    }
}

using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using VectorEngine.Filtering;
using VectorEngine.Loading;

namespace VectorEngine.Search;

/// <summary>What filters select in a segment: evaluated once for each filter object and remembered as long as that lives.</summary>
/// <param name="segment">The segment.</param>
/// <param name="firstRow">Its first row in the index.</param>
/// <param name="rows">Rows of the whole index.</param>
internal sealed class FilterSource(Segment segment, long firstRow, long rows)
{
    private readonly ConditionalWeakTable<Filter, SegmentFilter> _known = [];

    /// <summary>Checks a filter, and tells what it selects where that takes no reading.</summary>
    /// <exception cref="ArgumentException">It does not fit the index.</exception>
    public bool TryGet(Filter filter, [NotNullWhen(true)] out SegmentFilter? selected)
    {
        if (_known.TryGetValue(filter, out selected))
            return true;
        Bind(filter);
        if (filter is RowSet set)
            selected = _known.GetValue(set, _ => SegmentFilter.Of(segment, firstRow, set));
        return selected is not null;
    }

    /// <summary>What a filter selects, evaluated now if need be.</summary>
    /// <exception cref="ArgumentException">It does not fit the index.</exception>
    public async ValueTask<SegmentFilter> GetAsync(Filter filter, CancellationToken cancellationToken)
    {
        if (TryGet(filter, out SegmentFilter? known))
            return known;
        SegmentFilter selected = await SegmentFilter.EvaluateAsync(segment, firstRow, Bind(filter), cancellationToken)
            .ConfigureAwait(false);
        return _known.GetValue(filter, _ => selected);
    }

    /// <summary>Remembers that a set of rows is what a filter selects, whose lists are known.</summary>
    public void Remember(RowSet set, SegmentFilter selected) => _known.TryAdd(set, selected);

    private BoundFilter Bind(Filter filter) => new FilterBinder(segment.Metadata?.Schema, rows).Bind(filter);
}

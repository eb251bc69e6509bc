using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using VectorEngine.Filtering;
using VectorEngine.Loading;

namespace VectorEngine.Search;

/// <summary>What filters select in each segment of an index: evaluated once for each filter object, remembered as long as that lives.</summary>
internal sealed class IndexFilters(IndexSegments segments)
{
    private readonly ConditionalWeakTable<Filter, SegmentFilter[]> _known = [];

    /// <summary>Checks a filter, and tells what it selects where that takes no reading.</summary>
    /// <exception cref="ArgumentException">It does not fit the index.</exception>
    public bool TryGet(Filter filter, [NotNullWhen(true)] out SegmentFilter[]? selected)
    {
        if (_known.TryGetValue(filter, out selected))
            return true;
        Bind(filter);
        if (filter is RowSet)
            selected = _known.GetValue(filter, OfSet);
        return selected is not null;
    }

    /// <summary>What a filter selects, evaluated now if need be.</summary>
    /// <exception cref="ArgumentException">It does not fit the index.</exception>
    public async ValueTask<SegmentFilter[]> GetAsync(Filter filter, ReadScope scope, CancellationToken cancellationToken)
    {
        if (TryGet(filter, out SegmentFilter[]? known))
            return known;
        BoundFilter bound = Bind(filter);
        var selected = new SegmentFilter[segments.Items.Count];
        for (int i = 0; i < selected.Length; i++)
            selected[i] = await SegmentFilter.EvaluateAsync(segments.Items[i], segments.Start(i), bound, scope, cancellationToken)
                .ConfigureAwait(false);
        return _known.GetValue(filter, _ => selected);
    }

    /// <summary>What a filter selects as a set of rows, whose searches need not evaluate anything again.</summary>
    public async ValueTask<RowSet> SelectAsync(Filter filter, ReadScope scope, CancellationToken cancellationToken)
    {
        SegmentFilter[] selected = await GetAsync(filter, scope, cancellationToken).ConfigureAwait(false);
        if (filter is RowSet given)
            return given;
        uint[] words = new uint[(segments.Count + 31) / 32];
        for (int i = 0; i < selected.Length; i++)
            selected[i].AddTo(words, segments.Start(i));
        var set = new RowSet(words, segments.Count);
        _known.TryAdd(set, selected);
        return set;
    }

    /// <summary>Checks a filter; segments have the same columns.</summary>
    private BoundFilter Bind(Filter filter) => new FilterBinder(segments.Metadata, segments.Count).Bind(filter);

    private SegmentFilter[] OfSet(Filter set)
    {
        var selected = new SegmentFilter[segments.Items.Count];
        for (int i = 0; i < selected.Length; i++)
            selected[i] = SegmentFilter.Of(segments.Items[i], segments.Start(i), (RowSet)set);
        return selected;
    }
}

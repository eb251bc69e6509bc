using System.Diagnostics.CodeAnalysis;
using VectorEngine.Loading;

namespace VectorEngine.Search;

/// <summary>What filters select in each segment of an index.</summary>
internal sealed class IndexFilters
{
    private readonly IndexSegments _segments;
    private readonly FilterSource[] _sources;

    public IndexFilters(IndexSegments segments)
    {
        _segments = segments;
        _sources = new FilterSource[segments.Items.Count];
        for (int i = 0; i < _sources.Length; i++)
            _sources[i] = new FilterSource(segments.Items[i], segments.Start(i), segments.Count);
    }

    /// <summary>Checks a filter, and tells what it selects where that takes no reading.</summary>
    /// <exception cref="ArgumentException">It does not fit the index.</exception>
    public bool TryGet(Filter filter, [NotNullWhen(true)] out SegmentFilter[]? selected)
    {
        selected = new SegmentFilter[_sources.Length];
        for (int i = 0; i < _sources.Length; i++)
        {
            if (!_sources[i].TryGet(filter, out SegmentFilter? one))
            {
                selected = null;
                return false;
            }

            selected[i] = one;
        }

        return true;
    }

    /// <summary>What a filter selects, evaluated now if need be.</summary>
    /// <exception cref="ArgumentException">It does not fit the index.</exception>
    public async ValueTask<SegmentFilter[]> GetAsync(Filter filter, CancellationToken cancellationToken)
    {
        var selected = new SegmentFilter[_sources.Length];
        for (int i = 0; i < _sources.Length; i++)
            selected[i] = await _sources[i].GetAsync(filter, cancellationToken).ConfigureAwait(false);
        return selected;
    }

    /// <summary>What a filter selects as a set of rows, whose searches need not evaluate anything again.</summary>
    public async ValueTask<RowSet> SelectAsync(Filter filter, CancellationToken cancellationToken)
    {
        SegmentFilter[] selected = await GetAsync(filter, cancellationToken).ConfigureAwait(false);
        if (filter is RowSet given)
            return given;
        uint[] words = new uint[(_segments.Count + 31) / 32];
        for (int i = 0; i < selected.Length; i++)
            selected[i].AddTo(words, _segments.Start(i));
        var set = new RowSet(words, _segments.Count);
        for (int i = 0; i < _sources.Length; i++)
            _sources[i].Remember(set, selected[i]);
        return set;
    }
}

using VectorEngine.Search;

namespace VectorEngine;

/// <content>Filters, and searches within a radius.</content>
public sealed partial class VectorIndex
{
    /// <summary>A search within a radius takes its measure of recall from one for so many nearest.</summary>
    private const int RangeNeighbors = 10;

    /// <summary>
    /// Evaluates a filter over all rows: to count them, to combine sets, or to pay for the evaluation before the first search. Searches
    /// that are given the filter, or the set, do not evaluate it again.
    /// </summary>
    /// <param name="filter">The filter.</param>
    /// <param name="cancellationToken">Cancels the reading of the metadata.</param>
    /// <exception cref="ArgumentException">
    /// A column does not exist or is of another type than it is compared with, or a set is over another number of rows.
    /// </exception>
    /// <exception cref="CorruptDataException">What was read from the store is damaged.</exception>
    /// <exception cref="ObjectDisposedException">The index is disposed.</exception>
    public async ValueTask<RowSet> SelectAsync(Filter filter, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        using var search = new ActiveSearch(this);
        SegmentFilter selected = await _filters.GetAsync(filter, cancellationToken).ConfigureAwait(false);
        if (filter is RowSet given)
            return given;
        RowSet set = selected.ToRowSet(Count);
        _filters.Remember(set, selected);
        return set;
    }

    /// <summary>Finds all vectors within a distance.</summary>
    /// <remarks>
    /// Lists are visited that may hold such a vector, judged by how far from their centroids neighbours were when the index was built:
    /// a statistical choice, which misses about the share of the vectors that a search for the nearest with the same options misses, but
    /// never fewer lists than <see cref="SearchOptions.ProbeCount"/>. With <see cref="ErrorBound.Hard"/>, or a recall target of 1, all
    /// lists are visited. With exact distances every hit is within the radius; with estimates, those whose estimate is.
    /// </remarks>
    /// <param name="query"><see cref="Dimensions"/> finite floats; copied before the call returns.</param>
    /// <param name="radius">The largest distance, as the metric defines it: squared for <see cref="Metric.SquaredL2"/>.</param>
    /// <param name="options">How to search; null for the defaults.</param>
    /// <param name="cancellationToken">Cancels the search.</param>
    /// <returns>The vectors found, nearest first.</returns>
    /// <exception cref="ArgumentException">
    /// The query has another number of dimensions, the radius is not finite, or an option is out of range.
    /// </exception>
    /// <inheritdoc cref="SearchAsync(ReadOnlySpan{float}, int, SearchOptions?, CancellationToken)"/>
    public ValueTask<SearchResult> SearchRangeAsync(
        ReadOnlySpan<float> query, float radius, SearchOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (!float.IsFinite(radius))
            throw new ArgumentException($"A radius of {radius}.", nameof(radius));
        SearchPlan plan = Plan(query.Length, RangeNeighbors, options) with { Radius = radius };
        if (plan.Bound == ErrorBound.Hard)
            plan = plan with { ProbeCount = int.MaxValue };
        return SearchAsync(query, plan, options, cancellationToken);
    }

    /// <summary>Starts a search on the calling thread, unless its filter has to be evaluated first.</summary>
    private ValueTask<SearchResult> SearchAsync(
        ReadOnlySpan<float> query, SearchPlan plan, SearchOptions? options, CancellationToken cancellationToken)
    {
        var search = new ActiveSearch(this);
        try
        {
            if (options?.Filter is not { } filter)
                return FinishAsync(_searcher.Begin(query, plan), search, options, cancellationToken);
            return _filters.TryGet(filter, out SegmentFilter? selected)
                ? FinishAsync(_searcher.Begin(query, plan with { Filter = selected }), search, options, cancellationToken)
                : SelectAndSearchAsync(query.ToArray(), plan, search, options, cancellationToken);
        }
        catch
        {
            search.Dispose();
            throw;
        }
    }

    private async ValueTask<SearchResult> SelectAndSearchAsync(
        float[] query, SearchPlan plan, ActiveSearch search, SearchOptions options, CancellationToken cancellationToken)
    {
        QueryScratch scratch;
        try
        {
            plan = await SelectAsync(plan, options, cancellationToken).ConfigureAwait(false);
            scratch = _searcher.Begin(query, plan);
        }
        catch
        {
            search.Dispose();
            throw;
        }

        return await FinishAsync(scratch, search, options, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Adds what the options' filter selects to a plan.</summary>
    private async ValueTask<SearchPlan> SelectAsync(SearchPlan plan, SearchOptions? options, CancellationToken cancellationToken) =>
        options?.Filter is { } filter
            ? plan with { Filter = await _filters.GetAsync(filter, cancellationToken).ConfigureAwait(false) }
            : plan;

    /// <summary>What a filter selects, evaluated on the calling thread if need be.</summary>
    private SegmentFilter Select(Filter filter)
    {
        if (_filters.TryGet(filter, out SegmentFilter? known))
            return known;
        ValueTask<SegmentFilter> selected = _filters.GetAsync(filter, CancellationToken.None);
        return selected.IsCompletedSuccessfully ? selected.Result : selected.AsTask().GetAwaiter().GetResult();
    }

    /// <summary>Lists to visit for a share of the k nearest; 3 %, at least 16, where none is asked for.</summary>
    private int ProbesFor(double? target, int k)
    {
        int lists = _segment.Root.Description.ListCount;
        if (target is null)
            return Math.Max(16, (int)Math.Ceiling(0.03 * lists));
        return (int)Math.Clamp(Math.Ceiling(_segment.Root.Recall.ListsFor(k, target.Value)), 1, Math.Max(1, lists));
    }
}

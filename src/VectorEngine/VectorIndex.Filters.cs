using VectorEngine.Loading;
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
        return await _filters.SelectAsync(filter, new ReadScope(), cancellationToken).ConfigureAwait(false);
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
        options ??= SearchOptions.Default;
        Check(query.Length, RangeNeighbors, options);
        return ObserveAsync(query, new SearchRequest(RangeNeighbors, options) { Radius = radius }, cancellationToken);
    }

    /// <summary>Adds what the options' filter selects to a request.</summary>
    private async ValueTask<SearchRequest> WithFiltersAsync(SearchRequest request, CancellationToken cancellationToken)
    {
        if (request.Options.Filter is not { } filter)
            return request;
        ReadScope reads = request.Before ?? new ReadScope();
        SegmentFilter[] selected = await _filters.GetAsync(filter, reads, cancellationToken).ConfigureAwait(false);
        return request with { Filters = selected, Before = reads };
    }
}

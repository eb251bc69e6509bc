using VectorEngine.Loading;
using VectorEngine.Search;
using VectorEngine.Telemetry;

namespace VectorEngine;

/// <content>Searches by vectors that the caller has.</content>
public sealed partial class VectorIndex
{
    /// <summary>
    /// Queries of a batch that are answered together: fewer where threads would be left without work, but some, as a query may take as
    /// little as handing out a work item; more share more lists, and their states no longer fit into the cache.
    /// </summary>
    private const int LeastBlock = 16, LargestBlock = 256;

    /// <summary>Finds the nearest vectors. Posting lists that are not in memory yet are read on the calling thread.</summary>
    /// <param name="query"><see cref="Dimensions"/> finite floats.</param>
    /// <param name="k">Number of hits wanted, from 1.</param>
    /// <param name="options">How to search; null for the defaults.</param>
    /// <exception cref="ArgumentException">The query has another number of dimensions, or an option is out of range.</exception>
    /// <exception cref="InvalidVectorException">The query is not finite, too long, or zero under cosine.</exception>
    /// <exception cref="CorruptDataException">What was read from the store is damaged.</exception>
    /// <exception cref="ObjectNotFoundException">An object of the index is missing from the store.</exception>
    /// <exception cref="ObjectDisposedException">The index is disposed.</exception>
    public SearchResult Search(ReadOnlySpan<float> query, int k, SearchOptions? options = null)
    {
        options ??= SearchOptions.Default;
        Check(query.Length, k, options);
        ValueTask<SearchResult> answer = ObserveAsync(query, new SearchRequest(k, options), CancellationToken.None);
        return answer.IsCompletedSuccessfully ? answer.Result : answer.AsTask().GetAwaiter().GetResult();
    }

    /// <summary>Finds the nearest vectors; what is not in memory yet is read asynchronously.</summary>
    /// <inheritdoc cref="Search(ReadOnlySpan{float}, int, SearchOptions?)"/>
    /// <param name="query"><see cref="Dimensions"/> finite floats; copied before the call returns.</param>
    /// <param name="k">Number of hits wanted, from 1.</param>
    /// <param name="options">How to search; null for the defaults.</param>
    /// <param name="cancellationToken">Cancels the search.</param>
    public ValueTask<SearchResult> SearchAsync(
        ReadOnlySpan<float> query, int k, SearchOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= SearchOptions.Default;
        Check(query.Length, k, options);
        return ObserveAsync(query, new SearchRequest(k, options), cancellationToken);
    }

    /// <summary>
    /// Finds the nearest vectors of many queries on all cores. Queries that visit the same posting list share it, so it is read once for
    /// many; what is not in memory yet is read asynchronously.
    /// </summary>
    /// <remarks>
    /// Under the hard bound and where nothing is pruned (sign stage, brute force, flat indexes) the answers are those of searching alone.
    /// Under the statistical bound a batch scans a query's lists in another order, so its bounds, which fail now and then, may lose others
    /// (on random vectors, one answer in 200 differed in some hit). Neither threads nor the other queries make a difference.
    /// </remarks>
    /// <param name="queries">The queries.</param>
    /// <param name="k">Number of hits wanted for each, from 1.</param>
    /// <param name="options">How to search; null for the defaults.</param>
    /// <param name="maxDegreeOfParallelism">Threads to use; -1 for all cores.</param>
    /// <param name="progress">Told the number of queries that are answered, now and then; from any thread, one call at a time.</param>
    /// <param name="cancellationToken">Cancels the searches.</param>
    /// <returns>A result for each query, in the same order.</returns>
    /// <exception cref="InvalidVectorException">
    /// A query is not finite, too long, or zero under cosine; the exception names its row.
    /// </exception>
    /// <inheritdoc cref="Search(ReadOnlySpan{float}, int, SearchOptions?)"/>
    public async Task<SearchResult[]> SearchBatchAsync(
        VectorMatrix queries, int k, SearchOptions? options = null, int maxDegreeOfParallelism = -1, IProgress<int>? progress = null,
        CancellationToken cancellationToken = default)
    {
        options ??= SearchOptions.Default;
        Check(queries.Dimensions, k, options);
        using var use = new ActiveSearch(this);
        return await ObserveAsync(SearchObservation.Batch, k, async () =>
        {
            SearchRequest request = await WithFiltersAsync(new SearchRequest(k, options), cancellationToken).ConfigureAwait(false);
            return await AnswerAsync(queries, request, maxDegreeOfParallelism, progress, cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }

    /// <summary>Starts a search on the calling thread, unless its filter has to be evaluated first.</summary>
    private ValueTask<SearchResult> AnswerAsync(ReadOnlySpan<float> query, SearchRequest request, CancellationToken cancellationToken)
    {
        var use = new ActiveSearch(this);
        try
        {
            if (request.Options.Budget?.Time is { } time && request.Radius is null)
                return AnswerWithinAsync(time, query.ToArray(), use, request, cancellationToken);
            if (request.Options.Filter is { } filter)
            {
                if (!_filters.TryGet(filter, out SegmentFilter[]? selected))
                    return SelectAndAnswerAsync(query.ToArray(), use, request, cancellationToken);
                request = request with { Filters = selected };
            }

            return AnswerAsync(_searcher.Begin(query, request), use, request, cancellationToken);
        }
        catch
        {
            use.Dispose();
            throw;
        }
    }

    private async ValueTask<SearchResult> SelectAndAnswerAsync(
        float[] query, ActiveSearch use, SearchRequest request, CancellationToken cancellationToken)
    {
        using (use)
        {
            request = await WithFiltersAsync(request, cancellationToken).ConfigureAwait(false);
            return await AnswerAsync(_searcher.Begin(query, request), request, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask<SearchResult> AnswerAsync(
        QueryScratch[] search, ActiveSearch use, SearchRequest request, CancellationToken cancellationToken)
    {
        using (use)
            return await AnswerAsync(search, request, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<SearchResult> AnswerAsync(QueryScratch[] search, SearchRequest request, CancellationToken cancellationToken)
    {
        SearchResult result;
        try
        {
            await _searcher.CompleteAsync(search, cancellationToken).ConfigureAwait(false);
            result = new SearchResult(_searcher.Answer(search, request));
        }
        finally
        {
            _searcher.Return(search);
        }

        await AddRowsAsync(result, request.Options, cancellationToken).ConfigureAwait(false);
        return result;
    }

    private async Task<SearchResult[]> AnswerAsync(
        VectorMatrix queries, SearchRequest request, int maxDegreeOfParallelism, IProgress<int>? progress,
        CancellationToken cancellationToken)
    {
        var results = new SearchResult[queries.Count];
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = maxDegreeOfParallelism, CancellationToken = cancellationToken };
        var reported = new Lock();
        int answered = 0;
        int threads = maxDegreeOfParallelism < 0 ? Environment.ProcessorCount : maxDegreeOfParallelism;
        int size = Math.Clamp((queries.Count / threads) + 1, LeastBlock, LargestBlock);
        await Parallel.ForAsync(0, (queries.Count + size - 1) / size, parallel, async (block, cancellation) =>
        {
            int first = block * size, count = Math.Min(size, queries.Count - first);
            SearchRequest own = first == 0 ? request : request with { Before = null };
            await AnswerBlockAsync(queries, first, own, results.AsMemory(first, count), cancellation).ConfigureAwait(false);
            for (int i = first; i < first + count; i++)
                await AddRowsAsync(results[i], request.Options, cancellation).ConfigureAwait(false);
            lock (reported)
                progress?.Report(answered += count);
        }).ConfigureAwait(false);
        return results;
    }

    private async ValueTask AnswerBlockAsync(
        VectorMatrix queries, int first, SearchRequest request, Memory<SearchResult> results, CancellationToken cancellationToken)
    {
        var searches = new QueryScratch[results.Length][];
        int begun = 0;
        try
        {
            for (; begun < searches.Length; begun++)
                searches[begun] = Begin(queries, first + begun, request);
            await _searcher.CompleteAsync(searches, cancellationToken).ConfigureAwait(false);
            for (int i = 0; i < searches.Length; i++)
            {
                results.Span[i] = new SearchResult(_searcher.Answer(searches[i], request));
                request = request with { Before = null }; // one of them has it
            }
        }
        finally
        {
            foreach (QueryScratch[] search in searches[..begun])
                _searcher.Return(search);
        }
    }

    private QueryScratch[] Begin(VectorMatrix queries, int row, in SearchRequest request)
    {
        try
        {
            return _searcher.Begin(queries[row], request);
        }
        catch (InvalidVectorException invalid)
        {
            throw new InvalidVectorException(row, invalid.Reason);
        }
    }

    private async ValueTask AddRowsAsync(SearchResult result, SearchOptions options, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> columns = options.Columns ?? _defaultColumns;
        if (columns.Count == 0)
            return;
        var reads = new ReadScope();
        result.Rows = await RowReader.ReadMetadataAsync(
            _segments, result.Ordinals(), columns, reads, cancellationToken).ConfigureAwait(false);
        result.Receipt = _searcher.Add(result.Receipt, reads) with { Elapsed = result.Receipt.Elapsed + reads.Elapsed };
    }

    private void Check(int dimensions, int k, SearchOptions options)
    {
        if (dimensions != Dimensions)
            throw new ArgumentException($"The query has {dimensions} dimensions, the index {Dimensions}.", nameof(dimensions));
        SearchPlan.Check(k, options);
        CheckColumns(options.Columns, nameof(options));
    }

    private void CheckColumns(IReadOnlyList<string>? columns, string parameter)
    {
        foreach (string column in columns ?? [])
        {
            if (Metadata is null || Metadata.IndexOf(column) < 0)
                throw new ArgumentException($"The index has no metadata column '{column}'.", parameter);
        }
    }
}

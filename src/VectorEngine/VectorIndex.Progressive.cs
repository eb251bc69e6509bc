using System.Runtime.CompilerServices;
using VectorEngine.Search;
using VectorEngine.Telemetry;

namespace VectorEngine;

/// <content>Searches that answer before they are done.</content>
public sealed partial class VectorIndex
{
    /// <summary>
    /// Finds the nearest vectors step by step: first by the 1-bit layer alone, while the 3-bit layer is being read; then refined by it;
    /// then, if exact distances are asked for, compared with the stored vectors. Whoever has seen enough stops the enumeration, and what
    /// is on its way is cancelled.
    /// </summary>
    /// <remarks>
    /// From a store with long round trips, the first answer of an index just opened takes one, and the refined one at most one more. A
    /// segment without lists is searched exactly from the start, so an index that has no others has only one answer.
    /// </remarks>
    /// <param name="query"><see cref="Dimensions"/> finite floats; not to be changed until the enumeration ends.</param>
    /// <param name="k">Number of hits wanted, from 1.</param>
    /// <param name="options">How to search; null for the defaults. Brute force has one answer.</param>
    /// <param name="cancellationToken">Cancels the search.</param>
    /// <inheritdoc cref="Search(ReadOnlySpan{float}, int, SearchOptions?)"/>
    public async IAsyncEnumerable<SearchSnapshot> SearchProgressiveAsync(
        ReadOnlyMemory<float> query, int k, SearchOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        options ??= SearchOptions.Default;
        Check(query.Length, k, options);
        using var use = new ActiveSearch(this);
        using var observation = SearchObservation.Start(Name, Version, SearchObservation.Progressive, k);
        var request = new SearchRequest(k, options);
        if (options.Filter is not null)
            request = await WithFiltersAsync(request, cancellationToken).ConfigureAwait(false);
        var search = new ProgressiveSearch(_searcher, request);
        try
        {
            SearchStep step;
            do
            {
                step = observation is null
                    ? await search.NextAsync(query, cancellationToken).ConfigureAwait(false)
                    : await NextAsync(search, query, observation, cancellationToken).ConfigureAwait(false);
                var result = new SearchResult(step.Answer);
                if (step.IsFinal)
                    await AddRowsAsync(result, options, cancellationToken).ConfigureAwait(false);
                observation?.Answer(result.Stage, result.Receipt);
                if (step.IsFinal)
                    observation?.Complete(queries: 1);
                yield return new SearchSnapshot(result, step.Certain, step.IsFinal);
            }
            while (!step.IsFinal);
        }
        finally
        {
            search.End();
        }
    }

    /// <summary>The best answer that a search has after some time, or its first if that takes longer.</summary>
    private async ValueTask<SearchResult> AnswerWithinAsync(
        TimeSpan time, float[] query, ActiveSearch use, SearchRequest request, CancellationToken cancellationToken)
    {
        using ActiveSearch used = use;
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timer.CancelAfter(time);
        request = await WithFiltersAsync(request, cancellationToken).ConfigureAwait(false);
        var search = new ProgressiveSearch(_searcher, request);
        SearchStep? best = null;
        SearchAnswer answer;
        try
        {
            do
                best = await search.NextAsync(query, best is null ? cancellationToken : timer.Token).ConfigureAwait(false);
            while (!best.IsFinal && !timer.IsCancellationRequested);
        }
        catch (OperationCanceledException) when (best is not null && !cancellationToken.IsCancellationRequested)
        {
            // It is what there is.
        }
        finally
        {
            answer = best is null ? default : search.WithReads(best.Answer);
            search.End();
        }

        var result = new SearchResult(answer);
        await AddRowsAsync(result, request.Options, cancellationToken).ConfigureAwait(false);
        return result;
    }

    private static async ValueTask<SearchStep> NextAsync(
        ProgressiveSearch search, ReadOnlyMemory<float> query, SearchObservation observation, CancellationToken cancellationToken)
    {
        try
        {
            return await search.NextAsync(query, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception failure)
        {
            observation.Fail(failure);
            throw;
        }
    }
}

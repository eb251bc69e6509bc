using VectorEngine.Search;
using VectorEngine.Telemetry;

namespace VectorEngine;

/// <content>Searches that are measured, while somebody listens.</content>
public sealed partial class VectorIndex
{
    /// <summary>Answers a query; copies it if somebody listens, and so allocates, but not otherwise.</summary>
    private ValueTask<SearchResult> ObserveAsync(ReadOnlySpan<float> query, SearchRequest request, CancellationToken cancellationToken) =>
        SearchObservation.IsWanted
            ? ObserveAsync(query.ToArray(), request, cancellationToken)
            : AnswerAsync(query, request, cancellationToken);

    private async ValueTask<SearchResult> ObserveAsync(float[] query, SearchRequest request, CancellationToken cancellationToken)
    {
        (string kind, int? k) = request.Radius is null ? (SearchObservation.Single, request.Count) : (SearchObservation.Range, (int?)null);
        SearchResult[] results = await ObserveAsync(
            kind, k, async () => [await AnswerAsync(query, request, cancellationToken).ConfigureAwait(false)]).ConfigureAwait(false);
        return results[0];
    }

    /// <summary>Searches, and measures it if somebody listens.</summary>
    private async Task<SearchResult[]> ObserveAsync(string kind, int? k, Func<Task<SearchResult[]>> search)
    {
        using var observation = SearchObservation.Start(Name, Version, kind, k);
        try
        {
            SearchResult[] results = await search().ConfigureAwait(false);
            if (observation is not null && results.Length > 0)
            {
                SearchReceipt all = results.Aggregate(default(SearchReceipt), (sum, result) => sum + result.Receipt);
                observation.Answer(results[0].Stage, all with { Rounds = results.Max(result => result.Receipt.Rounds) });
                observation.Complete(results.Length);
            }

            return results;
        }
        catch (Exception failure)
        {
            observation?.Fail(failure);
            throw;
        }
    }
}

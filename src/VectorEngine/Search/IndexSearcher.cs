using System.Collections.Concurrent;
using VectorEngine.Loading;
using VectorEngine.Numerics;

namespace VectorEngine.Search;

/// <summary>What a search has found, and how.</summary>
/// <param name="Hits">The nearest first.</param>
/// <param name="Stage">The roughest stage of all segments.</param>
/// <param name="Receipt">What was done in all of them.</param>
internal readonly record struct SearchAnswer(SearchHit[] Hits, SearchStage Stage, SearchReceipt Receipt);

/// <summary>
/// Searches all segments of an index as one, in the steps of <see cref="SegmentSearcher"/>: a search has a state for each segment.
/// Safe for concurrent use.
/// </summary>
internal sealed class IndexSearcher
{
    private readonly IndexSegments _segments;
    private readonly SegmentSearcher[] _searchers;
    private readonly double _dollarsPerRequest;
    private readonly ConcurrentQueue<QueryScratch[]> _idle = [];

    /// <param name="segments">The segments.</param>
    /// <param name="dollarsPerRequest">What a request to the store costs.</param>
    public IndexSearcher(IndexSegments segments, double dollarsPerRequest)
    {
        _segments = segments;
        _dollarsPerRequest = dollarsPerRequest;
        _searchers = new SegmentSearcher[segments.Items.Count];
        for (int i = 0; i < _searchers.Length; i++)
            _searchers[i] = new SegmentSearcher(segments.Items[i]);
    }

    /// <summary>Whether any segment has lists: others are compared as a whole.</summary>
    public bool HasLists => _segments.Items.Any(segment => segment.Root.Lists is not null);

    /// <summary>Whether a search that was scanned for still has something to compare with stored vectors.</summary>
    public static bool HasCandidates(QueryScratch[] search) =>
        search.Any(scratch => scratch.Plan.Stage == SearchStage.Exact && scratch.CandidateCount > 0);

    /// <summary>Tells which hits are certain to be among the k nearest in the lists that were visited.</summary>
    /// <param name="first">The search that has read the 1-bit layer of the lists.</param>
    /// <param name="answer">The hits.</param>
    /// <param name="k">k.</param>
    /// <param name="certain">Receives it for each hit.</param>
    public void Certify(QueryScratch[] first, in SearchAnswer answer, int k, bool[] certain)
    {
        var certainty = new Certainty(k, first.Sum(scratch => scratch.Scanned));
        for (int i = 0; i < first.Length; i++)
            certainty.Add(_segments.Items[i], first[i], _segments.Start(i), answer.Hits);
        for (int rank = 0; rank < certain.Length; rank++)
            certain[rank] = certainty.IsCertain(answer.Hits[rank]);
    }

    /// <summary>Checks and prepares a query and chooses the lists to visit.</summary>
    /// <returns>The states of the search, which have to be returned.</returns>
    /// <exception cref="InvalidVectorException">The query is not finite, too long, or zero under cosine.</exception>
    public QueryScratch[] Begin(ReadOnlySpan<float> query, in SearchRequest request)
    {
        if (!_idle.TryDequeue(out QueryScratch[]? search))
            search = new QueryScratch[_searchers.Length];
        int begun = 0;
        try
        {
            for (; begun < _searchers.Length; begun++)
            {
                SearchPlan plan = SearchPlan.For(_segments.Items[begun].Root, begun, _searchers.Length, request);
                search[begun] = _searchers[begun].Begin(query, plan);
            }

            return search;
        }
        catch
        {
            Return(search, begun);
            throw;
        }
    }

    /// <summary>Lets a search use what an earlier one of the same query has read, however little is kept in memory.</summary>
    public static void Follow(QueryScratch[] search, QueryScratch[] earlier)
    {
        for (int i = 0; i < search.Length; i++)
            search[i].Earlier = earlier[i];
    }

    /// <summary>Scans for a search without comparing anything with stored vectors: <see cref="Estimates"/> then tells what it has found.</summary>
    public ValueTask ScanAsync(QueryScratch[] search, CancellationToken cancellationToken) =>
        RunAsync(search, static (searcher, scratch, cancellation) => searcher.ScanAsync(scratch, cancellation), cancellationToken);

    /// <summary>Ends a search that was scanned for.</summary>
    public ValueTask FinishAsync(QueryScratch[] search, CancellationToken cancellationToken) =>
        RunAsync(search, static (searcher, scratch, cancellation) => searcher.FinishAsync(scratch, cancellation), cancellationToken);

    /// <summary>Runs a search to its end.</summary>
    public ValueTask CompleteAsync(QueryScratch[] search, CancellationToken cancellationToken) =>
        RunAsync(search, static (searcher, scratch, cancellation) => searcher.CompleteAsync(scratch, cancellation), cancellationToken);

    /// <summary>Runs searches with the same options to their end, together where they can share what is read.</summary>
    public async ValueTask CompleteAsync(ReadOnlyMemory<QueryScratch[]> searches, CancellationToken cancellationToken)
    {
        for (int own = 0; own < _searchers.Length; own++)
            await _searchers[own].CompleteAsync(searches, own, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The answer of a search that was only scanned for: its candidates by what is estimated of them.</summary>
    public SearchAnswer Estimates(QueryScratch[] search, in SearchRequest request)
    {
        foreach (QueryScratch scratch in search)
            scratch.SortEstimates();
        SearchAnswer answer = Answer(search, request);
        return answer with { Stage = answer.Stage == SearchStage.Exact ? SearchStage.Refined : answer.Stage };
    }

    /// <summary>The answer of a completed search: the nearest of all segments, or all within the radius, ties by ordinal.</summary>
    public SearchAnswer Answer(QueryScratch[] search, in SearchRequest request)
    {
        Metric metric = _segments.Items[0].Root.Description.Metric;
        var (count, stage) = (0L, SearchStage.BruteForce);
        foreach (QueryScratch scratch in search)
        {
            count += scratch.Answer.Count;
            stage = scratch.Plan.Stage < stage ? scratch.Plan.Stage : stage;
        }

        var hits = new SearchHit[request.Radius is null ? Math.Min(request.Count, count) : count];
        Span<int> next = stackalloc int[search.Length];
        next.Clear();
        for (int rank = 0; rank < hits.Length; rank++)
        {
            int nearest = Nearest(search, next);
            Neighbor neighbor = search[nearest].Answer[next[nearest]++];
            hits[rank] = new SearchHit(
                _segments.Start(nearest) + neighbor.Ordinal, InRange(metric, neighbor.Distance), neighbor.ErrorBound);
        }

        return new SearchAnswer(hits, stage, Receipt(search, request));
    }

    /// <summary>What a search has done until now, in all segments at the same time, with what was read before it began.</summary>
    public SearchReceipt Receipt(QueryScratch[] search, in SearchRequest request)
    {
        SearchReceipt receipt = default;
        foreach (QueryScratch scratch in search)
        {
            SearchReceipt own = scratch.Receipt;
            receipt = receipt + own with
            {
                Rounds = Math.Max(0, own.Rounds - receipt.Rounds),
                Elapsed = own.Elapsed > receipt.Elapsed ? own.Elapsed - receipt.Elapsed : default,
            };
        }

        return request.Before is { } before
            ? Add(receipt, before) with { Elapsed = before.Elapsed }
            : receipt with { EstimatedDollars = receipt.Requests * _dollarsPerRequest };
    }

    /// <summary>A receipt with what was read beside the search, before it or for its answer.</summary>
    public SearchReceipt Add(in SearchReceipt receipt, ReadScope reads) => receipt with
    {
        Requests = receipt.Requests + reads.Requests,
        BytesRead = receipt.BytesRead + reads.Bytes,
        CachedBytesRead = receipt.CachedBytesRead + reads.CachedBytes,
        Rounds = receipt.Rounds + reads.Rounds,
        EstimatedDollars = (receipt.Requests + reads.Requests) * _dollarsPerRequest,
    };

    /// <summary>Gives back the states of a search.</summary>
    public void Return(QueryScratch[] search) => Return(search, search.Length);

    private void Return(QueryScratch[] search, int count)
    {
        for (int i = 0; i < count; i++)
            _searchers[i].Return(search[i]);
        _idle.Enqueue(search);
    }

    /// <summary>Takes a step in all segments; what they have to read is read at the same time.</summary>
    private ValueTask RunAsync(
        QueryScratch[] search, Func<SegmentSearcher, QueryScratch, CancellationToken, ValueTask> step, CancellationToken cancellationToken)
    {
        if (search.Length == 1)
            return step(_searchers[0], search[0], cancellationToken);
        List<Task>? waiting = null;
        for (int own = 0; own < search.Length; own++)
        {
            ValueTask completion = step(_searchers[own], search[own], cancellationToken);
            if (!completion.IsCompletedSuccessfully)
                (waiting ??= []).Add(completion.AsTask());
        }

        // Not even when one fails may the state of a search be given back while another goes on.
        return waiting is null ? ValueTask.CompletedTask : new ValueTask(Task.WhenAll(waiting));
    }

    /// <summary>The segment that has the nearest of the neighbours not taken yet; the first of several, whose ordinals are lower.</summary>
    private static int Nearest(QueryScratch[] search, ReadOnlySpan<int> next)
    {
        int nearest = -1;
        for (int i = 0; i < search.Length; i++)
        {
            if (next[i] < search[i].Answer.Count
                && (nearest < 0 || search[i].Answer[next[i]].Distance < search[nearest].Answer[next[nearest]].Distance))
                nearest = i;
        }

        return nearest;
    }

    /// <summary>Estimates leave the metric's range; its nearest end is at least as near to the truth.</summary>
    private static float InRange(Metric metric, float distance) => metric switch
    {
        Metric.InnerProduct => distance,
        Metric.Cosine => Math.Clamp(distance, 0, 2),
        _ => MathF.Max(0, distance),
    };
}

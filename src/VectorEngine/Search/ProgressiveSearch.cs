namespace VectorEngine.Search;

/// <summary>An answer on the way to the last.</summary>
/// <param name="Answer">What is known, with the receipt of everything until now.</param>
/// <param name="Certain">For each hit, whether it is certain to stay.</param>
/// <param name="IsFinal">Whether it is the last.</param>
internal sealed record SearchStep(SearchAnswer Answer, bool[] Certain, bool IsFinal);

/// <summary>
/// A search that answers in steps. It is two searches of the same query: one of the 1-bit layer, which begins to read the 3-bit layer behind
/// it, and one that goes as far as was asked, in two steps if that is to exact distances.
/// </summary>
internal sealed class ProgressiveSearch(IndexSearcher searcher, SearchRequest request)
{
    private QueryScratch[]? _first, _second;
    private bool _isScanned;

    /// <summary>What is asked of the second search; what was read before is on the first one's receipt, if there is one.</summary>
    private SearchRequest Second => _first is null ? request : request with { Before = null };

    /// <summary>Goes on to the next answer.</summary>
    /// <exception cref="InvalidVectorException">The query is not finite, too long, or zero under cosine.</exception>
    public async ValueTask<SearchStep> NextAsync(ReadOnlyMemory<float> query, CancellationToken cancellationToken)
    {
        if (_first is null && searcher.HasLists && request.Options.Stage != SearchStage.BruteForce)
        {
            bool isLast = request.Options.Stage == SearchStage.Sign;
            SearchRequest first = request with { Options = request.Options with { Stage = SearchStage.Sign }, LooksAhead = !isLast };
            _first = searcher.Begin(query.Span, first);
            await searcher.CompleteAsync(_first, cancellationToken).ConfigureAwait(false);
            return Step(searcher.Answer(_first, first), isLast);
        }

        if (_second is null)
        {
            _second = searcher.Begin(query.Span, Second);
            if (_first is not null)
                IndexSearcher.Follow(_second, _first);
        }

        if (!_isScanned)
        {
            _isScanned = true;
            await searcher.ScanAsync(_second, cancellationToken).ConfigureAwait(false);
            if (_first is not null && IndexSearcher.HasCandidates(_second))
                return Step(searcher.Estimates(_second, Second), isFinal: false);
        }

        await searcher.FinishAsync(_second, cancellationToken).ConfigureAwait(false);
        return Step(searcher.Answer(_second, Second), isFinal: true);
    }

    /// <summary>Ends the search, wherever it is.</summary>
    public void End()
    {
        if (_first is not null)
            searcher.Return(_first);
        if (_second is not null)
            searcher.Return(_second);
    }

    /// <summary>An answer with the receipt of all that has been read until now, for it or for one that was to follow.</summary>
    public SearchAnswer WithReads(in SearchAnswer answer)
    {
        // What the second search does, the first has done, too; but it does not read again what that one has read.
        if (_first is null || _second is null)
            return answer;
        SearchReceipt first = searcher.Receipt(_first, request), second = searcher.Receipt(_second, Second);
        return answer with
        {
            Receipt = answer.Receipt with
            {
                Requests = first.Requests + second.Requests,
                BytesRead = first.BytesRead + second.BytesRead,
                CachedBytesRead = first.CachedBytesRead + second.CachedBytesRead,
                Rounds = first.Rounds + second.Rounds,
                Elapsed = first.Elapsed, // it started earlier
                EstimatedDollars = first.EstimatedDollars + second.EstimatedDollars,
            },
        };
    }

    private SearchStep Step(SearchAnswer answer, bool isFinal)
    {
        bool[] certain = new bool[answer.Hits.Length];
        if (_first is not null)
            searcher.Certify(_first, answer, request.Count, certain);
        return new SearchStep(
            WithReads(answer), certain, isFinal || (certain.Length > 0 && Array.TrueForAll(certain, isCertain => isCertain)));
    }
}

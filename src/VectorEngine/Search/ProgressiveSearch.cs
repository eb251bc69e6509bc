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
    private SearchRequest _request = request;
    private QueryScratch[]? _first, _second;
    private SearchReceipt _before;
    private bool _isScanned;

    /// <summary>Goes on to the next answer.</summary>
    /// <exception cref="InvalidVectorException">The query is not finite, too long, or zero under cosine.</exception>
    public async ValueTask<SearchStep> NextAsync(ReadOnlyMemory<float> query, CancellationToken cancellationToken)
    {
        if (_first is null && searcher.HasLists && _request.Options.Stage != SearchStage.BruteForce)
        {
            bool isLast = _request.Options.Stage == SearchStage.Sign;
            SearchRequest first = _request with { Options = _request.Options with { Stage = SearchStage.Sign }, LooksAhead = !isLast };
            _first = searcher.Begin(query.Span, first);
            await searcher.CompleteAsync(_first, cancellationToken).ConfigureAwait(false);
            return Step(searcher.Answer(_first, first), isLast);
        }

        if (_second is null)
        {
            if (_first is not null)
            {
                _before = searcher.Answer(_first, _request).Receipt;
                _request = _request with { Before = null }; // which that has
            }

            _second = searcher.Begin(query.Span, _request);
            if (_first is not null)
                IndexSearcher.Follow(_second, _first);
        }

        if (!_isScanned)
        {
            _isScanned = true;
            await searcher.ScanAsync(_second, cancellationToken).ConfigureAwait(false);
            if (_first is not null && IndexSearcher.HasCandidates(_second))
                return Step(searcher.Estimates(_second, _request), isFinal: false);
        }

        await searcher.FinishAsync(_second, cancellationToken).ConfigureAwait(false);
        return Step(searcher.Answer(_second, _request), isFinal: true);
    }

    /// <summary>Ends the search, wherever it is.</summary>
    public void End()
    {
        if (_first is not null)
            searcher.Return(_first);
        if (_second is not null)
            searcher.Return(_second);
    }

    private SearchStep Step(SearchAnswer answer, bool isFinal)
    {
        bool[] certain = new bool[answer.Hits.Length];
        if (_first is not null)
            searcher.Certify(_first, answer, _request.Count, certain);
        SearchReceipt receipt = answer.Receipt;
        SearchReceipt work = receipt with { Requests = 0, BytesRead = 0, CachedBytesRead = 0, Rounds = 0, Elapsed = default, EstimatedDollars = 0 };
        SearchReceipt reading = _before + receipt;
        return new SearchStep(
            answer with
            {
                Receipt = work with
                {
                    Requests = reading.Requests,
                    BytesRead = reading.BytesRead,
                    CachedBytesRead = reading.CachedBytesRead,
                    Rounds = reading.Rounds,
                    Elapsed = reading.Elapsed,
                    EstimatedDollars = reading.EstimatedDollars,
                },
            },
            certain, isFinal || (certain.Length > 0 && Array.TrueForAll(certain, isCertain => isCertain)));
    }
}

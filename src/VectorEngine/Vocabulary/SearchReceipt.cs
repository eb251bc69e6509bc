namespace VectorEngine;

/// <summary>What a search did.</summary>
public readonly record struct SearchReceipt
{
    /// <summary>Posting lists visited.</summary>
    public int ListsProbed { get; init; }

    /// <summary>Posting lists that were known to hold no selected row, and were left unread.</summary>
    public int ListsExcluded { get; init; }

    /// <summary>Posting lists that would have been visited, but for the budget.</summary>
    public int ListsGivenUp { get; init; }

    /// <summary>Postings whose estimate or distance was computed: of those that the filter selects.</summary>
    public long PostingsScanned { get; init; }

    /// <summary>Postings of those that the 1-bit layer's bound excluded.</summary>
    public long PostingsPruned { get; init; }

    /// <summary>Postings refined from the 3-bit layer.</summary>
    public long PostingsRefined { get; init; }

    /// <summary>Postings compared with their stored vector.</summary>
    public long PostingsRescored { get; init; }

    /// <summary>Requests to the store, with those that were repeated. What a batch reads for its filter, its first query has.</summary>
    public int Requests { get; init; }

    /// <summary>Bytes that were asked of the store.</summary>
    public long BytesRead { get; init; }

    /// <summary>Bytes that came from the cache on disk instead.</summary>
    public long CachedBytesRead { get; init; }

    /// <summary>
    /// Times that the search waited for the store before it knew what to ask for next, or had its answer: dependent round trips.
    /// Segments wait at the same time.
    /// </summary>
    public int Rounds { get; init; }

    /// <summary>Time from the start of the search to this answer.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>What the requests cost, in dollars, at the price that the index was opened with.</summary>
    public double EstimatedDollars { get; init; }

    /// <summary>What two searches did together, one after the other.</summary>
    /// <param name="x">One.</param>
    /// <param name="y">The other.</param>
    public static SearchReceipt operator +(in SearchReceipt x, in SearchReceipt y) => new()
    {
        ListsProbed = x.ListsProbed + y.ListsProbed,
        ListsExcluded = x.ListsExcluded + y.ListsExcluded,
        ListsGivenUp = x.ListsGivenUp + y.ListsGivenUp,
        PostingsScanned = x.PostingsScanned + y.PostingsScanned,
        PostingsPruned = x.PostingsPruned + y.PostingsPruned,
        PostingsRefined = x.PostingsRefined + y.PostingsRefined,
        PostingsRescored = x.PostingsRescored + y.PostingsRescored,
        Requests = x.Requests + y.Requests,
        BytesRead = x.BytesRead + y.BytesRead,
        CachedBytesRead = x.CachedBytesRead + y.CachedBytesRead,
        Rounds = x.Rounds + y.Rounds,
        Elapsed = x.Elapsed + y.Elapsed,
        EstimatedDollars = x.EstimatedDollars + y.EstimatedDollars,
    };
}

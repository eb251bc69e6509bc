namespace VectorEngine;

/// <summary>An answer to a query as far as it is known: a later one of the same search has more of the layers behind it.</summary>
public sealed class SearchSnapshot
{
    private readonly bool[] _certain;

    internal SearchSnapshot(SearchResult result, bool[] certain, bool isFinal)
    {
        Result = result;
        _certain = certain;
        IsFinal = isFinal;
    }

    /// <summary>
    /// The nearest vectors by what is known, with the bounds of their distances. The receipt counts from the start of the search; rows of
    /// the metadata come with the last snapshot only.
    /// </summary>
    public SearchResult Result { get; }

    /// <summary>Whether no other snapshot follows: the stage that was asked for is reached, or all hits are certain.</summary>
    public bool IsFinal { get; }

    /// <summary>Number of hits that are certain.</summary>
    public int CertainCount => _certain.Count(isCertain => isCertain);

    /// <summary>Whether a hit is certain to be among the nearest of all vectors in the lists that were visited.</summary>
    /// <remarks>
    /// It is when fewer than k other vectors may be nearer than its largest possible distance. The bounds are those of the statistical
    /// kind, so wide (about six standard deviations) that the chance that any of them fails is below 1 in 1,000 for the whole search:
    /// exp(-e^2 / 2) times the number of vectors scanned.
    /// </remarks>
    /// <param name="rank">From 0 (nearest) to the number of hits - 1.</param>
    public bool IsCertain(int rank) => _certain[rank];
}

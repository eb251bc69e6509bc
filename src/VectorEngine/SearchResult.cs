using System.Collections;
using VectorEngine.Arrow;
using VectorEngine.Search;

namespace VectorEngine;

/// <summary>The answer to one query: the nearest vectors, nearest first.</summary>
public sealed class SearchResult : IReadOnlyList<SearchHit>
{
    private readonly SearchHit[] _hits;

    internal SearchResult(in SearchAnswer answer) => (_hits, Stage, Receipt) = answer;

    /// <summary>Number of hits: k, or fewer if the visited lists hold fewer.</summary>
    public int Count => _hits.Length;

    /// <summary>The hit at <paramref name="rank"/>.</summary>
    /// <param name="rank">From 0 (nearest) to <see cref="Count"/> - 1.</param>
    public SearchHit this[int rank] => _hits[rank];

    /// <summary>Enumerates the hits, nearest first.</summary>
    public IEnumerator<SearchHit> GetEnumerator() => ((IEnumerable<SearchHit>)_hits).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The stage that the distances come from; the roughest, where segments differ.</summary>
    public SearchStage Stage { get; }

    /// <summary>What the search did.</summary>
    public SearchReceipt Receipt { get; internal set; }

    /// <summary>The chosen columns of the hits' metadata, a row for each hit in the same order; null if there are none.</summary>
    public RecordBatch? Rows { get; internal set; }

    internal long[] Ordinals() => Array.ConvertAll(_hits, hit => hit.Ordinal);

    /// <summary>The first <paramref name="k"/> hits that are none of some vectors; the rows are not taken along.</summary>
    internal SearchResult Without(HashSet<long> ordinals, int k) =>
        new(new SearchAnswer([.. _hits.Where(hit => !ordinals.Contains(hit.Ordinal)).Take(k)], Stage, Receipt));
}

/// <summary>One vector of an answer.</summary>
/// <param name="Ordinal">
/// The vector's row in the input that the index was built from; rows that were appended later count on from there.
/// </param>
/// <param name="Distance">Its distance from the query: exact or estimated, as the result's stage says. Smaller is nearer.</param>
/// <param name="ErrorBound">Half-width of the interval around an estimated distance; 0 where it is exact.</param>
public readonly record struct SearchHit(long Ordinal, float Distance, float ErrorBound);

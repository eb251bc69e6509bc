using System.Collections;
using VectorEngine.Arrow;
using VectorEngine.Numerics;

namespace VectorEngine;

/// <summary>The answer to one query: the nearest vectors, nearest first.</summary>
public sealed class SearchResult : IReadOnlyList<SearchHit>
{
    private readonly Neighbor[] _neighbors;

    internal SearchResult(TopK nearest, Metric metric, SearchStage stage, in SearchReceipt receipt)
    {
        // Estimates leave the metric's range; its nearest end is at least as near to the truth.
        float least = metric == Metric.InnerProduct ? float.NegativeInfinity : 0,
            most = metric == Metric.Cosine ? 2 : float.PositiveInfinity;
        _neighbors = new Neighbor[nearest.Count];
        for (int rank = 0; rank < _neighbors.Length; rank++)
        {
            Neighbor neighbor = nearest[rank];
            _neighbors[rank] = neighbor with { Distance = Math.Clamp(neighbor.Distance, least, most) };
        }

        Stage = stage;
        Receipt = receipt;
    }

    /// <summary>Number of hits: k, or fewer if the visited lists hold fewer.</summary>
    public int Count => _neighbors.Length;

    /// <summary>The hit at <paramref name="rank"/>.</summary>
    /// <param name="rank">From 0 (nearest) to <see cref="Count"/> - 1.</param>
    public SearchHit this[int rank]
    {
        get
        {
            Neighbor neighbor = _neighbors[rank];
            return new SearchHit(neighbor.Ordinal, neighbor.Distance, neighbor.ErrorBound);
        }
    }

    /// <summary>Enumerates the hits, nearest first.</summary>
    public IEnumerator<SearchHit> GetEnumerator()
    {
        for (int rank = 0; rank < Count; rank++)
            yield return this[rank];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The stage that the distances come from.</summary>
    public SearchStage Stage { get; }

    /// <summary>What the search did.</summary>
    public SearchReceipt Receipt { get; }

    /// <summary>The chosen columns of the hits' metadata, a row for each hit in the same order; null if none were asked for.</summary>
    public RecordBatch? Rows { get; internal set; }

    internal long[] Ordinals() => Array.ConvertAll(_neighbors, neighbor => (long)neighbor.Ordinal);
}

/// <summary>One vector of an answer.</summary>
/// <param name="Ordinal">The vector's row in the input that the index was built from.</param>
/// <param name="Distance">Its distance from the query: exact or estimated, as the result's stage says. Smaller is nearer.</param>
/// <param name="ErrorBound">Half-width of the interval around an estimated distance; 0 where it is exact.</param>
public readonly record struct SearchHit(long Ordinal, float Distance, float ErrorBound);

namespace VectorEngine.Clustering;

/// <summary>How far from a query a list's centroid may be while the list still holds a neighbour.</summary>
/// <remarks>
/// With D the distance of query q and centroid c, r that of q and a neighbour x, and rho^2 the list's spread (the mean of |x - c|^2):
/// D^2 = r^2 + |x - c|^2 + 2 &lt;x - q, c - x&gt;, of which r^2 + rho^2 is expected. What D^2 has beyond that, as a multiple of
/// 2 rho (r + rho / 4), is the neighbour's slack: the first part of the unit belongs to the inner product, the second to |x - c|^2 - rho^2.
/// A list whose centroid is farther than a high quantile of the slacks allows hardly holds a neighbour that is nearer than r.
/// Vectors without a common length under the inner product have no such distances: there, slack is &lt;q, x - c&gt; / (|q| rho).
/// </remarks>
internal readonly struct ListReach
{
    private readonly bool _isEuclidean;
    private readonly double _listScale, _scale, _offset, _queryNorm;

    /// <param name="metric">How distances are measured.</param>
    /// <param name="commonLength">The length that all vectors have; 0 if they differ.</param>
    /// <param name="queryScale">By how much the query was multiplied to have that length; 1 where it was not.</param>
    /// <param name="queryNorm">Its length as given.</param>
    public ListReach(Metric metric, double commonLength, double queryScale, double queryNorm)
    {
        _isEuclidean = metric != Metric.InnerProduct || commonLength > 0;
        // Distances become squared Euclidean ones; of one length L, |x - y|^2 = 2 L^2 - 2 <x, y>, and half the spread is in the list's.
        _listScale = metric == Metric.SquaredL2 ? 1 : 2;
        _scale = _listScale * (metric == Metric.InnerProduct ? queryScale : 1);
        _offset = metric == Metric.InnerProduct ? 2 * commonLength * commonLength : 0;
        _queryNorm = queryNorm;
    }

    /// <summary>The slack of a neighbour at a distance in a list at a distance.</summary>
    public double Slack(double listDistance, double spread, double distance)
    {
        double unit = Unit(spread, distance), excess = _isEuclidean
            ? Math.Max(0, _offset + (_listScale * listDistance)) - spread - Squared(distance)
            : listDistance - distance;
        return unit > 0 ? Math.Clamp(excess / unit, -MaxSlack, MaxSlack) : excess > 0 ? MaxSlack : 0;
    }

    /// <summary>The largest distance of a list's centroid at which a neighbour at a distance has a slack.</summary>
    public double Limit(double distance, double spread, double slack) => _isEuclidean
        ? (Squared(distance) + spread + (slack * Unit(spread, distance)) - _offset) / _listScale
        : distance + (slack * Unit(spread, distance));

    private const double MaxSlack = 1e6;

    private double Squared(double distance) => Math.Max(0, _offset + (_scale * distance));

    private double Unit(double spread, double distance) => _isEuclidean
        ? 2 * Math.Sqrt(spread) * (Math.Sqrt(Squared(distance)) + (Math.Sqrt(spread) / 4))
        : _queryNorm * Math.Sqrt(spread);
}

namespace VectorEngine;

/// <summary>How the distance between two vectors is measured. For every metric, smaller is nearer.</summary>
public enum Metric
{
    /// <summary>Squared Euclidean distance, |o - q|^2. Never negative.</summary>
    SquaredL2 = 0,

    /// <summary>Negated inner product, -&lt;o, q&gt;: the largest inner product is the smallest distance.</summary>
    InnerProduct = 1,

    /// <summary>
    /// Cosine distance, 1 - cos(o, q), from 0 (same direction) to 2 (opposite). Zero vectors have no direction and are rejected.
    /// </summary>
    Cosine = 2,
}

namespace VectorEngine;

/// <summary>How an index is built. The defaults suit most uses.</summary>
public sealed record VectorIndexOptions
{
    /// <summary>How distances are measured.</summary>
    public Metric Metric { get; init; } = Metric.SquaredL2;

    /// <summary>
    /// Number of clusters, from 1 to the number of vectors. Null: 4 sqrt(n); up to 4,096 vectors are not clustered but searched exactly.
    /// </summary>
    public int? ClusterCount { get; init; }

    /// <summary>
    /// Whether to keep the vectors beside their codes. An index that is searched exactly keeps them in any case, as float32 where this says
    /// none.
    /// </summary>
    public StoredVectors StoredVectors { get; init; } = StoredVectors.None;

    /// <summary>
    /// The metadata column that has the caller's own ids: int64 or utf8, none missing, no two equal. Searches then return it by default,
    /// and <see cref="VectorIndex.FindAsync"/> finds vectors by it. Null: there are no ids.
    /// </summary>
    public string? IdColumn { get; init; }

    /// <summary>
    /// Seeds the clustering and the rotation: the same input and seed give the same objects, whatever the number of threads.
    /// </summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>Threads to build with; -1 for all cores.</summary>
    public int MaxDegreeOfParallelism { get; init; } = -1;
}

/// <summary>What a build is doing. A small index, which is not clustered, skips from storing to publishing.</summary>
public enum BuildPhase
{
    /// <summary>Checking the vectors.</summary>
    Checking = 0,

    /// <summary>Writing the vectors and the metadata as given.</summary>
    Storing = 1,

    /// <summary>Finding centroids.</summary>
    Training = 2,

    /// <summary>Assigning vectors to centroids.</summary>
    Assigning = 3,

    /// <summary>Encoding vectors and writing the posting lists.</summary>
    Encoding = 4,

    /// <summary>Making the new version visible.</summary>
    Publishing = 5,
}

/// <summary>How far a build has come.</summary>
/// <param name="Phase">What it is doing; phases follow each other in the order of their values.</param>
/// <param name="Fraction">How much of the phase is done, from 0 to 1.</param>
public readonly record struct BuildProgress(BuildPhase Phase, double Fraction);

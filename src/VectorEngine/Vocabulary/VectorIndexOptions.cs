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

    /// <summary>
    /// Bytes of memory that the process may take during the build, beside what it holds already, at least 128 MiB: what does not fit waits
    /// in the scratch folder. Null: a quarter of what the process may use.
    /// </summary>
    public long? MemoryLimit { get; init; }

    /// <summary>
    /// Where temporary files go, about as many bytes as the posting lists take, and the input's own where it can be read only once. Null:
    /// the system's folder for temporary files. Builds delete theirs, and those of builds whose process died.
    /// </summary>
    public string? ScratchFolder { get; init; }

    /// <summary>
    /// Leave out rows that cannot be indexed (not finite, too long, zero under cosine, without an id), count them and report them, instead
    /// of refusing the input. The rows behind them move up: a vector's ordinal is its place among the good rows.
    /// </summary>
    public bool SkipInvalidRows { get; init; }

    /// <summary>
    /// The caller promises that nobody else builds this index or adds to it at the same time. Only then may it be in a store that does not
    /// keep the conditions of writes: a build tries that, once for each store object, and refuses such a store unless this is set.
    /// </summary>
    public bool SingleWriter { get; init; }

    /// <summary>
    /// Bytes of the objects beside a segment's root up to which the root has copies of them; the copies of all segments of an index have
    /// at most eight times as many. Tests of what is read when it is needed set it to 0.
    /// </summary>
    internal long CopyLimit { get; init; } = 512 << 10;
}

/// <summary>What a build is doing. A small index, which is not clustered, has no training and no writing.</summary>
public enum BuildPhase
{
    /// <summary>Reading and checking the input, and sampling it.</summary>
    Reading = 0,

    /// <summary>Finding centroids.</summary>
    Training = 1,

    /// <summary>Reading the input again: assigning vectors to clusters, encoding them, storing what is kept as given.</summary>
    Encoding = 2,

    /// <summary>Writing the posting lists.</summary>
    Writing = 3,

    /// <summary>Making the new version visible.</summary>
    Publishing = 4,
}

/// <summary>How far a build has come.</summary>
/// <param name="Phase">What it is doing; phases follow each other in the order of their values.</param>
/// <param name="Fraction">How much of the phase is done, from 0 to 1; 0 while the length of the input is unknown.</param>
/// <param name="VectorsPerSecond">Vectors that the phase gets through, on average so far; null where it does not count any.</param>
/// <param name="Remaining">How long the rest of the phase will take at that rate; null while nothing can be told.</param>
public readonly record struct BuildProgress(BuildPhase Phase, double Fraction, double? VectorsPerSecond, TimeSpan? Remaining);

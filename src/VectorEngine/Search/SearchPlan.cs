using VectorEngine.Format;
using VectorEngine.Loading;

namespace VectorEngine.Search;

/// <summary>What is asked of a whole index.</summary>
/// <param name="Count">k.</param>
/// <param name="Options">How to search, checked.</param>
internal readonly record struct SearchRequest(int Count, SearchOptions Options)
{
    /// <summary>What the options' filter selects in each segment; null for all.</summary>
    public SegmentFilter[]? Filters { get; init; }

    /// <summary>What had to be read before the search could begin; null if nothing had.</summary>
    public ReadScope? Before { get; init; }

    /// <summary>All rows up to this distance are wanted; null where the nearest are.</summary>
    public float? Radius { get; init; }

    /// <summary>Whether the search is the first of two, of which the second refines: then it also begins to read what that will need.</summary>
    public bool LooksAhead { get; init; }
}

/// <summary>A search's settings for one segment, with all defaults resolved.</summary>
/// <param name="Count">k, or the number of vectors if that is less.</param>
/// <param name="ProbeCount">Lists to visit.</param>
/// <param name="Stage">How far to go.</param>
/// <param name="Bound">What the bounds promise.</param>
/// <param name="Epsilon0">Half-width of the statistical bound.</param>
internal readonly record struct SearchPlan(int Count, int ProbeCount, SearchStage Stage, ErrorBound Bound, float Epsilon0)
{
    // Chosen from the recall that pruning loses against the postings that it leaves; the curve is in bench/VectorEngine.AnnBench/results.
    private const float RefinedEpsilon0 = 1.9f, ExactEpsilon0 = 2.5f;

    /// <summary>The rows that may be returned; null for all.</summary>
    public SegmentFilter? Filter { get; init; }

    /// <summary>All rows up to this distance are wanted; null where the nearest are.</summary>
    public float? Radius { get; init; }

    /// <summary>Bytes and requests that may be read from the store for this segment; null for any number.</summary>
    public ReadBudget? Budget { get; init; }

    /// <summary>Whether to begin to read what a second search, which refines, will need.</summary>
    public bool LooksAhead { get; init; }

    /// <summary>Refuses options that no segment could be searched with.</summary>
    public static void Check(int k, SearchOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        if (options.ProbeCount < 1)
            throw new ArgumentException($"A probe count of {options.ProbeCount}.", nameof(options));
        if (options.RecallTarget is { } target && (options.ProbeCount is not null || !(target > 0 && target <= 1)))
            throw new ArgumentException($"A recall target of {target}, or beside a probe count.", nameof(options));
        if (options.Budget is { } budget && (budget.Bytes <= 0 || budget.Requests <= 0 || budget.Time <= TimeSpan.Zero))
            throw new ArgumentException("A budget of nothing.", nameof(options));
        if (options.Epsilon0 is { } epsilon0 && !(epsilon0 > 0 && float.IsFinite(epsilon0)))
            throw new ArgumentException($"An epsilon0 of {epsilon0}.", nameof(options));
        if ((options.Stage is { } stage && !Enum.IsDefined(stage)) || !Enum.IsDefined(options.Bound))
            throw new ArgumentException("Unknown stage or bound.", nameof(options));
    }

    /// <summary>The plan for a segment from a request that was checked.</summary>
    /// <param name="root">The segment's root.</param>
    /// <param name="segment">Its number.</param>
    /// <param name="segments">How many there are, which share the budget.</param>
    /// <param name="request">What is asked for.</param>
    /// <exception cref="ArgumentException">The stage needs vectors that are not stored.</exception>
    public static SearchPlan For(SegmentRoot root, int segment, int segments, in SearchRequest request)
    {
        SegmentDescription description = root.Description;
        SearchOptions options = request.Options;
        bool stored = description.StoredVectors != StoredVectors.None, flat = description.Kind == SegmentKind.Flat;
        SearchStage stage = flat && options.Stage != SearchStage.BruteForce
            ? SearchStage.Exact
            : options.Stage ?? (stored ? SearchStage.Exact : SearchStage.Refined);
        if (stage >= SearchStage.Exact && !stored)
            throw new ArgumentException("Exact distances need stored vectors, which this index was built without.", nameof(request));
        float epsilon0 = options.Epsilon0 ?? (stage == SearchStage.Exact ? ExactEpsilon0 : RefinedEpsilon0);
        bool all = request.Radius is not null && options.Bound == ErrorBound.Hard;
        int probes = all ? int.MaxValue : options.ProbeCount ?? DefaultProbes(root, request.Count, options.RecallTarget);
        return new SearchPlan(Math.Min(request.Count, description.Count), probes, stage, options.Bound, epsilon0)
        {
            Filter = request.Filters?[segment],
            Radius = request.Radius,
            LooksAhead = request.LooksAhead,
            Budget = options.Budget is { } budget && (budget.Bytes ?? budget.Requests) is not null
                ? new ReadBudget((budget.Bytes ?? long.MaxValue) / segments, (budget.Requests ?? int.MaxValue) / segments)
                : null,
        };
    }

    /// <summary>Lists to visit for a share of the k nearest; 3 %, at least 16, where none is asked for.</summary>
    private static int DefaultProbes(SegmentRoot root, int k, double? target)
    {
        int lists = root.Description.ListCount;
        return target is null
            ? Math.Max(16, (int)Math.Ceiling(0.03 * lists))
            : (int)Math.Clamp(Math.Ceiling(root.Recall.ListsFor(k, target.Value)), 1, Math.Max(1, lists));
    }
}

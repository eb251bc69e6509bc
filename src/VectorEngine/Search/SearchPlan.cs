using VectorEngine.Format;

namespace VectorEngine.Search;

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

    /// <summary>Refuses options that no segment could be searched with.</summary>
    public static void Check(int k, SearchOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        if (options.ProbeCount < 1)
            throw new ArgumentException($"A probe count of {options.ProbeCount}.", nameof(options));
        if (options.Epsilon0 is { } epsilon0 && !(epsilon0 > 0 && float.IsFinite(epsilon0)))
            throw new ArgumentException($"An epsilon0 of {epsilon0}.", nameof(options));
        if ((options.Stage is { } stage && !Enum.IsDefined(stage)) || !Enum.IsDefined(options.Bound))
            throw new ArgumentException("Unknown stage or bound.", nameof(options));
    }

    /// <summary>The plan for a segment from options that were checked.</summary>
    /// <exception cref="ArgumentException">The stage needs vectors that are not stored.</exception>
    public static SearchPlan For(SegmentDescription segment, int k, SearchOptions options)
    {
        bool stored = segment.StoredVectors != StoredVectors.None, flat = segment.Kind == SegmentKind.Flat;
        SearchStage stage = flat && options.Stage != SearchStage.BruteForce
            ? SearchStage.Exact
            : options.Stage ?? (stored ? SearchStage.Exact : SearchStage.Refined);
        if (stage >= SearchStage.Exact && !stored)
            throw new ArgumentException("Exact distances need stored vectors, which this index was built without.", nameof(options));
        float epsilon0 = options.Epsilon0 ?? (stage == SearchStage.Exact ? ExactEpsilon0 : RefinedEpsilon0);
        int probes = options.ProbeCount ?? Math.Max(16, (int)Math.Ceiling(0.03 * segment.ListCount));
        return new SearchPlan(Math.Min(k, segment.Count), probes, stage, options.Bound, epsilon0);
    }
}

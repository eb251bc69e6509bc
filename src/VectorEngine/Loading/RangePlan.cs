namespace VectorEngine.Loading;

/// <summary>How far extents are joined.</summary>
/// <param name="FewRequests">Requests that are few enough: no more gaps are closed, unless they are short.</param>
/// <param name="ShortGap">Bytes of a gap that cost less than a request, however few there are.</param>
/// <param name="GapShare">Most bytes of all gaps, as a share of the bytes asked for.</param>
internal readonly record struct RangeLimits(int FewRequests, int ShortGap, double GapShare)
{
    /// <summary>For posting lists, of which a search wants many that lie near each other.</summary>
    public static RangeLimits Lists => new(48, 4096, 0.35);

    /// <summary>For rows, which lie anywhere: only neighbours are joined.</summary>
    public static RangeLimits Rows => new(int.MaxValue, 4096, 0.05);
}

/// <summary>
/// Joins extents of an object that are to be read into fewer, longer ranges. A range may run over extents that nobody asked for:
/// the smallest gaps are closed first, until there are few enough requests or too many such bytes.
/// </summary>
internal static class RangePlan
{
    /// <summary>Longest range that extents are joined to: several at a time are faster than one, and the first of them arrives sooner.</summary>
    public const int MaxJoined = 2 << 20;

    /// <summary>The most that may be read to get so many bytes.</summary>
    public static long Most(long bytes, in RangeLimits limits) => (long)Math.Ceiling(bytes * (1 + limits.GapShare));

    /// <summary>Plans the reading.</summary>
    /// <param name="extents">Numbers of extents, ascending, none twice.</param>
    /// <param name="range">Where an extent lies; offsets ascend with the numbers, without overlap.</param>
    /// <param name="plan">Receives, for each range, its first extent and its last; ranges ascend.</param>
    /// <param name="limits">When to stop.</param>
    public static void Make(
        ReadOnlySpan<int> extents, Func<int, (long Offset, int Length)> range, in RangeLimits limits, List<(int First, int Last)> plan)
    {
        plan.Clear();
        if (extents.IsEmpty)
            return;
        int gapCount = extents.Length - 1;
        long[] gaps = new long[gapCount];
        int[] order = new int[gapCount];
        long wanted = range(extents[0]).Length;
        for (int i = 0; i < gapCount; i++)
        {
            (long offset, int length) = range(extents[i + 1]);
            (long before, int beforeLength) = range(extents[i]);
            wanted += length;
            (gaps[i], order[i]) = (offset - before - beforeLength, i);
        }

        Array.Sort((long[])gaps.Clone(), order);
        bool[] closed = new bool[gapCount];
        long budget = (long)(wanted * limits.GapShare);
        int requests = extents.Length;
        foreach (int gap in order)
        {
            if ((requests <= limits.FewRequests && gaps[gap] > limits.ShortGap) || gaps[gap] > budget)
                break;
            closed[gap] = true;
            budget -= gaps[gap];
            requests--;
        }

        for (int start = 0; start < extents.Length;)
        {
            int end = start;
            long startOffset = range(extents[start]).Offset;
            while (end < gapCount && closed[end] && End(extents[end + 1]) - startOffset <= MaxJoined)
                end++;
            plan.Add((extents[start], extents[end]));
            start = end + 1;
        }

        long End(int extent)
        {
            (long offset, int length) = range(extent);
            return offset + length;
        }
    }
}

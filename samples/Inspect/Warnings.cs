using VectorEngine;

namespace Inspect;

/// <summary>What makes the searches of an index slower or worse than they could be.</summary>
internal static class Warnings
{
    /// <summary>From where on lists are so uneven that searches notice.</summary>
    private const double MostImbalance = 2;

    public static IEnumerable<string> Of(Metric metric, IndexStatistics statistics)
    {
        for (int i = 0; i < statistics.Segments.Count; i++)
        {
            SegmentStatistics segment = statistics.Segments[i];
            if (segment.ListSizes.Count > 0 && segment.Imbalance > MostImbalance)
            {
                yield return $"Segment {i}: lists are uneven, the largest has {segment.ListSizes.Max():N0} vectors; "
                    + $"a search scans {segment.Imbalance:f1} times as many as if they were even.";
            }
            if (segment.DuplicateLists > 0)
            {
                yield return $"Segment {i}: {segment.DuplicateLists:N0} lists have the centroid of another; "
                    + "are there many equal vectors?";
            }
            if (metric == Metric.InnerProduct && segment.ListSizes.Count > 0 && segment.CommonLength is null)
            {
                yield return $"Segment {i}: vectors differ in length, and are compared by inner product; "
                    + "if only their direction matters, cosine finds more at the same cost.";
            }
        }
    }
}

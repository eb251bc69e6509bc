namespace VectorEngine;

/// <summary>What an index's roots tell about it.</summary>
public sealed record IndexStatistics
{
    /// <summary>The version.</summary>
    public required long Version { get; init; }

    /// <summary>When it was published, by the clock of the process that built it.</summary>
    public required DateTimeOffset Published { get; init; }

    /// <summary>Lengths of its objects.</summary>
    public required IndexSize Size { get; init; }

    /// <summary>The segments, in the order of their ordinals.</summary>
    public required IReadOnlyList<SegmentStatistics> Segments { get; init; }
}

/// <summary>What a segment's root tells about it.</summary>
public sealed record SegmentStatistics
{
    /// <summary>Number of vectors.</summary>
    public required long Count { get; init; }

    /// <summary>The length that all vectors have, within 2 %; null if they differ. 1 under cosine.</summary>
    public required float? CommonLength { get; init; }

    /// <summary>Vectors of each posting list; empty if the segment has no clusters.</summary>
    public required IReadOnlyList<int> ListSizes { get; init; }

    /// <summary>The mean squared distance of each list's vectors from its centroid; empty if the segment has no clusters.</summary>
    public required IReadOnlyList<float> Spreads { get; init; }

    /// <summary>
    /// Lists whose centroid is, as far as its code tells, that of another list before: of a cluster that is too long for one list, or of
    /// many equal vectors.
    /// </summary>
    public required int DuplicateLists { get; init; }

    /// <summary>
    /// By how many times more vectors a search scans than if all lists had the same size, if it visits lists as often as they have vectors:
    /// k times the sum of the squared sizes, divided by the square of their sum, for k lists. 1 is even, and so is a segment without lists.
    /// </summary>
    public double Imbalance => ListSizes.Count == 0
        ? 1
        : ListSizes.Count * ListSizes.Sum(size => (double)size * size) / ((double)Count * Count);
}

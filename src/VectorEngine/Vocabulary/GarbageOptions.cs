namespace VectorEngine;

/// <summary>What a collection of garbage keeps.</summary>
public sealed record GarbageOptions
{
    /// <summary>The number of newest versions to keep, from 1: the newest is always kept. The others can be rolled back to.</summary>
    public int KeepVersions { get; init; } = 2;

    /// <summary>
    /// How long everything else is kept: a version, after the next one has taken its place; what builds have left behind, or have not
    /// published yet, after the newest object of a segment was written. It has to be longer than any build takes while others collect,
    /// and than readers without a lease take to move on to a newer version. Told by the store's own clock.
    /// </summary>
    public TimeSpan GracePeriod { get; init; } = TimeSpan.FromDays(1);
}

/// <summary>What a collection of garbage has deleted.</summary>
/// <param name="VersionCount">Versions that can no longer be opened.</param>
/// <param name="SegmentCount">Segments that no version has any more, or that none ever had.</param>
/// <param name="ObjectCount">Objects, of all kinds.</param>
/// <param name="ByteCount">Their lengths.</param>
public sealed record GarbageReport(int VersionCount, int SegmentCount, int ObjectCount, long ByteCount);

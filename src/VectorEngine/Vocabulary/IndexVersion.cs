namespace VectorEngine;

/// <summary>A published version of an index.</summary>
/// <param name="Number">1 for the first, then one more each time.</param>
/// <param name="Published">When it was published, by the clock of the machine that did.</param>
/// <param name="SegmentCount">Number of its segments.</param>
public sealed record IndexVersion(long Number, DateTimeOffset Published, int SegmentCount);

namespace VectorEngine;

/// <summary>How an index is watched.</summary>
public sealed record WatcherOptions
{
    /// <summary>How often to look for a new version, within a tenth, so that many watchers do not all look at once.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How versions are opened; they name no version and no token.</summary>
    public OpenOptions Open { get; init; } = new();

    /// <summary>
    /// Called with each version before it takes the place of the one before, such as to prefetch it or to search it for what will be
    /// asked (<see cref="VectorIndex.PrefetchAsync"/>, <see cref="VectorIndex.WarmUpAsync"/>); if it fails, the version before stays.
    /// Null for nothing.
    /// </summary>
    public Func<VectorIndex, CancellationToken, ValueTask>? WarmUp { get; init; }
}

namespace VectorEngine.Testing;

/// <summary>What a <see cref="SimulatedStore"/> was asked for, and what came of it.</summary>
public readonly record struct StoreStatistics
{
    /// <summary>Requests that read an object or a range of one.</summary>
    public long Reads { get; init; }

    /// <summary>Requests that wrote: whole objects, and the parts of those written piece by piece.</summary>
    public long Writes { get; init; }

    /// <summary>Requests for a page of a listing.</summary>
    public long Listings { get; init; }

    /// <summary>Requests that deleted.</summary>
    public long Deletions { get; init; }

    /// <summary>All requests.</summary>
    public long Requests => Reads + Writes + Listings + Deletions;

    /// <summary>Bytes of objects that requests have read to the end.</summary>
    public long BytesRead { get; init; }

    /// <summary>Bytes of objects that requests have written.</summary>
    public long BytesWritten { get; init; }

    /// <summary>Requests that ended with an exception, but for cancelled ones.</summary>
    public long Errors { get; init; }

    /// <summary>Requests that were cancelled.</summary>
    public long Cancellations { get; init; }
}

namespace VectorEngine;

/// <summary>
/// What an open index has in memory, in bytes. What was asked of the store and has not arrived yet is counted, too: room was made for it.
/// </summary>
public readonly record struct MemoryUsage
{
    /// <summary>
    /// Roots, with all that the roots of small segments have in them; they stay as long as the index is open, whatever its budget.
    /// </summary>
    public long RootBytes { get; init; }

    /// <summary>Posting lists of the 1-bit layer.</summary>
    public long SignBytes { get; init; }

    /// <summary>Posting lists of the 3-bit layer.</summary>
    public long ExBytes { get; init; }

    /// <summary>Stored vectors and their checksums.</summary>
    public long VectorBytes { get; init; }

    /// <summary>Metadata, and what filters know of lists.</summary>
    public long MetadataBytes { get; init; }

    /// <summary>Ids.</summary>
    public long IdBytes { get; init; }

    /// <summary>All of them.</summary>
    public long TotalBytes => RootBytes + SignBytes + ExBytes + VectorBytes + MetadataBytes + IdBytes;

    /// <summary>Bytes that are on their way from the store now.</summary>
    public long BytesUnderWay { get; init; }

    /// <summary>What the cache on disk did for this index; null if it has none.</summary>
    public DiskCacheUsage? DiskCache { get; init; }
}

/// <summary>What a cache on disk did since the index was opened.</summary>
/// <param name="Hits">Ranges that were found there.</param>
/// <param name="Misses">Ranges that were not.</param>
/// <param name="BytesRead">Bytes that were read from it.</param>
/// <param name="BytesWritten">Bytes that were written to it.</param>
public readonly record struct DiskCacheUsage(long Hits, long Misses, long BytesRead, long BytesWritten);

namespace VectorEngine;

/// <summary>How an index is opened.</summary>
public sealed record OpenOptions
{
    /// <summary>
    /// Bytes of posting lists, vectors and metadata to keep in memory; what was not used lately is dropped beyond that.
    /// Null: half of the memory that the process may use. Where everything fits, everything that was read once stays.
    /// </summary>
    public long? MemoryBudget { get; init; }

    /// <summary>
    /// A folder on local disk where what is read from the store is kept, too: for later searches, other processes and later starts.
    /// It is created if it is missing; other files in it are left alone. What is read from it is verified like everything else. Null: none.
    /// </summary>
    public string? CacheFolder { get; init; }

    /// <summary>Bytes that <see cref="CacheFolder"/> may take on disk, above 0; what was not used lately is deleted beyond that.</summary>
    public long CacheLimit { get; init; } = 10L << 30;

    /// <summary>What 1,000 read requests cost at the store, in dollars, for the estimate in receipts; by default what S3 asks.</summary>
    public double DollarsPerThousandRequests { get; init; } = 0.0004;

    /// <summary>
    /// Map the files of a file store instead of reading them into buffers: nothing counts against the budget,
    /// and the operating system decides what stays in memory. Only for folders that nobody else rewrites: truncating a mapped file
    /// kills the process, and bytes that change after they were verified give wrong answers.
    /// </summary>
    public bool MemoryMap { get; init; }

    /// <summary>The number of the version to open; null for the newest. Not together with <see cref="Token"/>.</summary>
    public long? Version { get; init; }

    /// <summary>
    /// The <see cref="VectorIndex.Token"/> of the version to open; null for the newest. It has what opening needs of the pointer, which is
    /// not read then. It can be trusted as much as where it comes from: a token can name any segments of the index.
    /// </summary>
    public string? Token { get; init; }

    /// <summary>
    /// How long the opened version stays in the store, whatever is collected, should this process end without disposing the index: as
    /// long as it is open, an object in the store says so, which is renewed after each third of this time. From a second to a day;
    /// null to do without, for stores that cannot be written to, or where nothing is ever collected.
    /// </summary>
    public TimeSpan? Lease { get; init; }

    /// <summary>What leases are renewed by; for tests.</summary>
    internal TimeProvider Time { get; init; } = TimeProvider.System;
}

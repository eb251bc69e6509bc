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
    /// Map the files of a file store instead of reading them into buffers: nothing counts against the budget,
    /// and the operating system decides what stays in memory. Only for folders that nobody else rewrites: truncating a mapped file
    /// kills the process, and bytes that change after they were verified give wrong answers.
    /// </summary>
    public bool MemoryMap { get; init; }
}

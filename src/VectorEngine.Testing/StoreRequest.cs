namespace VectorEngine.Testing;

/// <summary>What a request asks of a store.</summary>
public enum StoreOperation
{
    /// <summary>A whole object and its tag, or only if it has changed.</summary>
    ReadWhole,

    /// <summary>A range of an object.</summary>
    ReadRange,

    /// <summary>To write a whole object.</summary>
    Write,

    /// <summary>To begin an object that is written piece by piece.</summary>
    Create,

    /// <summary>To append to such an object.</summary>
    Append,

    /// <summary>To make such an object appear.</summary>
    Commit,

    /// <summary>A listing.</summary>
    List,

    /// <summary>To delete an object.</summary>
    Delete,
}

/// <summary>A request to a store, as a rule for faults sees it.</summary>
/// <param name="Number">How many requests the store has had, with this one: from 1.</param>
/// <param name="Operation">What it asks.</param>
/// <param name="Key">The object or, of a listing, the prefix.</param>
/// <param name="Offset">Of ranges and appended bytes: where they begin in the object.</param>
/// <param name="Length">Bytes that a range, an object to be written or an appended piece has; otherwise 0.</param>
public readonly record struct StoreRequest(long Number, StoreOperation Operation, string Key, long Offset = 0, long Length = 0)
{
    /// <summary>Whether it writes: <see cref="StoreOperation.Write"/>, Create, Append or Commit.</summary>
    public bool Writes => Operation is StoreOperation.Write or StoreOperation.Create or StoreOperation.Append or StoreOperation.Commit;
}

namespace VectorEngine;

/// <summary>The base of every exception that the engine itself defines.</summary>
public abstract class VectorEngineException : Exception
{
    private protected VectorEngineException(string message, Exception? innerException = null) : base(message, innerException) { }
}

/// <summary>Bytes read from storage are not what the format allows: damaged, truncated, swapped or written by something else.</summary>
public sealed class CorruptDataException : VectorEngineException
{
    /// <summary>Reports a damaged range.</summary>
    /// <param name="objectKey">The object that holds the range.</param>
    /// <param name="offset">First byte of the range, from the object's start.</param>
    /// <param name="length">Length of the range in bytes; 0 where the whole object is meant.</param>
    /// <param name="reason">What is wrong with it.</param>
    /// <param name="innerException">The cause, if another exception told.</param>
    public CorruptDataException(string objectKey, long offset, long length, string reason, Exception? innerException = null)
        : base($"'{objectKey}', bytes {offset}..{offset + length}: {reason}.", innerException)
    {
        ObjectKey = objectKey;
        Offset = offset;
        Length = length;
    }

    /// <summary>The object that holds the damaged range.</summary>
    public string ObjectKey { get; }

    /// <summary>First byte of the range, from the object's start.</summary>
    public long Offset { get; }

    /// <summary>Length of the range in bytes; 0 where the whole object is meant.</summary>
    public long Length { get; }
}

/// <summary>An object or index does not exist in the store.</summary>
public sealed class ObjectNotFoundException : VectorEngineException
{
    /// <summary>Reports a missing object.</summary>
    /// <param name="objectKey">The key that was asked for.</param>
    /// <param name="innerException">The store's own exception, if there is one.</param>
    public ObjectNotFoundException(string objectKey, Exception? innerException = null)
        : base($"'{objectKey}' does not exist.", innerException) => ObjectKey = objectKey;

    /// <summary>The key that was asked for.</summary>
    public string ObjectKey { get; }
}

/// <summary>An index has no version of a number, or has it no longer.</summary>
public sealed class VersionNotFoundException : VectorEngineException
{
    /// <summary>Reports a missing version.</summary>
    /// <param name="index">The index's name.</param>
    /// <param name="version">The number that was asked for.</param>
    public VersionNotFoundException(string index, long version) : base($"'{index}' has no version {version}, or has it no longer.")
    {
        Index = index;
        Version = version;
    }

    /// <summary>The index's name.</summary>
    public string Index { get; }

    /// <summary>The number that was asked for.</summary>
    public long Version { get; }
}

/// <summary>A store did not do what was asked, for reasons of its own: unreachable, overloaded, cut off, access denied.</summary>
public sealed class StoreException : VectorEngineException
{
    /// <summary>Reports a request that a store failed to serve.</summary>
    /// <param name="objectKey">The object or, of a listing, the prefix that was asked for.</param>
    /// <param name="offset">First byte of the range that was asked for.</param>
    /// <param name="length">Length of the range in bytes; 0 where the whole object is meant.</param>
    /// <param name="reason">What happened.</param>
    /// <param name="isTransient">Whether the same request may succeed later.</param>
    /// <param name="innerException">The store's own exception, if there is one.</param>
    public StoreException(
        string objectKey, long offset, long length, string reason, bool isTransient, Exception? innerException = null)
        : base($"'{objectKey}'{(length > 0 ? $", bytes {offset}..{offset + length}" : "")}: {reason}.", innerException)
    {
        ObjectKey = objectKey;
        Offset = offset;
        Length = length;
        IsTransient = isTransient;
    }

    /// <summary>The object or, of a listing, the prefix that was asked for.</summary>
    public string ObjectKey { get; }

    /// <summary>First byte of the range that was asked for.</summary>
    public long Offset { get; }

    /// <summary>Length of the range in bytes; 0 where the whole object is meant.</summary>
    public long Length { get; }

    /// <summary>Whether the same request may succeed later.</summary>
    public bool IsTransient { get; }
}

/// <summary>A conditional write lost: the object exists already, or is not the one that was expected.</summary>
public sealed class WriteConflictException : VectorEngineException
{
    /// <summary>Reports a lost conditional write.</summary>
    /// <param name="objectKey">The key that was written to.</param>
    /// <param name="innerException">The store's own exception, if there is one.</param>
    public WriteConflictException(string objectKey, Exception? innerException = null)
        : base($"'{objectKey}' was changed by another writer.", innerException) => ObjectKey = objectKey;

    /// <summary>The key that was written to.</summary>
    public string ObjectKey { get; }
}

/// <summary>
/// A store does not keep the conditions of writes, so of two builds at the same time one could replace the other's version unnoticed.
/// </summary>
public sealed class ConditionalWritesNotSupportedException : VectorEngineException
{
    /// <summary>Reports what the store was found to do.</summary>
    /// <param name="fault">What it does, such as "replaces an object that should not exist".</param>
    public ConditionalWritesNotSupportedException(string fault)
        : base($"The store {fault}. Where nobody else builds this index, {nameof(VectorIndexOptions.SingleWriter)} lets you use it.") { }
}

/// <summary>Two vectors have the same id.</summary>
public sealed class DuplicateIdException : VectorEngineException
{
    /// <summary>Reports an id that is given twice.</summary>
    /// <param name="id">The id, as text.</param>
    /// <param name="ordinal">The vector that has it already.</param>
    /// <param name="row">The row of the input that has it again.</param>
    public DuplicateIdException(string id, long ordinal, long row) : base($"Row {row} has the id {id}, which is that of vector {ordinal}.")
    {
        Id = id;
        Ordinal = ordinal;
        Row = row;
    }

    /// <summary>The id, as text.</summary>
    public string Id { get; }

    /// <summary>The vector that has it already: its ordinal in the index, or what that would become.</summary>
    public long Ordinal { get; }

    /// <summary>The row of the input that has it again, counted without rows that were left out.</summary>
    public long Row { get; }
}

/// <summary>What was asked for takes the vectors themselves, but the index, or a segment of it, was built without storing them.</summary>
public sealed class VectorsNotStoredException : VectorEngineException
{
    /// <summary>Reports that vectors are not stored.</summary>
    public VectorsNotStoredException()
        : base($"The index, or a segment of it, was built without stored vectors: build with {nameof(StoredVectors)} other than none.") { }
}

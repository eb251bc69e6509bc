namespace VectorEngine.Storage;

/// <summary>
/// Where the bytes of an index live: a flat namespace of immutable objects plus one that is replaced conditionally.
/// Implementations are safe for concurrent use.
/// </summary>
/// <remarks>
/// Keys are relative paths of segments separated by '/'; a segment has 1 to 200 characters of [A-Za-z0-9._-] and does not end with '.';
/// a whole key has at most 500 characters. A key that breaks the rule throws <see cref="ArgumentException"/>.
/// No key is a folder of another: 'a' and 'a/b' cannot both exist. Stores that check this refuse the second with <see cref="IOException"/>.
/// A failed condition throws <see cref="WriteConflictException"/>, a missing object <see cref="ObjectNotFoundException"/>, a store that
/// does not do what it should for reasons of its own (unreachable, overloaded, access denied) <see cref="StoreException"/>;
/// an object is visible wholly or not at all.
/// </remarks>
public interface IObjectStore
{
    /// <summary>Reads a whole small object together with its entity tag, or null if it does not exist.</summary>
    /// <param name="key">The object.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    ValueTask<ObjectContent?> TryReadAsync(string key, CancellationToken cancellationToken = default);

    /// <summary>Reads a whole small object and its entity tag unless the object still has a known tag: then null, and no content moves.</summary>
    /// <param name="key">The object.</param>
    /// <param name="knownETag">The tag that an earlier read or write returned.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="ObjectNotFoundException">There is no such object.</exception>
    async ValueTask<ObjectContent?> ReadIfChangedAsync(string key, string knownETag, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(knownETag);
        ObjectContent content = await TryReadAsync(key, cancellationToken).ConfigureAwait(false) ?? throw new ObjectNotFoundException(key);
        return content.ETag == knownETag ? null : content;
    }

    /// <summary>
    /// Fills <paramref name="destination"/> with the bytes from <paramref name="offset"/> on. Once the call has ended, however it has, nothing
    /// more is written there.
    /// </summary>
    /// <param name="key">The object.</param>
    /// <param name="offset">First byte, from the object's start.</param>
    /// <param name="destination">Receives exactly its own length.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="ObjectNotFoundException">There is no such object.</exception>
    /// <exception cref="CorruptDataException">The object ends before the range does.</exception>
    ValueTask ReadAsync(string key, long offset, Memory<byte> destination, CancellationToken cancellationToken = default);

    /// <summary>Reads several ranges of an object at once; when one fails, the others have ended, too.</summary>
    /// <param name="key">The object.</param>
    /// <param name="ranges">The ranges, each with its own destination; they may overlap.</param>
    /// <param name="cancellationToken">Cancels all reads.</param>
    /// <exception cref="ObjectNotFoundException">There is no such object.</exception>
    /// <exception cref="CorruptDataException">The object ends before a range does.</exception>
    async ValueTask ReadAsync(string key, IReadOnlyList<ObjectRange> ranges, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ranges);
        var reads = new Task[ranges.Count];
        for (int i = 0; i < reads.Length; i++)
            reads[i] = ReadAsync(key, ranges[i].Offset, ranges[i].Destination, cancellationToken).AsTask();
        await Task.WhenAll(reads).ConfigureAwait(false);
    }

    /// <summary>Writes a whole object at once and returns its entity tag.</summary>
    /// <param name="key">The object.</param>
    /// <param name="content">Its bytes.</param>
    /// <param name="condition">What must hold for the write to happen.</param>
    /// <param name="cancellationToken">Cancels the write.</param>
    /// <exception cref="WriteConflictException">The condition does not hold.</exception>
    ValueTask<string> WriteAsync(
        string key, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken = default);

    /// <summary>Starts an object that is written piece by piece and appears when it is committed.</summary>
    /// <param name="key">The object; an existing one is replaced on commit.</param>
    /// <param name="cancellationToken">Cancels the start.</param>
    ValueTask<ObjectWriter> CreateAsync(string key, CancellationToken cancellationToken = default);

    /// <summary>Lists the objects whose key starts with <paramref name="prefix"/>, in ordinal order of their keys.</summary>
    /// <param name="prefix">The start of the keys, not necessarily a whole segment; empty for all.</param>
    /// <param name="cancellationToken">Cancels the listing.</param>
    IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken = default);

    /// <summary>Deletes an object; deleting a missing one does nothing.</summary>
    /// <param name="key">The object.</param>
    /// <param name="cancellationToken">Cancels the deletion.</param>
    ValueTask DeleteAsync(string key, CancellationToken cancellationToken = default);
}

/// <summary>A range of an object to be read.</summary>
/// <param name="Offset">First byte, from the object's start.</param>
/// <param name="Destination">Receives exactly its own length.</param>
public readonly record struct ObjectRange(long Offset, Memory<byte> Destination);

/// <summary>A whole object as it was read.</summary>
/// <param name="Content">Its bytes.</param>
/// <param name="ETag">Identifies these bytes: changes whenever the content does.</param>
public sealed record ObjectContent(ReadOnlyMemory<byte> Content, string ETag);

/// <summary>An object as it appears in a listing.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Length">Its length in bytes.</param>
/// <param name="LastModified">When it was written, by the store's own clock.</param>
public sealed record ObjectInfo(string Key, long Length, DateTimeOffset LastModified);

/// <summary>What must hold for a write to happen.</summary>
public readonly record struct WriteCondition
{
    private WriteCondition(bool ifAbsent, string? ifMatch) => (IfAbsent, IfMatch) = (ifAbsent, ifMatch);

    /// <summary>Write whatever is there.</summary>
    public static WriteCondition None => default;

    /// <summary>Write only if the object does not exist.</summary>
    public static WriteCondition Absent => new(true, null);

    /// <summary>Write only if the object's entity tag is <paramref name="etag"/>.</summary>
    /// <param name="etag">The tag that an earlier read or write returned.</param>
    /// <exception cref="ArgumentException">The tag is null or empty, which would match anything.</exception>
    public static WriteCondition Matches(string etag)
    {
        ArgumentException.ThrowIfNullOrEmpty(etag);
        return new(false, etag);
    }

    /// <summary>The object must not exist.</summary>
    public bool IfAbsent { get; }

    /// <summary>The entity tag that the object must have, or null.</summary>
    public string? IfMatch { get; }
}

/// <summary>An object being written: appears when <see cref="CommitAsync"/> completes, leaves nothing when disposed before.</summary>
public abstract class ObjectWriter : IAsyncDisposable
{
    /// <summary>Bytes written so far.</summary>
    public abstract long Length { get; }

    /// <summary>Appends bytes; the buffer may be reused once the call completes. A call that fails appends nothing.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="cancellationToken">Cancels the write.</param>
    /// <exception cref="InvalidOperationException">The object was committed already.</exception>
    public abstract ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default);

    /// <summary>Makes the object visible, durable where the store can.</summary>
    /// <remarks>
    /// After a commit that failed with a transient <see cref="StoreException"/>, whether or not the object has appeared, it can be tried
    /// again; after any other failure, the writer can only be disposed.
    /// </remarks>
    /// <param name="cancellationToken">Cancels the commit; the object then may or may not have appeared.</param>
    /// <exception cref="InvalidOperationException">The object was committed already.</exception>
    public abstract ValueTask CommitAsync(CancellationToken cancellationToken = default);

    /// <summary>Ends the writing; without a commit, what was written is discarded.</summary>
    public abstract ValueTask DisposeAsync();
}

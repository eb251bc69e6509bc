using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace VectorEngine.Storage;

/// <summary>Keeps objects in the memory of this process: for tests, and for indexes that need not outlive it.</summary>
/// <remarks>All operations complete synchronously. Content is copied in, so callers may reuse their buffers.</remarks>
public sealed class MemoryObjectStore : IObjectStore
{
    // Readers take no lock: a stored object is immutable and replaced as a whole.
    private readonly ConcurrentDictionary<string, StoredObject> _objects = new(StringComparer.Ordinal);
    private readonly Lock _writing = new();
    private readonly TimeProvider _time;

    /// <summary>Makes an empty store.</summary>
    public MemoryObjectStore() : this(TimeProvider.System) { }

    internal MemoryObjectStore(TimeProvider time) => _time = time;

    /// <inheritdoc/>
    public async ValueTask<ObjectContent?> TryReadAsync(string key, CancellationToken cancellationToken = default)
    {
        ObjectKey.Validate(key);
        cancellationToken.ThrowIfCancellationRequested();
        return _objects.TryGetValue(key, out StoredObject? found) ? new ObjectContent(found.Content, EntityTag.Of(found.Content)) : null;
    }

    /// <inheritdoc/>
    public async ValueTask ReadAsync(string key, long offset, Memory<byte> destination, CancellationToken cancellationToken = default)
    {
        ObjectKey.Validate(key);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        cancellationToken.ThrowIfCancellationRequested();
        if (!_objects.TryGetValue(key, out StoredObject? found))
            throw new ObjectNotFoundException(key);
        if (offset > found.Content.Length - destination.Length)
            throw new CorruptDataException(key, offset, destination.Length, $"the object has only {found.Content.Length} bytes.");
        found.Content.AsSpan((int)offset, destination.Length).CopyTo(destination.Span);
    }

    /// <inheritdoc/>
    public async ValueTask<string> WriteAsync(
        string key, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken = default)
    {
        ObjectKey.Validate(key);
        cancellationToken.ThrowIfCancellationRequested();
        byte[] copy = content.ToArray();
        Put(key, copy, condition);
        return EntityTag.Of(copy);
    }

    /// <inheritdoc/>
    public async ValueTask<ObjectWriter> CreateAsync(string key, CancellationToken cancellationToken = default)
    {
        ObjectKey.Validate(key);
        cancellationToken.ThrowIfCancellationRequested();
        return new Writer(this, key);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ObjectKey.ValidatePrefix(prefix);
        var found = _objects.Where(o => o.Key.StartsWith(prefix, StringComparison.Ordinal)).OrderBy(o => o.Key, StringComparer.Ordinal);
        foreach ((string key, StoredObject stored) in found)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return new ObjectInfo(key, stored.Content.Length, stored.LastModified);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DeleteAsync(string key, CancellationToken cancellationToken = default)
    {
        ObjectKey.Validate(key);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_writing)
            _objects.TryRemove(key, out _);
    }

    private void Put(string key, byte[] content, WriteCondition condition)
    {
        lock (_writing)
        {
            bool exists = _objects.TryGetValue(key, out StoredObject? present);
            if (!exists)
                ThrowIfNested(key);
            if (condition.IfAbsent && exists)
                throw new WriteConflictException(key);
            if (condition.IfMatch is { } expected && (!exists || EntityTag.Of(present!.Content) != expected))
                throw new WriteConflictException(key);
            _objects[key] = new StoredObject(content, _time.GetUtcNow());
        }
    }

    // A folder on disk cannot hold both 'a' and 'a/b'; refusing it here too lets a test in memory find the mistake.
    private void ThrowIfNested(string key)
    {
        foreach (string other in _objects.Keys)
        {
            if (IsFolderOf(key, other) || IsFolderOf(other, key))
                throw new IOException($"'{key}' cannot be written beside '{other}': one would be a folder of the other.");
        }
    }

    private static bool IsFolderOf(string folder, string key) =>
        key.Length > folder.Length && key[folder.Length] == '/' && key.StartsWith(folder, StringComparison.Ordinal);

    private sealed record StoredObject(byte[] Content, DateTimeOffset LastModified);

    private sealed class Writer(MemoryObjectStore store, string key) : ObjectWriter
    {
        private readonly ArrayBufferWriter<byte> _content = new();
        private bool _commitTried;
        private bool _disposed;

        public override long Length => _content.WrittenCount;

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default)
        {
            ThrowIfEnded();
            cancellationToken.ThrowIfCancellationRequested();
            _content.Write(bytes.Span);
        }

        public override async ValueTask CommitAsync(CancellationToken cancellationToken = default)
        {
            ThrowIfEnded();
            _commitTried = true;
            cancellationToken.ThrowIfCancellationRequested();
            store.Put(key, _content.WrittenSpan.ToArray(), WriteCondition.None);
        }

        public override ValueTask DisposeAsync()
        {
            _disposed = true;
            return ValueTask.CompletedTask;
        }

        private void ThrowIfEnded()
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_commitTried)
                throw new InvalidOperationException($"The writer of '{key}' was committed already.");
        }
    }
}

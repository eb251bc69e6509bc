using VectorEngine.Storage;

namespace VectorEngine.Building;

/// <summary>Passes everything on to a store, and keeps a copy of what is written, as long as all of it together is small.</summary>
/// <param name="store">Where it goes.</param>
/// <param name="limit">Bytes that are small.</param>
internal sealed class CopyingStore(IObjectStore store, long limit) : IObjectStore
{
    private readonly Dictionary<string, MemoryStream> _copies = [];
    private long _written;

    /// <summary>What was written of some objects, empty where nothing was; null if all together is not small.</summary>
    public ReadOnlyMemory<byte>[]? TryGetCopies(string[] keys) =>
        _written > limit ? null : Array.ConvertAll(keys, key => (ReadOnlyMemory<byte>)(_copies.GetValueOrDefault(key)?.ToArray() ?? []));

    public ValueTask<ObjectContent?> TryReadAsync(string key, CancellationToken cancellationToken = default) =>
        store.TryReadAsync(key, cancellationToken);

    public ValueTask ReadAsync(string key, long offset, Memory<byte> destination, CancellationToken cancellationToken = default) =>
        store.ReadAsync(key, offset, destination, cancellationToken);

    public ValueTask<string> WriteAsync(
        string key, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken = default)
    {
        // Before it is written: it may have been although the answer gets lost, and then no later attempt succeeds.
        Keep(key, content.Span, isWhole: true);
        return store.WriteAsync(key, content, condition, cancellationToken);
    }

    public async ValueTask<ObjectWriter> CreateAsync(string key, CancellationToken cancellationToken = default) =>
        new Writer(this, key, await store.CreateAsync(key, cancellationToken).ConfigureAwait(false));

    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken = default) =>
        store.ListAsync(prefix, cancellationToken);

    public ValueTask DeleteAsync(string key, CancellationToken cancellationToken = default) => store.DeleteAsync(key, cancellationToken);

    private void Keep(string key, ReadOnlySpan<byte> bytes, bool isWhole)
    {
        lock (_copies)
        {
            if (isWhole && _copies.Remove(key, out MemoryStream? earlier))
                _written -= earlier.Length;
            _written += bytes.Length;
            if (_written > limit)
            {
                _copies.Clear();
                return;
            }

            if (!_copies.TryGetValue(key, out MemoryStream? copy))
                _copies.Add(key, copy = new MemoryStream());
            copy.Write(bytes);
        }
    }

    private sealed class Writer(CopyingStore owner, string key, ObjectWriter inner) : ObjectWriter
    {
        public override long Length => inner.Length;

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default)
        {
            await inner.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
            owner.Keep(key, bytes.Span, isWhole: false);
        }

        public override ValueTask CommitAsync(CancellationToken cancellationToken = default) => inner.CommitAsync(cancellationToken);

        public override ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}

using VectorEngine.Storage;

namespace VectorEngine.ColdBench;

/// <summary>What a store was asked for.</summary>
/// <param name="Requests">Requests.</param>
/// <param name="Bytes">Bytes that they asked for.</param>
internal readonly record struct Traffic(int Requests, long Bytes)
{
    public Traffic Plus(long bytes) => new(Requests + 1, Bytes + bytes);
}

/// <summary>Counts what is read of another store, and of its 1-bit layers.</summary>
internal sealed class CountingStore(IObjectStore inner) : IObjectStore
{
    private readonly Lock _counting = new();
    private readonly HashSet<string> _keys = [];

    /// <summary>Everything.</summary>
    public Traffic All { get; private set; }

    /// <summary>The 1-bit layers.</summary>
    public Traffic Sign { get; private set; }

    /// <summary>Objects that were read.</summary>
    public int Objects => _keys.Count;

    public async ValueTask<ObjectContent?> TryReadAsync(string key, CancellationToken cancellationToken = default)
    {
        Count(key, 0);
        ObjectContent? content = await inner.TryReadAsync(key, cancellationToken);
        lock (_counting)
            All = All with { Bytes = All.Bytes + (content?.Content.Length ?? 0) };
        return content;
    }

    public ValueTask ReadAsync(string key, long offset, Memory<byte> destination, CancellationToken cancellationToken = default)
    {
        Count(key, destination.Length);
        return inner.ReadAsync(key, offset, destination, cancellationToken);
    }

    public ValueTask<string> WriteAsync(
        string key, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken = default) =>
        inner.WriteAsync(key, content, condition, cancellationToken);

    public ValueTask<ObjectWriter> CreateAsync(string key, CancellationToken cancellationToken = default) =>
        inner.CreateAsync(key, cancellationToken);

    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken = default) =>
        inner.ListAsync(prefix, cancellationToken);

    public ValueTask DeleteAsync(string key, CancellationToken cancellationToken = default) => inner.DeleteAsync(key, cancellationToken);

    private void Count(string key, long bytes)
    {
        lock (_counting)
        {
            _keys.Add(key);
            All = All.Plus(bytes);
            if (key.EndsWith("/sign", StringComparison.Ordinal))
                Sign = Sign.Plus(bytes);
        }
    }
}

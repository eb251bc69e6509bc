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
    private int _underWay;

    /// <summary>Everything.</summary>
    public Traffic All { get; private set; }

    /// <summary>The 1-bit layers.</summary>
    public Traffic Sign { get; private set; }

    /// <summary>Times that requests were made while none was under way.</summary>
    public int Waves { get; private set; }

    public async ValueTask<ObjectContent?> TryReadAsync(string key, CancellationToken cancellationToken = default)
    {
        Begin(key, 0);
        try
        {
            ObjectContent? content = await inner.TryReadAsync(key, cancellationToken);
            lock (_counting)
                All = All with { Bytes = All.Bytes + (content?.Content.Length ?? 0) };
            return content;
        }
        finally
        {
            End();
        }
    }

    public async ValueTask ReadAsync(string key, long offset, Memory<byte> destination, CancellationToken cancellationToken = default)
    {
        Begin(key, destination.Length);
        try
        {
            await inner.ReadAsync(key, offset, destination, cancellationToken);
        }
        finally
        {
            End();
        }
    }

    public ValueTask<string> WriteAsync(
        string key, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken = default) =>
        inner.WriteAsync(key, content, condition, cancellationToken);

    public ValueTask<ObjectWriter> CreateAsync(string key, CancellationToken cancellationToken = default) =>
        inner.CreateAsync(key, cancellationToken);

    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken = default) =>
        inner.ListAsync(prefix, cancellationToken);

    public ValueTask DeleteAsync(string key, CancellationToken cancellationToken = default) => inner.DeleteAsync(key, cancellationToken);

    private void Begin(string key, long bytes)
    {
        lock (_counting)
        {
            if (_underWay++ == 0)
                Waves++;
            All = All.Plus(bytes);
            if (key.EndsWith("/sign", StringComparison.Ordinal))
                Sign = Sign.Plus(bytes);
        }
    }

    private void End()
    {
        lock (_counting)
            _underWay--;
    }
}

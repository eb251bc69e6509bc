using VectorEngine.Storage;

namespace VectorEngine.Tests.Index;

/// <summary>Passes everything on to another store: the base of stores that misbehave.</summary>
internal abstract class PassingStore(IObjectStore inner) : IObjectStore
{
    protected IObjectStore Inner { get; } = inner;

    public virtual ValueTask<ObjectContent?> TryReadAsync(string key, CancellationToken cancellationToken = default) =>
        Inner.TryReadAsync(key, cancellationToken);

    public virtual ValueTask ReadAsync(string key, long offset, Memory<byte> destination, CancellationToken cancellationToken = default) =>
        Inner.ReadAsync(key, offset, destination, cancellationToken);

    public virtual ValueTask<string> WriteAsync(
        string key, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken = default) =>
        Inner.WriteAsync(key, content, condition, cancellationToken);

    public virtual ValueTask<ObjectWriter> CreateAsync(string key, CancellationToken cancellationToken = default) =>
        Inner.CreateAsync(key, cancellationToken);

    public virtual IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken = default) =>
        Inner.ListAsync(prefix, cancellationToken);

    public virtual ValueTask DeleteAsync(string key, CancellationToken cancellationToken = default) =>
        Inner.DeleteAsync(key, cancellationToken);
}

/// <summary>Completes every read later, on another thread, as a store behind a network does.</summary>
internal sealed class YieldingStore(IObjectStore inner) : PassingStore(inner)
{
    public override async ValueTask ReadAsync(
        string key, long offset, Memory<byte> destination, CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        await Inner.ReadAsync(key, offset, destination, cancellationToken);
    }
}

/// <summary>Fails the n-th call that writes, and all after it: before the write, or after it has happened.</summary>
internal sealed class FailingStore(IObjectStore inner, int failAt, Func<Exception> failure, bool afterwards = false) : PassingStore(inner)
{
    private int _calls;

    /// <summary>Calls that write so far.</summary>
    public int Calls => _calls;

    /// <summary>Whether deleting fails too, once writing has failed.</summary>
    public bool FailsToDelete { get; init; }

    public override async ValueTask<string> WriteAsync(
        string key, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken = default)
    {
        bool fails = ++_calls >= failAt;
        if (fails && !afterwards)
            throw failure();
        string tag = await Inner.WriteAsync(key, content, condition, cancellationToken);
        return fails ? throw failure() : tag;
    }

    public override async ValueTask<ObjectWriter> CreateAsync(string key, CancellationToken cancellationToken = default)
    {
        Count();
        return new Writer(this, await Inner.CreateAsync(key, cancellationToken));
    }

    public override ValueTask DeleteAsync(string key, CancellationToken cancellationToken = default) =>
        FailsToDelete && _calls >= failAt
            ? throw new InvalidOperationException("Deleting fails, too.")
            : Inner.DeleteAsync(key, cancellationToken);

    private void Count()
    {
        if (++_calls >= failAt)
            throw failure();
    }

    private sealed class Writer(FailingStore store, ObjectWriter inner) : ObjectWriter
    {
        public override long Length => inner.Length;

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default)
        {
            store.Count();
            return inner.WriteAsync(bytes, cancellationToken);
        }

        public override ValueTask CommitAsync(CancellationToken cancellationToken = default)
        {
            store.Count();
            return inner.CommitAsync(cancellationToken);
        }

        public override ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}

/// <summary>Does something before the first write of a key that starts so.</summary>
internal sealed class InterruptedStore(IObjectStore inner, string prefix, Func<Task> interruption) : PassingStore(inner)
{
    private bool _interrupted;

    public override async ValueTask<string> WriteAsync(
        string key, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken = default)
    {
        if (key.StartsWith(prefix, StringComparison.Ordinal) && !_interrupted)
        {
            _interrupted = true;
            await interruption();
        }

        return await Inner.WriteAsync(key, content, condition, cancellationToken);
    }
}

/// <summary>Fails the n-th call that writes or deletes, before it does, and all after it: as if the process had been killed there.</summary>
internal sealed class StoppingStore(IObjectStore inner, int stopAt) : PassingStore(inner)
{
    private int _calls;

    public override ValueTask<string> WriteAsync(
        string key, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken = default)
    {
        Count();
        return Inner.WriteAsync(key, content, condition, cancellationToken);
    }

    public override ValueTask DeleteAsync(string key, CancellationToken cancellationToken = default)
    {
        Count();
        return Inner.DeleteAsync(key, cancellationToken);
    }

    private void Count()
    {
        if (Interlocked.Increment(ref _calls) >= stopAt)
            throw new IOException("Killed.");
    }
}

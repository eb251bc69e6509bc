using System.Runtime.CompilerServices;
using System.Threading.Channels;
using VectorEngine.Storage;
using VectorEngine.Tests.Index;

namespace VectorEngine.Tests.Publishing;

/// <summary>Keeps every call waiting until it is let through: what uses it goes on step by step, or stands still for ever.</summary>
internal sealed class SteppedStore(IObjectStore inner) : PassingStore(inner)
{
    private readonly Channel<TaskCompletionSource> _waiting = Channel.CreateUnbounded<TaskCompletionSource>();

    /// <summary>Completes when a call waits.</summary>
    public Task WaitForCallAsync() => _waiting.Reader.WaitToReadAsync().AsTask();

    /// <summary>Lets a call through, if one waits.</summary>
    public bool TryStep()
    {
        if (!_waiting.Reader.TryRead(out TaskCompletionSource? call))
            return false;
        call.SetResult();
        return true;
    }

    public override async ValueTask<ObjectContent?> TryReadAsync(string key, CancellationToken cancellationToken = default)
    {
        await TakeTurnAsync(cancellationToken);
        return await Inner.TryReadAsync(key, cancellationToken);
    }

    public override async ValueTask ReadAsync(
        string key, long offset, Memory<byte> destination, CancellationToken cancellationToken = default)
    {
        await TakeTurnAsync(cancellationToken);
        await Inner.ReadAsync(key, offset, destination, cancellationToken);
    }

    public override async ValueTask<string> WriteAsync(
        string key, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken = default)
    {
        await TakeTurnAsync(cancellationToken);
        return await Inner.WriteAsync(key, content, condition, cancellationToken);
    }

    public override async ValueTask<ObjectWriter> CreateAsync(string key, CancellationToken cancellationToken = default) =>
        new Writer(this, await Inner.CreateAsync(key, cancellationToken));

    public override async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await TakeTurnAsync(cancellationToken);
        foreach (ObjectInfo found in await Inner.ListAsync(prefix, cancellationToken).ToListAsync(cancellationToken))
            yield return found;
    }

    public override async ValueTask DeleteAsync(string key, CancellationToken cancellationToken = default)
    {
        await TakeTurnAsync(cancellationToken);
        await Inner.DeleteAsync(key, cancellationToken);
    }

    private Task TakeTurnAsync(CancellationToken cancellationToken)
    {
        var call = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting.Writer.TryWrite(call);
        return call.Task.WaitAsync(cancellationToken);
    }

    private sealed class Writer(SteppedStore store, ObjectWriter inner) : ObjectWriter
    {
        public override long Length => inner.Length;

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default) =>
            inner.WriteAsync(bytes, cancellationToken);

        public override async ValueTask CommitAsync(CancellationToken cancellationToken = default)
        {
            await store.TakeTurnAsync(cancellationToken);
            await inner.CommitAsync(cancellationToken);
        }

        public override ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}

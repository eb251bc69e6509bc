using VectorEngine.Storage;

namespace VectorEngine.Testing;

/// <summary>The object being written of a <see cref="FaultyStore"/>.</summary>
internal sealed class FaultyWriter(FaultyStore store, string key, ObjectWriter inner) : ObjectWriter
{
    private bool _commitRefused;   // of which the store behind knows nothing

    public override long Length => inner.Length;

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default)
    {
        ThrowIfRefused();
        Fault? fault = await store.MeetAsync(StoreOperation.Append, key, Length, bytes.Length, cancellationToken).ConfigureAwait(false);
        FaultyStore.ThrowIfReset(key, fault);
        if (fault?.Kind == FaultKind.BitFlip)
            bytes = FaultyStore.Flipped(bytes.Span);
        await inner.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
    }

    public override async ValueTask CommitAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfRefused();
        _commitRefused = true;
        Fault? fault = await store.MeetAsync(StoreOperation.Commit, key, 0, 0, cancellationToken).ConfigureAwait(false);
        FaultyStore.ThrowIfReset(key, fault);
        _commitRefused = false;
        await inner.CommitAsync(cancellationToken).ConfigureAwait(false);
        FaultyStore.ThrowIfLost(key, fault);
    }

    public override ValueTask DisposeAsync() => inner.DisposeAsync();

    private void ThrowIfRefused()
    {
        if (_commitRefused)
            throw new InvalidOperationException($"The writer of '{key}' was committed already.");
    }
}

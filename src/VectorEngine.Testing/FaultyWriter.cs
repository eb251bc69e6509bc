using VectorEngine.Storage;

namespace VectorEngine.Testing;

/// <summary>The object being written of a <see cref="FaultyStore"/>.</summary>
internal sealed class FaultyWriter(FaultyStore store, string key, ObjectWriter inner) : ObjectWriter
{
    // Of both the store behind knows nothing: that a commit was refused for good, and that it is tried again although it has happened.
    private bool _refused, _happened;

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
        _refused = true;
        try
        {
            Fault? fault = await store.MeetAsync(StoreOperation.Commit, key, 0, 0, cancellationToken).ConfigureAwait(false);
            FaultyStore.ThrowIfReset(key, fault);
            _refused = false;
            if (!_happened)
                await inner.CommitAsync(cancellationToken).ConfigureAwait(false);
            _happened = fault?.Kind == FaultKind.LostResponse;
            FaultyStore.ThrowIfLost(key, fault);
        }
        catch (Exception e)
        {
            bool passes = e is StoreException { IsTransient: true };
            (_refused, _happened) = (_refused && !passes, _happened && passes);
            throw;
        }
    }

    public override ValueTask DisposeAsync() => inner.DisposeAsync();

    private void ThrowIfRefused()
    {
        if (_refused)
            throw new InvalidOperationException($"The writer of '{key}' was committed already.");
    }
}

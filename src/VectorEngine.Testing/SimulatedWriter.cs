using VectorEngine.Storage;

namespace VectorEngine.Testing;

/// <summary>Sends what is written in parts, as stores take large objects.</summary>
internal sealed class SimulatedWriter(SimulatedStore store, ObjectWriter inner) : ObjectWriter
{
    private const int PartLength = 8 << 20;

    private long _unsent;

    public override long Length => inner.Length;

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default)
    {
        long unsent = _unsent + bytes.Length;
        for (; unsent >= PartLength; unsent -= PartLength)
            await store.WriteAsync(PartLength, () => SimulatedStore.NothingAfterAsync(default), cancellationToken).ConfigureAwait(false);
        await inner.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
        _unsent = unsent;   // only now: a call that fails appends nothing
    }

    public override async ValueTask CommitAsync(CancellationToken cancellationToken = default) =>
        await store.WriteAsync(
            _unsent, () => SimulatedStore.NothingAfterAsync(inner.CommitAsync(cancellationToken)), cancellationToken).ConfigureAwait(false);

    public override ValueTask DisposeAsync() => inner.DisposeAsync();
}

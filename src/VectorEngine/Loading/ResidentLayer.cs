using System.Diagnostics.CodeAnalysis;
using VectorEngine.Numerics;
using VectorEngine.Storage;

namespace VectorEngine.Loading;

/// <summary>The extents of one object: its posting lists, or its chunks of rows. Safe for concurrent use.</summary>
internal abstract class Layer
{
    /// <summary>An extent's verified bytes, read now if need be; synchronously, where the store reads synchronously.</summary>
    /// <exception cref="CorruptDataException">They are not what was written.</exception>
    public abstract ReadOnlyMemory<byte> Read(int extent);

    /// <summary>Brings an extent into memory, where the layer keeps any.</summary>
    public abstract ValueTask LoadAsync(int extent, CancellationToken cancellationToken);
}

/// <summary>What a layer's object is and how its extents are checked.</summary>
/// <param name="Store">Where the object lives.</param>
/// <param name="Key">The object.</param>
/// <param name="Count">Number of extents.</param>
/// <param name="Extent">Where an extent lies.</param>
/// <param name="Verify">Throws <see cref="CorruptDataException"/> if an extent's bytes are wrong.</param>
internal sealed record LayerSource(
    IObjectStore Store, string Key, int Count, Func<int, (long Offset, int Length)> Extent, Action<int, ReadOnlyMemory<byte>> Verify);

/// <summary>
/// A layer as far as it is in memory: each extent is read as a whole, verified, kept in a buffer that the engine owns,
/// and dropped when the budget asks for it.
/// </summary>
internal sealed class ResidentLayer : Layer
{
    private readonly LayerSource _source;
    private readonly MemoryBudget _budget;
    private readonly AlignedBuffer<byte>?[] _buffers;
    private readonly bool[] _recent;
    private int _hand;

    public ResidentLayer(LayerSource source, MemoryBudget budget)
    {
        _source = source;
        _budget = budget;
        _buffers = new AlignedBuffer<byte>?[source.Count];
        _recent = new bool[source.Count];
        budget.Register(this);
    }

    /// <summary>Number of extents.</summary>
    public int Count => _buffers.Length;

    public override ReadOnlyMemory<byte> Read(int extent)
    {
        if (TryRead(extent, out AlignedBuffer<byte>? buffer))
            return buffer.Memory;
        ValueTask<AlignedBuffer<byte>> load = ReadFromStoreAsync(extent, CancellationToken.None);
        return (load.IsCompletedSuccessfully ? load.Result : load.AsTask().GetAwaiter().GetResult()).Memory;
    }

    public override async ValueTask LoadAsync(int extent, CancellationToken cancellationToken)
    {
        if (!TryRead(extent, out _))
            await ReadFromStoreAsync(extent, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Moves the clock's hand over one extent, dropping it unless it was used lately; false at the end of the layer.</summary>
    public bool TryAdvance(out long freed)
    {
        freed = 0;
        if (_hand >= Count)
        {
            _hand = 0;
            return false;
        }

        int extent = _hand++;
        if (_recent[extent])
            _recent[extent] = false;
        else
            freed = Interlocked.Exchange(ref _buffers[extent], null)?.Length ?? 0;
        return true;
    }

    private bool TryRead(int extent, [NotNullWhen(true)] out AlignedBuffer<byte>? buffer)
    {
        buffer = Volatile.Read(ref _buffers[extent]);
        if (buffer is null)
            return false;
        if (!_recent[extent])
            _recent[extent] = true;
        return true;
    }

    private async ValueTask<AlignedBuffer<byte>> ReadFromStoreAsync(int extent, CancellationToken cancellationToken)
    {
        (long offset, int length) = _source.Extent(extent);
        _budget.Reserve(length);
        try
        {
            var buffer = new AlignedBuffer<byte>(length);
            await _source.Store.ReadAsync(_source.Key, offset, buffer.Memory, cancellationToken).ConfigureAwait(false);
            _source.Verify(extent, buffer.Memory);
            _recent[extent] = true;
            // Of two threads that read the same extent, the later uses the earlier's.
            if (Interlocked.CompareExchange(ref _buffers[extent], buffer, null) is { } earlier)
            {
                _budget.Return(length);
                return earlier;
            }

            return buffer;
        }
        catch
        {
            _budget.Return(length);
            throw;
        }
    }
}

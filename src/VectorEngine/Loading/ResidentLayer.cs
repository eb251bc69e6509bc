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
/// <param name="Length">Its length, as the root tells it.</param>
/// <param name="Count">Number of extents.</param>
/// <param name="Extent">Where an extent lies.</param>
/// <param name="Verify">Throws <see cref="CorruptDataException"/> if an extent's bytes are wrong.</param>
internal sealed record LayerSource(
    IObjectStore Store, string Key, long Length, int Count, Func<int, (long Offset, int Length)> Extent,
    Action<int, ReadOnlyMemory<byte>> Verify);

/// <summary>
/// A layer as far as it is in memory: each extent is read as a whole, verified, kept in a buffer that the engine owns,
/// and dropped when the budget asks for it.
/// </summary>
internal sealed class ResidentLayer : Layer
{
    private readonly LayerSource _source;
    private readonly MemoryBudget _budget;

    // A page is made when the first of its extents is read: that there are so many extents is only what the root says.
    private readonly Page?[] _pages;
    private int _hand;

    public ResidentLayer(LayerSource source, MemoryBudget budget)
    {
        _source = source;
        _budget = budget;
        _pages = new Page?[(int)(((uint)source.Count + Page.Extents - 1) / Page.Extents)];
        budget.Register(this);
    }

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

    /// <summary>
    /// Moves the clock's hand over one extent, dropping it unless it was used lately, or over a page of which none was ever read;
    /// false at the end of the layer.
    /// </summary>
    public bool TryAdvance(out long freed)
    {
        freed = 0;
        if (_hand >= _source.Count)
        {
            _hand = 0;
            return false;
        }

        (int number, int slot) = Math.DivRem(_hand, Page.Extents);
        if (Volatile.Read(ref _pages[number]) is not { } page)
        {
            _hand = (number + 1) * Page.Extents;
            return true;
        }

        _hand++;
        if (page.Recent[slot])
            page.Recent[slot] = false;
        else
            freed = Interlocked.Exchange(ref page.Buffers[slot], null)?.Length ?? 0;
        return true;
    }

    private bool TryRead(int extent, [NotNullWhen(true)] out AlignedBuffer<byte>? buffer)
    {
        buffer = null;
        if (Volatile.Read(ref _pages[extent / Page.Extents]) is not { } page)
            return false;
        int slot = extent % Page.Extents;
        buffer = Volatile.Read(ref page.Buffers[slot]);
        if (buffer is null)
            return false;
        if (!page.Recent[slot])
            page.Recent[slot] = true;
        return true;
    }

    private async ValueTask<AlignedBuffer<byte>> ReadFromStoreAsync(int extent, CancellationToken cancellationToken)
    {
        (long offset, int length) = _source.Extent(extent);
        _budget.Reserve(length);
        try
        {
            AlignedBuffer<byte> buffer = await ClaimedRange.ReadAsync(
                _source.Store, _source.Key, offset, length, cancellationToken).ConfigureAwait(false);
            _source.Verify(extent, buffer.Memory);
            // Of two threads that read the same extent, the later uses the earlier's.
            if (Keep(extent, buffer) is { } earlier)
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

    /// <summary>Keeps an extent, unless it is kept already: then the buffer that holds it is returned.</summary>
    private AlignedBuffer<byte>? Keep(int extent, AlignedBuffer<byte> buffer)
    {
        (int number, int slot) = Math.DivRem(extent, Page.Extents);
        if (Volatile.Read(ref _pages[number]) is null)
            Interlocked.CompareExchange(ref _pages[number], new Page(), null);
        Page page = _pages[number]!;
        page.Recent[slot] = true;
        return Interlocked.CompareExchange(ref page.Buffers[slot], buffer, null);
    }

    /// <summary>Neighbouring extents: which are in memory, and which were used since the clock's hand came by.</summary>
    private sealed class Page
    {
        public const int Extents = 1024;

        public readonly AlignedBuffer<byte>?[] Buffers = new AlignedBuffer<byte>?[Extents];
        public readonly bool[] Recent = new bool[Extents];
    }
}

namespace VectorEngine.Loading;

/// <summary>Throws <see cref="CorruptDataException"/> if an extent's bytes are not what was written.</summary>
internal delegate void ExtentCheck(int extent, ReadOnlyMemory<byte> bytes);

/// <summary>What a layer's object is and how its extents are checked.</summary>
/// <param name="Kind">What it holds.</param>
/// <param name="Key">The object.</param>
/// <param name="Length">Its length, as the root tells it.</param>
/// <param name="Count">Number of extents.</param>
/// <param name="Extent">Where an extent lies; offsets ascend, without overlap.</param>
/// <param name="Check">Checks an extent.</param>
internal sealed record LayerSource(
    LayerKind Kind, string Key, long Length, int Count, Func<int, (long Offset, int Length)> Extent, ExtentCheck Check)
{
    /// <summary>How its extents are joined.</summary>
    public RangeLimits Limits { get; init; } = RangeLimits.Lists;

    /// <summary>
    /// Reads what it takes to check the extents from a first to a last one, while they are read themselves; null where the root has it.
    /// </summary>
    public Func<int, int, ReadScope, CancellationToken, ValueTask<ExtentCheck>>? PrepareCheck { get; init; }
}

/// <summary>The extents of one object: its posting lists, or its rows. Safe for concurrent use.</summary>
internal abstract class Layer(LayerSource source)
{
    /// <summary>What it reads.</summary>
    public LayerSource Source => source;

    /// <summary>An extent's verified bytes, if they are at hand. They stay valid as long as they are referred to.</summary>
    /// <exception cref="CorruptDataException">They are not what was written.</exception>
    public abstract bool TryRead(int extent, out ReadOnlyMemory<byte> bytes);

    /// <summary>Whether an extent is in memory, which does not count as using it.</summary>
    public abstract bool Contains(int extent);

    /// <summary>Starts to read extents that are not at hand.</summary>
    /// <param name="extents">Their numbers, ascending, none twice.</param>
    /// <param name="scope">What reads them.</param>
    /// <returns>What is being read, to be disposed.</returns>
    public abstract ExtentReads Start(ReadOnlySpan<int> extents, ReadScope scope);

    /// <summary>An extent's verified bytes, read now if need be.</summary>
    /// <exception cref="CorruptDataException">They are not what was written.</exception>
    public ValueTask<ReadOnlyMemory<byte>> ReadAsync(int extent, ReadScope scope, CancellationToken cancellationToken) =>
        TryRead(extent, out ReadOnlyMemory<byte> bytes)
            ? ValueTask.FromResult(bytes)
            : StartAndReadAsync(extent, scope, cancellationToken);

    /// <summary>The verified bytes of neighbouring extents, read now if need be, in one range where they can be.</summary>
    /// <param name="first">The first extent.</param>
    /// <param name="bytes">Receives the bytes of that one and those behind it.</param>
    /// <param name="scope">What reads them.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <exception cref="CorruptDataException">Some are not what was written.</exception>
    public async ValueTask ReadAsync(int first, Memory<ReadOnlyMemory<byte>> bytes, ReadScope scope, CancellationToken cancellationToken)
    {
        int[] missing = Missing(first, bytes.Span);
        if (missing.Length == 0)
            return;
        using ExtentReads reads = Start(missing, scope);
        await reads.AllAsync(cancellationToken).ConfigureAwait(false);
        foreach (int extent in missing)
            bytes.Span[extent - first] = reads.Get(extent);
    }

    private int[] Missing(int first, Span<ReadOnlyMemory<byte>> bytes)
    {
        var missing = new List<int>();
        for (int i = 0; i < bytes.Length; i++)
        {
            if (!TryRead(first + i, out bytes[i]))
                missing.Add(first + i);
        }

        return [.. missing];
    }

    private async ValueTask<ReadOnlyMemory<byte>> StartAndReadAsync(int extent, ReadScope scope, CancellationToken cancellationToken)
    {
        using ExtentReads reads = Start([extent], scope);
        return await reads.GetAsync(extent, cancellationToken).ConfigureAwait(false);
    }
}

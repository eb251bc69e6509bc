using System.Buffers;

namespace VectorEngine.Arrow;

/// <summary>Bytes that can be read from any position. Safe for concurrent use; limits by itself how many reads run at once.</summary>
internal interface IRangeSource
{
    /// <summary>Number of bytes.</summary>
    long Length { get; }

    /// <summary>Fills <paramref name="destination"/> with the bytes from <paramref name="offset"/> on; all of them exist.</summary>
    ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken);
}

/// <summary>Reads that do not depend on each other: issued together, neighbours as one.</summary>
internal sealed class RangeReads
{
    // One more request costs more than a page of bytes that nobody asked for, from a local file as from an object store.
    private const int MaxGap = 4096;

    // Long ranges are read straight into place: joining them would only add a copy.
    private const int MaxJoined = 256 << 10;

    private readonly List<(long Offset, Memory<byte> Destination)> _ranges = [];

    public void Add(long offset, Memory<byte> destination)
    {
        if (!destination.IsEmpty)
            _ranges.Add((offset, destination));
    }

    /// <summary>Fills all destinations and forgets them.</summary>
    public async ValueTask ExecuteAsync(IRangeSource source, CancellationToken cancellationToken)
    {
        _ranges.Sort((x, y) => x.Offset.CompareTo(y.Offset));
        var reads = new List<Task>();
        for (int start = 0; start < _ranges.Count;)
        {
            int end = EndOfJoined(start, out long endOffset);
            ValueTask read = ReadJoinedAsync(source, start, end, endOffset, cancellationToken);
            if (!read.IsCompletedSuccessfully)
                reads.Add(read.AsTask());
            start = end;
        }
        // Not even when one fails may a destination be abandoned while another read still writes to it.
        await Task.WhenAll(reads).ConfigureAwait(false);
        _ranges.Clear();
    }

    private int EndOfJoined(int start, out long endOffset)
    {
        endOffset = _ranges[start].Offset + _ranges[start].Destination.Length;
        int end = start + 1;
        for (; end < _ranges.Count; end++)
        {
            (long offset, Memory<byte> destination) = _ranges[end];
            long joinedEnd = Math.Max(endOffset, offset + destination.Length);
            if (offset - endOffset > MaxGap || joinedEnd - _ranges[start].Offset > MaxJoined)
                break;
            endOffset = joinedEnd;
        }
        return end;
    }

    private async ValueTask ReadJoinedAsync(IRangeSource source, int start, int end, long endOffset, CancellationToken cancellationToken)
    {
        (long startOffset, Memory<byte> first) = _ranges[start];
        if (end == start + 1)
        {
            await source.ReadAsync(startOffset, first, cancellationToken).ConfigureAwait(false);
            return;
        }
        int length = (int)(endOffset - startOffset);
        byte[] joined = ArrayPool<byte>.Shared.Rent(length);
        await source.ReadAsync(startOffset, joined.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
        for (int i = start; i < end; i++)
        {
            (long offset, Memory<byte> destination) = _ranges[i];
            joined.AsSpan((int)(offset - startOffset), destination.Length).CopyTo(destination.Span);
        }
        // After a failure the array is left to the collector: who knows what still writes to it.
        ArrayPool<byte>.Shared.Return(joined);
    }
}

using System.Buffers;
using System.Runtime.InteropServices;

namespace VectorEngine.Arrow;

/// <summary>Bytes that can be read from any position. Safe for concurrent use; limits by itself how many reads run at once.</summary>
internal interface IRangeSource
{
    /// <summary>Number of bytes.</summary>
    long Length { get; }

    /// <summary>Fills <paramref name="destination"/> with the bytes from <paramref name="offset"/> on; all of them exist.</summary>
    ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken);

    /// <summary>Fills several destinations at once, of ranges that ascend; when one read fails, the others have ended, too.</summary>
    async ValueTask ReadAsync(IReadOnlyList<SourceRange> ranges, CancellationToken cancellationToken)
    {
        var reads = new List<Task>();
        foreach ((long offset, Memory<byte> destination) in ranges)
        {
            ValueTask read = ReadAsync(offset, destination, cancellationToken);
            if (!read.IsCompletedSuccessfully)
                reads.Add(read.AsTask());
        }
        // Not even when one fails may a destination be abandoned while another read still writes to it.
        await Task.WhenAll(reads).ConfigureAwait(false);
    }
}

/// <summary>A range of a source to be read.</summary>
/// <param name="Offset">Its first byte.</param>
/// <param name="Destination">Receives as many bytes as it is long.</param>
internal readonly record struct SourceRange(long Offset, Memory<byte> Destination);

/// <summary>Reads that do not depend on each other: issued together, neighbours as one.</summary>
internal sealed class RangeReads
{
    // One more request costs more than a page of bytes that nobody asked for, from a local file as from an object store.
    private const int MaxGap = 4096;

    // Long ranges are read straight into place: joining them would only add a copy.
    private const int MaxJoined = 256 << 10;

    private readonly List<SourceRange> _ranges = [];

    public void Add(long offset, Memory<byte> destination)
    {
        if (!destination.IsEmpty)
            _ranges.Add(new SourceRange(offset, destination));
    }

    /// <summary>Fills all destinations and forgets them.</summary>
    public async ValueTask ExecuteAsync(IRangeSource source, CancellationToken cancellationToken)
    {
        if (_ranges.Count == 0)
            return;
        _ranges.Sort((x, y) => x.Offset.CompareTo(y.Offset));
        var joined = new List<SourceRange>();
        var ends = new List<int>();
        for (int start = 0; start < _ranges.Count; start = ends[^1])
        {
            ends.Add(EndOfJoined(start, out long endOffset));
            joined.Add(ends[^1] == start + 1
                ? _ranges[start]
                : new SourceRange(_ranges[start].Offset, Rent((int)(endOffset - _ranges[start].Offset))));
        }
        await source.ReadAsync(joined, cancellationToken).ConfigureAwait(false);
        for (int i = 0, start = 0; i < joined.Count; start = ends[i++])
        {
            if (ends[i] > start + 1)
                Split(joined[i], start, ends[i]);
        }
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

    /// <summary>Copies what was read as one to where it belongs. After a failure the array is left to the collector.</summary>
    private void Split(SourceRange joined, int start, int end)
    {
        for (int i = start; i < end; i++)
        {
            (long offset, Memory<byte> destination) = _ranges[i];
            joined.Destination.Slice((int)(offset - joined.Offset), destination.Length).CopyTo(destination);
        }
        if (MemoryMarshal.TryGetArray(joined.Destination, out ArraySegment<byte> array))
            ArrayPool<byte>.Shared.Return(array.Array!);
    }

    private static Memory<byte> Rent(int length) => ArrayPool<byte>.Shared.Rent(length).AsMemory(0, length);
}

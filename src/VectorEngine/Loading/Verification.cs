using System.Buffers;

namespace VectorEngine.Loading;

/// <summary>Reads every extent anew from the store and checks it, in pieces; collects what is damaged instead of stopping there.</summary>
internal sealed class Verification(StoreReader reader, IReadOnlyList<LayerSource> sources, IProgress<double>? progress)
{
    /// <summary>Damaged ranges that are told one by one.</summary>
    private const int MaxDamages = 1000;

    /// <summary>Bytes that are read at once, unless an extent is longer, and how often at the same time.</summary>
    private const int PieceLength = 4 << 20, ParallelPieces = 4;

    private readonly ReadScope _scope = new();
    private readonly long _total = sources.Sum(source => source.Length);
    private readonly Lock _lock = new();
    private readonly HashSet<(string Key, long Offset, long Length)> _damaged = [];
    private readonly List<CorruptDataException> _damages = [];
    private long _done, _read;

    public async Task<VerificationReport> RunAsync(CancellationToken cancellationToken)
    {
        foreach (LayerSource source in sources)
        {
            long before = _done;
            await RunAsync(source, cancellationToken).ConfigureAwait(false);
            Advance(before + source.Length - _done);   // headers and what else has no checksum, or is not there
        }

        lock (_lock)
            return new VerificationReport(_read, _damaged.Count, [.. _damages]);
    }

    private async Task RunAsync(LayerSource source, CancellationToken cancellationToken)
    {
        // Where the object turns out to end: what lies behind is one damaged range, however many extents the root says there are.
        long end = long.MaxValue;
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = ParallelPieces, CancellationToken = cancellationToken };
        try
        {
            await Parallel.ForEachAsync(
                Pieces(source).TakeWhile(piece => source.Extent(piece.Start.Value).Offset < Volatile.Read(ref end)), parallel,
                async (piece, cancellation) =>
                {
                    long found = await VerifyAsync(source, piece, cancellation).ConfigureAwait(false);
                    lock (_lock)
                        end = Math.Min(end, found);
                }).ConfigureAwait(false);
        }
        catch (ObjectNotFoundException missing)
        {
            Add(Missing(missing));
        }

        if (end < long.MaxValue)
            Add(new CorruptDataException(source.Key, end, source.Length - end, "the object ends before"));
    }

    /// <summary>Neighbouring extents that are read together.</summary>
    private static IEnumerable<Range> Pieces(LayerSource source)
    {
        for (int first = 0; first < source.Count;)
        {
            (long start, int length) = source.Extent(first);
            int next = first + 1;
            for (long end = start + length; next < source.Count; next++)
            {
                (long offset, length) = source.Extent(next);
                if (offset != end || end + length - start > PieceLength)
                    break;
                end += length;
            }

            yield return first..next;
            first = next;
        }
    }

    /// <summary>Checks the extents of a piece; returns the offset of the first that lies behind the object's end, if one does.</summary>
    private async ValueTask<long> VerifyAsync(LayerSource source, Range piece, CancellationToken cancellationToken)
    {
        int first = piece.Start.Value, next = piece.End.Value;
        long start = source.Extent(first).Offset;
        int length = (int)(source.Extent(next - 1).Offset + source.Extent(next - 1).Length - start);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Math.Min(length, PieceLength));
        try
        {
            ReadOnlyMemory<byte> bytes = await ReadAsync(source, start, length, buffer, cancellationToken).ConfigureAwait(false);
            ExtentCheck? check = await PrepareAsync(source, piece, cancellationToken).ConfigureAwait(false);
            for (int extent = first; check is not null && extent < next; extent++)
            {
                (long offset, int extentLength) = source.Extent(extent);
                Check(check, extent, bytes.Slice((int)(offset - start), extentLength));
            }

            ArrayPool<byte>.Shared.Return(buffer);
            Interlocked.Add(ref _read, length);
            Advance(length);
            return long.MaxValue;
        }
        catch (CorruptDataException damage)
        {
            // But not after other failures: a store that failed, or was cancelled, might still be writing, whatever it has promised.
            ArrayPool<byte>.Shared.Return(buffer);
            int missing = await FirstMissingAsync(source, piece, cancellationToken).ConfigureAwait(false);
            if (missing == next)
            {
                Add(damage);   // all of it is there when asked for bit by bit: the store contradicts itself
                return long.MaxValue;
            }

            if (missing > first)
                await VerifyAsync(source, first..missing, cancellationToken).ConfigureAwait(false);
            return source.Extent(missing).Offset;
        }
    }

    /// <summary>The first extent of a piece that the object ends before or within; the end of the piece, if none is.</summary>
    private async ValueTask<int> FirstMissingAsync(LayerSource source, Range piece, CancellationToken cancellationToken)
    {
        int low = piece.Start.Value, high = piece.End.Value;
        while (low < high)
        {
            int middle = (low + high) / 2;
            (long offset, int length) = source.Extent(middle);
            byte[] last = new byte[Math.Min(1, length)];
            try
            {
                await reader.ReadAsync(source.Key, offset + length - last.Length, last, _scope, cancellationToken).ConfigureAwait(false);
                low = middle + 1;
            }
            catch (CorruptDataException)
            {
                high = middle;
            }
        }

        return low;
    }

    private async ValueTask<ReadOnlyMemory<byte>> ReadAsync(
        LayerSource source, long offset, int length, byte[] buffer, CancellationToken cancellationToken)
    {
        if (length <= buffer.Length)
        {
            await reader.ReadAsync(source.Key, offset, buffer.AsMemory(0, length), _scope, cancellationToken).ConfigureAwait(false);
            return buffer.AsMemory(0, length);
        }

        // Several at once: not even as much as one long list is allocated on trust.
        await reader.ReadAsync(source.Key, offset + length - 1, new byte[1], _scope, cancellationToken).ConfigureAwait(false);
        return (await ClaimedRange.ReadAsync(reader, source.Key, offset, length, PieceLength, _scope, cancellationToken).ConfigureAwait(false)).Memory;
    }

    /// <summary>What checks the extents of a piece; null if the checksums are damaged, or missing.</summary>
    private async ValueTask<ExtentCheck?> PrepareAsync(LayerSource source, Range piece, CancellationToken cancellationToken)
    {
        try
        {
            return source.PrepareCheck is { } prepare
                ? await prepare(piece.Start.Value, piece.End.Value - 1, _scope, cancellationToken).ConfigureAwait(false)
                : source.Check;
        }
        catch (CorruptDataException damage)
        {
            Add(damage);
        }
        catch (ObjectNotFoundException missing)
        {
            Add(Missing(missing));
        }

        return null;
    }

    private void Check(ExtentCheck check, int extent, ReadOnlyMemory<byte> bytes)
    {
        try
        {
            check(extent, bytes);
        }
        catch (CorruptDataException damage)
        {
            Add(damage);
        }
    }

    private static CorruptDataException Missing(ObjectNotFoundException missing) =>
        new(missing.ObjectKey, 0, 0, "the object does not exist", missing);

    private void Add(CorruptDataException damage)
    {
        lock (_lock)
        {
            // Damaged checksums show again with each range that they are for.
            if (_damaged.Add((damage.ObjectKey, damage.Offset, damage.Length)) && _damages.Count < MaxDamages)
                _damages.Add(damage);
        }
    }

    private void Advance(long bytes)
    {
        lock (_lock)
        {
            _done += bytes;
            progress?.Report(_total == 0 ? 1 : (double)_done / _total);
        }
    }
}

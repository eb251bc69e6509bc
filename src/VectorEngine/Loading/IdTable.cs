using VectorEngine.Format;

namespace VectorEngine.Loading;

/// <summary>The ids of a segment: finds the row of one. Keys are uniform, so mostly one page is read, or two.</summary>
internal sealed class IdTable
{
    private readonly Layer _pages;
    private readonly int _rows;

    public IdTable(string key, int rows, Func<LayerSource, Layer> open)
    {
        _rows = rows;
        _pages = open(new LayerSource(
            LayerKind.Ids, key, IdPages.ObjectLength(rows), IdPages.PageCount(rows), page => IdPages.Page(rows, page), Check));

        void Check(int page, ReadOnlyMemory<byte> bytes)
        {
            long offset = IdPages.Page(rows, page).Offset;
            if (!IdPages.IsIntact(bytes.Span))
                throw new CorruptDataException(key, offset, bytes.Length, "wrong checksum");
            for (int i = 0; i < IdPages.Count(bytes.Span); i++)
            {
                if (IdPages.Entry(bytes.Span, i).Ordinal >= (uint)rows)
                    throw new CorruptDataException(key, offset, bytes.Length, "an id is said to be of a row beyond the last");
            }
        }
    }

    /// <summary>The row that has the id of this key, or -1.</summary>
    public async ValueTask<int> FindAsync(UInt128 key, ReadScope scope, CancellationToken cancellationToken)
    {
        // The pages that may have the key, and the entry nearest to it that is known: before the first page is read, the very least.
        int low = 0, high = IdPages.PageCount(_rows);
        var (nearest, rank) = (UInt128.Zero, 0);
        while (low < high)
        {
            int page = Math.Clamp(Interpolate(key, nearest, rank), low, high - 1);
            ReadOnlyMemory<byte> bytes = await _pages.ReadAsync(page, scope, cancellationToken).ConfigureAwait(false);
            scope.NextRound();
            int last = IdPages.Count(bytes.Span) - 1, at = LastAtOrBelow(bytes.Span, key);
            if (at >= 0 && IdPages.Entry(bytes.Span, at) is var found && found.Key == key)
                return (int)found.Ordinal;
            if (at >= 0 && at < last)
                return -1;
            (low, high) = at < 0 ? (low, page) : (page + 1, high);
            (nearest, rank) = at < 0
                ? (IdPages.Entry(bytes.Span, 0).Key, page * IdPages.PageEntries)
                : (IdPages.Entry(bytes.Span, last).Key, (page * IdPages.PageEntries) + last);
        }

        return -1;
    }

    /// <summary>The page where a key should be, counted from an entry whose rank is known.</summary>
    private int Interpolate(UInt128 key, UInt128 nearest, int rank)
    {
        double distance = key >= nearest ? (double)(key - nearest) : -(double)(nearest - key);
        return (int)Math.Floor((rank + (distance * _rows / Math.ScaleB(1, 128))) / IdPages.PageEntries);
    }

    /// <summary>The last entry of a page whose key is not above <paramref name="key"/>; -1 if all are.</summary>
    private static int LastAtOrBelow(ReadOnlySpan<byte> page, UInt128 key)
    {
        int low = -1, high = IdPages.Count(page);
        while (high - low > 1)
        {
            int middle = (low + high) / 2;
            if (IdPages.Entry(page, middle).Key <= key)
                low = middle;
            else
                high = middle;
        }

        return low;
    }
}

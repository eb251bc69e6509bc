using System.Numerics;
using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Filtering;
using VectorEngine.Kernels;
using VectorEngine.Loading;
using VectorEngine.Numerics;
using VectorEngine.Quantization;

namespace VectorEngine.Search;

/// <summary>
/// The rows of a segment that a filter selects, and the lists that may hold any. What it finds out about a list's postings it keeps, so
/// that the next search finds them without reading their ordinals, and leaves lists alone that hold none. Safe for concurrent use.
/// </summary>
internal sealed class SegmentFilter
{
    private readonly ReadOnlyMemory<uint> _rows;
    private readonly int _firstRow, _rowCount;
    private readonly ListTable? _table;

    // The selected postings of each list that has been read, a word for each block. Two threads may both fill in a list: the same.
    private readonly uint[]?[] _postings;
    private readonly uint[] _lists;
    private int _listCount;

    /// <param name="segment">The segment.</param>
    /// <param name="rows">One bit per row.</param>
    /// <param name="firstRow">The bit of the segment's first row, from 0 to 31.</param>
    /// <param name="lists">One bit per list that may hold a selected row.</param>
    private SegmentFilter(Segment segment, ReadOnlyMemory<uint> rows, int firstRow, uint[] lists)
    {
        _rows = rows;
        _firstRow = firstRow;
        _table = segment.Root.Lists;
        _lists = lists;
        foreach (uint word in lists)
            _listCount += BitOperations.PopCount(word);
        _rowCount = segment.Root.Description.Count;
        for (int row = 0; row < _rowCount; row += 32)
            Count += BitOperations.PopCount(Rows(row));
        _postings = new uint[]?[_table?.ListCount ?? 0];
    }

    /// <summary>Rows selected.</summary>
    public int Count { get; }

    /// <summary>Whether the segment has no lists: it is searched exactly.</summary>
    public bool IsFlat => _table is null;

    /// <summary>One bit per list that may hold a selected row. Bits are cleared as lists are found to hold none.</summary>
    public ReadOnlySpan<uint> Lists => _lists;

    /// <summary>Lists that may hold a selected row.</summary>
    public int ListCount => Volatile.Read(ref _listCount);

    /// <summary>The selected postings of a list, one word for each block.</summary>
    /// <param name="list">The list.</param>
    /// <param name="blocks">Its blocks.</param>
    /// <param name="count">Receives their number.</param>
    public ReadOnlySpan<uint> Postings<K>(int list, SignBlocks blocks, out int count) where K : struct, IKernels
    {
        uint[]? postings = Volatile.Read(ref _postings[list]);
        if (postings is null)
        {
            postings = new uint[CodeLayout.BlockCount(blocks.Count)];
            for (int block = 0; block < postings.Length; block++)
                postings[block] = K.SelectAllowed(blocks.Ordinals(block), _rows.Span, _firstRow) & blocks.Occupied(block);
            Volatile.Write(ref _postings[list], postings);
        }

        count = 0;
        foreach (uint word in postings)
            count += BitOperations.PopCount(word);
        uint bit = 1u << (list & 31);
        if (count == 0 && (Interlocked.And(ref _lists[list >> 5], ~bit) & bit) != 0)
            Interlocked.Decrement(ref _listCount);
        return postings;
    }

    /// <summary>The first selected row from one on; -1 if there is none.</summary>
    /// <param name="from">Where to begin.</param>
    /// <param name="end">Behind the last row to look at.</param>
    public int Next(int from, int end)
    {
        while (from < end)
        {
            uint ahead = BitWords.Read(_rows.Span, (long)_firstRow + from);
            if (ahead != 0)
            {
                int row = from + BitOperations.TrailingZeroCount(ahead);
                return row < end ? row : -1;
            }

            from = from > int.MaxValue - 32 ? end : from + 32;
        }

        return -1;
    }

    /// <summary>The filter that selects a set's rows, without copying them.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="firstRow">Its first row in the index.</param>
    /// <param name="set">Rows of the index.</param>
    public static SegmentFilter Of(Segment segment, long firstRow, RowSet set)
    {
        uint[] lists = new uint[BitWords.Count(segment.Root.Description.ListCount)];
        BitWords.Fill(lists, segment.Root.Description.ListCount);
        return new SegmentFilter(segment, set.Words[(int)(firstRow >> 5)..], (int)(firstRow & 31), lists);
    }

    /// <summary>Adds the selected rows to a set of the whole index, in which the segment's first row is at a given bit.</summary>
    public void AddTo(Span<uint> words, long start)
    {
        for (int row = 0; row < _rowCount; row += 32)
        {
            ulong selected = (ulong)Rows(row) << (int)(start & 31);
            int word = (int)((start + row) >> 5);
            words[word] |= (uint)selected;
            if (selected >> 32 != 0)
                words[word + 1] |= (uint)(selected >> 32);
        }
    }

    /// <summary>32 rows from a given one on, as bits.</summary>
    private uint Rows(int row)
    {
        uint word = BitWords.Read(_rows.Span, (long)_firstRow + row);
        return _rowCount - row < 32 ? word & ((1u << (_rowCount - row)) - 1) : word;
    }

    /// <summary>Evaluates a filter over the metadata of all rows.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="firstRow">Its first row in the index.</param>
    /// <param name="filter">The filter, bound to the metadata.</param>
    /// <param name="scope">What reads them.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <exception cref="CorruptDataException">What was read is damaged.</exception>
    public static async ValueTask<SegmentFilter> EvaluateAsync(
        Segment segment, long firstRow, BoundFilter filter, ReadScope scope, CancellationToken cancellationToken)
    {
        int rows = segment.Root.Description.Count;
        uint[] selected;
        var columns = new SortedSet<string>(StringComparer.Ordinal);
        filter.AddColumns(columns);
        if (columns.Count == 0)
        {
            selected = new uint[BitWords.Count(rows)];
            filter.Select(new RecordBatch(new ArrowSchema([]), [], rows), firstRow, selected);
        }
        else
        {
            selected = await SelectAsync(segment, [.. columns], filter, firstRow, scope, cancellationToken).ConfigureAwait(false);
        }

        ZoneMaps zones = await segment.ReadZonesAsync(columns, scope, cancellationToken).ConfigureAwait(false);
        uint[] lists = new uint[BitWords.Count(segment.Root.Description.ListCount)];
        for (int list = 0; list < segment.Root.Description.ListCount; list++)
        {
            if (segment.Root.Lists!.Count(list) > 0 && filter.MayMatch(zones, list))
                BitWords.Set(lists, list);
        }

        return new SegmentFilter(segment, selected, 0, lists);
    }

    /// <summary>Selects among the rows of all record batches. Memory grows as they are read: their number is a claim until then.</summary>
    private static async ValueTask<uint[]> SelectAsync(
        Segment segment, string[] columns, BoundFilter filter, long firstRow, ReadScope scope, CancellationToken cancellationToken)
    {
        int row = 0, most = BitWords.Count(segment.Root.Description.Count);
        uint[] selected = [];
        for (int i = 0; i < segment.Metadata!.BatchCount; i++)
        {
            RecordBatch batch = await segment.ReadBatchAsync(i, columns, scope, cancellationToken).ConfigureAwait(false);
            uint[] words = new uint[BitWords.Count(batch.RowCount)];
            filter.Select(batch, firstRow + row, words);
            int needed = BitWords.Count(row + batch.RowCount);
            if (needed > selected.Length)
                Array.Resize(ref selected, Math.Max(needed, (int)Math.Min(2L * selected.Length, most)));
            BitWords.CopyTo(words, batch.RowCount, selected, row);
            row += batch.RowCount;
        }

        return selected;
    }
}

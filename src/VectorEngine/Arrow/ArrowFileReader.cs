using System.Buffers.Binary;

namespace VectorEngine.Arrow;

/// <summary>
/// Reads an Arrow IPC file by ranges: whole batches, single columns, or single rows. <see cref="ArrowFile.OpenAsync"/> opens one.
/// Safe for concurrent use.
/// </summary>
/// <remarks>
/// Nothing in the file is trusted: what contradicts the format is a <see cref="CorruptDataException"/>, what is valid but not read here
/// (such as compressed batches) a <see cref="NotSupportedException"/>. A file may have columns of types that are not read: their <see
/// cref="ArrowType.Kind"/> says so, and only asking for them is an error. Text that is encoded by a dictionary is read as plain text.
/// </remarks>
public sealed class ArrowFileReader : IDisposable
{
    /// <summary>Read from the end at opening: mostly this has the whole footer.</summary>
    private const int TailLength = 64 << 10;

    /// <summary>Bytes of values that are allocated before the file has shown its last byte.</summary>
    private const int TrustedLength = 32 << 20;

    private readonly string _objectKey;
    private readonly IRangeSource _source;
    private readonly ArrowFooter _footer;
    private readonly ArrowDictionaries _dictionaries;

    // Filled as batches are met. Two threads may both fill an entry: they put the same there.
    private readonly BatchLayout?[] _layouts;

    // The first row of each batch, and the number of all rows.
    private long[]? _rowStarts;

    // The batches' messages, if they were kept elsewhere, and where each begins.
    private ReadOnlyMemory<byte> _messages;
    private int[] _messageStarts = [];

    // What rows take is checked against the file's length, which may only have been told: its last byte shows that it is true.
    private volatile bool _isLengthShown;

    private ArrowFileReader(string objectKey, IRangeSource source, ReadOnlyMemory<byte> footer, long footerOffset)
    {
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException("Arrow files are read into memory as they are, which takes a little-endian machine.");
        _objectKey = objectKey;
        _source = source;
        _footer = MetadataDecoder.Footer(new FlatBuffer(objectKey, footerOffset, footer), source.Length);
        _dictionaries = new ArrowDictionaries(objectKey, source, _footer.Dictionaries);
        _layouts = new BatchLayout?[Blocks.Count];
    }

    /// <summary>The columns.</summary>
    public ArrowSchema Schema => _footer.Schema;

    /// <summary>Number of record batches.</summary>
    public int BatchCount => Blocks.Count;

    /// <summary>The place of each record batch.</summary>
    internal IReadOnlyList<ArrowBlock> Blocks => _footer.Batches;

    /// <summary>Opens a file whose footer, and perhaps the number of rows of each batch, were kept elsewhere: nothing is read.</summary>
    /// <param name="objectKey">The file's name, for errors.</param>
    /// <param name="source">Its bytes.</param>
    /// <param name="footer">As <see cref="ArrowFileSummary.Footer"/> told it.</param>
    /// <param name="rowCounts">
    /// As <see cref="ArrowFileSummary.RowCounts"/> told it; without it, the first taking of rows visits every batch.
    /// </param>
    /// <param name="messages">
    /// As <see cref="ArrowFileSummary.Messages"/> told it; where it is empty, the message of a batch is read when its rows first are.
    /// </param>
    internal static ArrowFileReader Open(
        string objectKey, IRangeSource source, ReadOnlyMemory<byte> footer, IReadOnlyList<long>? rowCounts = null,
        ReadOnlyMemory<byte> messages = default)
    {
        var reader = new ArrowFileReader(objectKey, source, footer, footerOffset: 0);
        if (!messages.IsEmpty)
            reader.UseMessages(messages);
        if (rowCounts is null)
            return reader;
        if (rowCounts.Count != reader.Blocks.Count)
            throw new CorruptDataException(objectKey, 0, source.Length, $"{rowCounts.Count} row counts for {reader.Blocks.Count} batches");
        reader._rowStarts = SumRows(rowCounts);
        return reader;
    }

    /// <summary>Opens a file from its own footer.</summary>
    /// <param name="objectKey">The file's name, for errors.</param>
    /// <param name="source">Its bytes.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    internal static async ValueTask<ArrowFileReader> OpenAsync(
        string objectKey, IRangeSource source, CancellationToken cancellationToken = default)
    {
        if (source.Length < 8 + ArrowFormat.TrailerLength)
            throw new CorruptDataException(objectKey, 0, source.Length, "too short for an Arrow file");
        var head = new byte[ArrowFormat.MagicLength];
        var tail = new byte[Math.Min(TailLength, source.Length)];
        var reads = new RangeReads();
        reads.Add(0, head);
        reads.Add(source.Length - tail.Length, tail);
        await reads.ExecuteAsync(source, cancellationToken).ConfigureAwait(false);
        if (!ArrowFormat.Magic.SequenceEqual(head) || !tail.AsSpan().EndsWith(ArrowFormat.Magic))
            throw new CorruptDataException(objectKey, 0, source.Length, "not an Arrow file: it does not begin and end with ARROW1");

        long footerEnd = source.Length - ArrowFormat.TrailerLength;
        int footerLength = BinaryPrimitives.ReadInt32LittleEndian(tail.AsSpan(^ArrowFormat.TrailerLength..));
        if (footerLength is < 0 or > ArrowFormat.MaxFooterLength || footerLength > footerEnd - ArrowFormat.MagicLength)
            throw new CorruptDataException(objectKey, footerEnd, sizeof(int), $"a footer of {footerLength} bytes");
        int tailFooter = tail.Length - ArrowFormat.TrailerLength;
        byte[] footer;
        if (footerLength <= tailFooter)
        {
            footer = tail[(tailFooter - footerLength)..tailFooter];
        }
        else
        {
            footer = new byte[footerLength];
            await source.ReadAsync(footerEnd - footerLength, footer, cancellationToken).ConfigureAwait(false);
        }
        return new ArrowFileReader(objectKey, source, footer, footerEnd - footerLength);
    }

    /// <summary>The number of rows of the whole file.</summary>
    /// <param name="cancellationToken">Cancels the reading of the batches' metadata, which happens once.</param>
    /// <exception cref="CorruptDataException">The file is damaged.</exception>
    /// <exception cref="NotSupportedException">The file has something that is not read.</exception>
    public async ValueTask<long> CountRowsAsync(CancellationToken cancellationToken = default) =>
        (await RowStartsAsync(_source, cancellationToken).ConfigureAwait(false))[^1];

    /// <summary>Reads a whole record batch.</summary>
    /// <param name="batch">Which, from 0.</param>
    /// <param name="columns">The columns wanted, in this order; null for all.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <exception cref="ArgumentOutOfRangeException">The file has no such batch.</exception>
    /// <exception cref="KeyNotFoundException">The file has no such column.</exception>
    /// <exception cref="CorruptDataException">The file is damaged.</exception>
    /// <exception cref="NotSupportedException">The batch is compressed, or a column that is asked for is not read here.</exception>
    public ValueTask<RecordBatch> ReadBatchAsync(
        int batch, IReadOnlyList<string>? columns = null, CancellationToken cancellationToken = default) =>
        ReadBatchAsync(batch, columns, _source, cancellationToken);

    /// <param name="batch">Which, from 0.</param>
    /// <param name="columns">The columns wanted, in this order; null for all.</param>
    /// <param name="source">The file's bytes, as another source reads them.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <inheritdoc cref="ReadBatchAsync(int, IReadOnlyList{string}?, CancellationToken)"/>
    internal async ValueTask<RecordBatch> ReadBatchAsync(
        int batch, IReadOnlyList<string>? columns, IRangeSource source, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(batch);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(batch, Blocks.Count);
        await LoadLayoutsAsync([batch], source, cancellationToken).ConfigureAwait(false);
        BatchLayout layout = _layouts[batch]!;
        RowRun[] runs = [new RowRun(layout, 0, layout.RowCount, 0)];
        return await GatherAsync(new RowSelection(_objectKey, runs, layout.RowCount), columns, source, cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>Reads one column of a record batch, and nothing of the others.</summary>
    /// <param name="batch">Which, from 0.</param>
    /// <param name="column">The column's name.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <inheritdoc cref="ReadBatchAsync(int, IReadOnlyList{string}?, CancellationToken)"/>
    public async ValueTask<ArrowArray> ReadColumnAsync(int batch, string column, CancellationToken cancellationToken = default) =>
        (await ReadBatchAsync(batch, [column], cancellationToken).ConfigureAwait(false)).Columns[0];

    /// <summary>Reads rows, and little else: at most a page around each value.</summary>
    /// <param name="rows">Row numbers of the file, in any order; the result has them in this order.</param>
    /// <param name="columns">The columns wanted, in this order; null for all.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <exception cref="ArgumentOutOfRangeException">The file has no such row.</exception>
    /// <exception cref="KeyNotFoundException">The file has no such column.</exception>
    /// <exception cref="CorruptDataException">The file is damaged.</exception>
    /// <exception cref="NotSupportedException">A batch is compressed, or a column that is asked for is not read here.</exception>
    public ValueTask<RecordBatch> TakeAsync(
        ReadOnlyMemory<long> rows, IReadOnlyList<string>? columns = null, CancellationToken cancellationToken = default) =>
        TakeAsync(rows, columns, _source, cancellationToken);

    /// <param name="rows">Row numbers of the file, in any order; the result has them in this order.</param>
    /// <param name="columns">The columns wanted, in this order; null for all.</param>
    /// <param name="source">The file's bytes, as another source reads them.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <inheritdoc cref="TakeAsync(ReadOnlyMemory{long}, IReadOnlyList{string}?, CancellationToken)"/>
    internal async ValueTask<RecordBatch> TakeAsync(
        ReadOnlyMemory<long> rows, IReadOnlyList<string>? columns, IRangeSource source, CancellationToken cancellationToken)
    {
        long[] rowStarts = await RowStartsAsync(source, cancellationToken).ConfigureAwait(false);
        List<(int Batch, int Start, int Count)> found = FindRuns(rows.Span, rowStarts);
        await LoadLayoutsAsync(found.Select(run => run.Batch).Distinct(), source, cancellationToken).ConfigureAwait(false);
        var runs = new RowRun[found.Count];
        int target = 0;
        for (int i = 0; i < runs.Length; i++)
        {
            runs[i] = new RowRun(_layouts[found[i].Batch]!, found[i].Start, found[i].Count, target);
            target += found[i].Count;
        }
        return await GatherAsync(new RowSelection(_objectKey, runs, rows.Length), columns, source, cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>Where a column's values lie, or null where that is not arithmetic: values are missing, or vary in length.</summary>
    /// <param name="column">Its name.</param>
    /// <param name="cancellationToken">Cancels the reading of the batches' metadata.</param>
    internal async ValueTask<RowBatches?> FindRowsAsync(string column, CancellationToken cancellationToken = default)
    {
        int index = Schema.RequireIndex(column);
        long bitWidth = Schema.Fields[index].Type.BitWidth;
        await LoadLayoutsAsync(Enumerable.Range(0, Blocks.Count), _source, cancellationToken).ConfigureAwait(false);
        BatchLayout[] batches = [.. _layouts.Select(layout => layout!).Where(layout => layout.RowCount != 0)];
        if (bitWidth == 0 || bitWidth % 8 != 0)
            return null;
        if (batches.Any(batch => batch.Columns[index] is { NullCount: not 0 } or { ChildNullCount: not 0 }))
            return null;
        return new RowBatches(bitWidth / 8, [.. batches.Select(batch => (batch.Columns[index].Values.Offset, (long)batch.RowCount))]);
    }

    private async ValueTask<RecordBatch> GatherAsync(
        RowSelection selection, IReadOnlyList<string>? columns, IRangeSource source, CancellationToken cancellationToken)
    {
        int[] indexes = columns is null ? [.. Enumerable.Range(0, Schema.Fields.Count)] : [.. columns.Select(Schema.RequireIndex)];
        var reads = new RangeReads();
        if (!_isLengthShown)
        {
            BatchMessages.AddLastByte(reads, source);
            if (indexes.Sum(i => Schema.Fields[i].Type.BitWidth / 8.0 * selection.RowCount) > TrustedLength)
                await reads.ExecuteAsync(source, cancellationToken).ConfigureAwait(false);
        }

        var gathers = new ColumnGather[indexes.Length];
        for (int i = 0; i < gathers.Length; i++)
            gathers[i] = await CreateGatherAsync(selection, indexes[i], cancellationToken).ConfigureAwait(false);
        ArrowArray[] arrays = await ColumnGather.ReadAsync(gathers, reads, source, cancellationToken).ConfigureAwait(false);
        _isLengthShown = true;
        ArrowSchema schema = columns is null ? Schema : new ArrowSchema(indexes.Select(i => Schema.Fields[i]));
        return new RecordBatch(schema, arrays, selection.RowCount);
    }

    private async ValueTask<ColumnGather> CreateGatherAsync(RowSelection selection, int column, CancellationToken cancellationToken)
    {
        (string name, ArrowType type, bool nullable) = Schema.Fields[column];
        if (type.Kind == ArrowTypeKind.Unsupported)
            throw new NotSupportedException($"Column '{name}' of '{_objectKey}' is of type {type}, which is not supported.");
        if (_footer.Encodings[column] is not { } encoding)
            return ColumnGather.Create(type, selection, column);
        VariableLengthArray dictionary = await _dictionaries.ReadAsync(encoding.Id, type, cancellationToken).ConfigureAwait(false);
        if (dictionary.NullCount != 0 && !nullable)
            throw new NotSupportedException($"Column '{name}' of '{_objectKey}' is not nullable, but its dictionary misses values.");
        return new DictionaryGather(selection, column, encoding.IndexType, dictionary);
    }

    private List<(int Batch, int Start, int Count)> FindRuns(ReadOnlySpan<long> rows, long[] rowStarts)
    {
        var runs = new List<(int Batch, int Start, int Count)>();
        foreach (long row in rows)
        {
            if (row < 0 || row >= rowStarts[^1])
                throw new ArgumentOutOfRangeException(nameof(rows), row, $"'{_objectKey}' has {rowStarts[^1]} rows.");
            if (runs.Count != 0)
            {
                (int lastBatch, int start, int count) = runs[^1];
                if (row == rowStarts[lastBatch] + start + count && row < rowStarts[lastBatch + 1])
                {
                    runs[^1] = (lastBatch, start, count + 1);
                    continue;
                }
            }
            int batch = LastStartAtOrBelow(rowStarts, row);
            runs.Add((batch, (int)(row - rowStarts[batch]), 1));
        }
        return runs;
    }

    /// <summary>The batch of a row that exists. Of several batches that start at the same row, all but the last are empty.</summary>
    private static int LastStartAtOrBelow(long[] rowStarts, long row)
    {
        int low = 0, high = rowStarts.Length - 1;
        while (high - low > 1)
        {
            int middle = (low + high) / 2;
            if (rowStarts[middle] <= row)
                low = middle;
            else
                high = middle;
        }
        return low;
    }

    private async ValueTask<long[]> RowStartsAsync(IRangeSource source, CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _rowStarts) is { } known)
            return known;
        await LoadLayoutsAsync(Enumerable.Range(0, Blocks.Count), source, cancellationToken).ConfigureAwait(false);
        long[] rowStarts = SumRows(Array.ConvertAll(_layouts, layout => (long)layout!.RowCount));
        Volatile.Write(ref _rowStarts, rowStarts);
        return rowStarts;
    }

    private static long[] SumRows(IReadOnlyList<long> rowCounts)
    {
        var starts = new long[rowCounts.Count + 1];
        for (int i = 0; i < rowCounts.Count; i++)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(rowCounts[i], nameof(rowCounts));
            starts[i + 1] = checked(starts[i] + rowCounts[i]);
        }
        return starts;
    }

    private async ValueTask LoadLayoutsAsync(IEnumerable<int> batches, IRangeSource source, CancellationToken cancellationToken)
    {
        int[] missing = [.. batches.Where(batch => Volatile.Read(ref _layouts[batch]) is null)];
        if (!_messages.IsEmpty)
        {
            foreach (int batch in missing)
            {
                ReadOnlyMemory<byte> message = _messages.Slice(_messageStarts[batch], Blocks[batch].MetadataLength);
                Volatile.Write(ref _layouts[batch], ParseLayout(batch, message));
            }
            return;
        }

        await foreach ((int batch, byte[] message) in BatchMessages.ReadAsync(source, Blocks, missing, cancellationToken)
            .ConfigureAwait(false))
        {
            _isLengthShown = true;
            Volatile.Write(ref _layouts[batch], ParseLayout(batch, message));
        }
    }

    private void UseMessages(ReadOnlyMemory<byte> messages)
    {
        long length = Blocks.Sum(block => (long)block.MetadataLength);
        if (messages.Length != length)
            throw new CorruptDataException(_objectKey, 0, _source.Length, $"{messages.Length} bytes of messages that have {length}");
        _messageStarts = new int[Blocks.Count];
        for (int i = 1; i < _messageStarts.Length; i++)
            _messageStarts[i] = _messageStarts[i - 1] + Blocks[i - 1].MetadataLength;
        _messages = messages;
    }

    /// <summary>Closes the file, if opening it was up to the reader.</summary>
    public void Dispose() => (_source as IDisposable)?.Dispose();

    private BatchLayout ParseLayout(int batch, ReadOnlyMemory<byte> message)
    {
        ArrowBlock block = Blocks[batch];
        BatchLayout layout = MetadataDecoder.Batch(ArrowFormat.Unframe(_objectKey, block, message), _footer, block);
        if (Volatile.Read(ref _rowStarts) is { } rowStarts && rowStarts[batch + 1] - rowStarts[batch] != layout.RowCount)
        {
            throw new CorruptDataException(
                _objectKey, block.Offset, block.MetadataLength, $"batch {batch} has {layout.RowCount} rows: not what was recorded");
        }
        return layout;
    }
}

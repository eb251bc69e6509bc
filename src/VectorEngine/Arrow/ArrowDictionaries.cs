using System.Collections.Concurrent;

namespace VectorEngine.Arrow;

/// <summary>
/// The dictionaries of a file, each read when a column first needs it, and kept. A dictionary may have several batches, which are its
/// values one batch after the other. Safe for concurrent use.
/// </summary>
/// <param name="objectKey">The file's name, for errors.</param>
/// <param name="source">Its bytes.</param>
/// <param name="blocks">The place of each dictionary batch, in the order that counts.</param>
internal sealed class ArrowDictionaries(string objectKey, IRangeSource source, ArrowBlock[] blocks)
{
    private readonly ConcurrentDictionary<(long Id, ArrowType Type), VariableLengthArray> _known = [];

    /// <summary>The values of a dictionary; none, if the file does not have it, as where all of a column is missing.</summary>
    /// <param name="id">Which.</param>
    /// <param name="type">The values' type, text or byte strings.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    public async ValueTask<VariableLengthArray> ReadAsync(long id, ArrowType type, CancellationToken cancellationToken)
    {
        if (_known.TryGetValue((id, type), out VariableLengthArray? known))
            return known;
        RowRun[] runs = await FindAsync(id, type, cancellationToken).ConfigureAwait(false);
        int count = runs.Length == 0 ? 0 : runs[^1].Target + runs[^1].Count;
        ColumnGather[] gather = [ColumnGather.Create(type, new RowSelection(objectKey, runs, count), column: 0)];
        ArrowArray[] values = await ColumnGather.ReadAsync(gather, new RangeReads(), source, cancellationToken).ConfigureAwait(false);
        // Of two threads that read the same dictionary, the later uses the earlier's.
        return _known.GetOrAdd((id, type), (VariableLengthArray)values[0]);
    }

    /// <summary>The batches of a dictionary, each as a run of all its values.</summary>
    private async ValueTask<RowRun[]> FindAsync(long id, ArrowType type, CancellationToken cancellationToken)
    {
        var runs = new List<RowRun>();
        long count = 0;
        int[] all = [.. Enumerable.Range(0, blocks.Length)];
        await foreach ((int batch, byte[] message) in BatchMessages.ReadAsync(source, blocks, all, cancellationToken).ConfigureAwait(false))
        {
            ArrowBlock block = blocks[batch];
            FlatTable header = MetadataDecoder.DictionaryHeader(ArrowFormat.Unframe(objectKey, block, message), block);
            if (header.Int64(Wire.DictionaryBatch.Id) != id)
                continue;
            if (runs.Count != 0 && header.Byte(Wire.DictionaryBatch.IsDelta) == 0)
                throw header.Corrupt($"dictionary {id} is there twice, which only a stream may have");
            BatchLayout layout = MetadataDecoder.Dictionary(header, type, block);
            runs.Add(new RowRun(layout, 0, layout.RowCount, (int)count));
            count += layout.RowCount;
            if (count > int.MaxValue)
                throw header.Buffer.Unsupported($"a dictionary of {count} values");
        }
        return [.. runs];
    }
}

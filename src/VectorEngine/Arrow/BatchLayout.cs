namespace VectorEngine.Arrow;

/// <summary>Bytes of a file.</summary>
internal readonly record struct FileRange(long Offset, long Length);

/// <summary>Where a record batch's values lie. Every range lies in the file and is as long as the rows take.</summary>
internal sealed record BatchLayout(int RowCount, ColumnLayout[] Columns);

/// <summary>Where a column's values lie in one batch.</summary>
/// <param name="NullCount">Number of missing values.</param>
/// <param name="Validity">The validity bitmap, if values are missing.</param>
/// <param name="Values">The values; text and byte strings: the offsets; vectors: the elements; dictionary-encoded: the positions.</param>
/// <param name="Bytes">Text and byte strings: the bytes.</param>
internal sealed record ColumnLayout(long NullCount, FileRange Validity, FileRange Values, FileRange Bytes = default)
{
    /// <summary>Vectors: number of missing elements, which may only be those of missing vectors.</summary>
    public long ChildNullCount { get; init; }

    /// <summary>Vectors: the elements' validity bitmap, if elements are missing.</summary>
    public FileRange ChildValidity { get; init; }
}

/// <summary>A record batch's nodes and buffers, taken one after the other as the columns ask for them.</summary>
internal sealed class BatchParts
{
    private readonly FlatTable _batch;
    private readonly ArrowBlock _block;
    private readonly FlatVector _nodes;
    private readonly FlatVector _buffers;
    private readonly FlatVector _viewBufferCounts;
    private int _nextNode;
    private int _nextBuffer;
    private int _nextView;
    private long _bodyLeft;

    public BatchParts(FlatTable batch, ArrowBlock block)
    {
        _batch = batch;
        _block = block;
        _nodes = batch.Vector(Wire.RecordBatch.Nodes, Wire.NodeLength);
        _buffers = batch.Vector(Wire.RecordBatch.Buffers, Wire.BufferLength);
        _viewBufferCounts = batch.Vector(Wire.RecordBatch.ViewBufferCounts, sizeof(long));
        _bodyLeft = block.BodyLength;
    }

    /// <summary>
    /// The next node, whose length is checked, and the validity bitmap, which has room for so many values if any is missing.
    /// </summary>
    public (long NullCount, FileRange Validity) NextColumn(long minLength, long maxLength)
    {
        long nullCount = NextNode(minLength, maxLength);
        FileRange validity = NextBuffer(1, nullCount <= 0 ? 0 : minLength);
        // apache-arrow for JavaScript writes -1, not known, where a slice has no bitmap.
        if (nullCount < 0 && validity.Length != 0)
            throw _batch.Corrupt($"a column with {nullCount} missing values");
        return (Math.Max(nullCount, 0), validity);
    }

    /// <summary>Steps over a column that is not read.</summary>
    public void Skip(ArrowParts parts)
    {
        long buffers = parts.Buffers;
        for (int i = 0; i < parts.Views; i++)
            buffers += NextViewBufferCount();
        for (int i = 0; i < parts.Nodes; i++)
            NextNode(0, long.MaxValue);
        for (long i = 0; i < buffers; i++)
            NextBuffer(0, 0);
    }

    /// <summary>The next buffer, which must have room for so many values.</summary>
    public FileRange NextBuffer(long bitsPerValue, long count)
    {
        if (_nextBuffer == _buffers.Count)
            throw _batch.Corrupt("a batch with too few buffers");
        long offset = _buffers.Int64(_nextBuffer, 0), length = _buffers.Int64(_nextBuffer, sizeof(long));
        _nextBuffer++;
        // The sum is limited too: many buffers in one place would make a small file a large one.
        if (offset < 0 || length < 0 || offset > _block.BodyLength - length || length > _bodyLeft)
            throw _batch.Corrupt("a buffer lies outside its batch");
        _bodyLeft -= length;
        if ((Int128)length * 8 < (Int128)bitsPerValue * count)
            throw _batch.Corrupt($"a buffer of {length} bytes for {count} values of {bitsPerValue} bits");
        return new FileRange(_block.BodyOffset + offset, length);
    }

    public void CheckAllUsed()
    {
        if (_nextNode != _nodes.Count || _nextBuffer != _buffers.Count)
            throw _batch.Corrupt("a batch with more columns or buffers than the schema");
    }

    private long NextNode(long minLength, long maxLength)
    {
        if (_nextNode == _nodes.Count)
            throw _batch.Corrupt("a batch with too few columns");
        long length = _nodes.Int64(_nextNode, 0), nullCount = _nodes.Int64(_nextNode, sizeof(long));
        _nextNode++;
        if (length < minLength || length > maxLength || nullCount < -1 || nullCount > length)
            throw _batch.Corrupt($"a column of {length} values, {nullCount} of them missing, in a batch with fewer or more");
        return nullCount;
    }

    private long NextViewBufferCount()
    {
        if (_nextView == _viewBufferCounts.Count)
            throw _batch.Corrupt("a batch with too few columns of views");
        long count = _viewBufferCounts.Int64(_nextView++, 0);
        return count >= 0 && count <= _buffers.Count ? count : throw _batch.Corrupt($"a column of views with {count} buffers");
    }
}

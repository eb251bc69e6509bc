namespace VectorEngine.Arrow;

/// <summary>Neighbouring rows of a batch that are neighbours in the result too.</summary>
/// <param name="Batch">The batch.</param>
/// <param name="Start">First row in it.</param>
/// <param name="Count">Number of rows.</param>
/// <param name="Target">First row in the result.</param>
internal readonly record struct RowRun(BatchLayout Batch, int Start, int Count, int Target);

/// <summary>What is read: the file's name for errors, the runs of rows, and how many rows they are together.</summary>
internal sealed record RowSelection(string ObjectKey, RowRun[] Runs, int RowCount);

/// <summary>
/// Puts runs of a column's rows together into one array, in two rounds of reads: first all that lies where arithmetic says,
/// then, for text and byte strings, the bytes that the offsets tell.
/// </summary>
internal abstract class ColumnGather
{
    private readonly BitGather? _validity;

    private protected ColumnGather(RowSelection selection, int column)
    {
        Selection = selection;
        Column = column;
        if (selection.Runs.Any(run => LayoutOf(run).NullCount != 0))
            _validity = new BitGather(selection, 1, run => LayoutOf(run).NullCount == 0 ? null : LayoutOf(run).Validity);
    }

    protected RowSelection Selection { get; }

    protected int Column { get; }

    /// <param name="type">The type of the column's buffers: of positions, where it is encoded by a dictionary.</param>
    /// <param name="selection">The rows.</param>
    /// <param name="column">The column's position.</param>
    public static ColumnGather Create(ArrowType type, RowSelection selection, int column) => type.Kind switch
    {
        ArrowTypeKind.Null => new NullGather(selection, column),
        ArrowTypeKind.Bool => new BoolGather(selection, column),
        ArrowTypeKind.Int8 => new PrimitiveGather<sbyte>(selection, column, type),
        ArrowTypeKind.Int16 => new PrimitiveGather<short>(selection, column, type),
        ArrowTypeKind.Int32 => new PrimitiveGather<int>(selection, column, type),
        ArrowTypeKind.Int64 or ArrowTypeKind.Timestamp => new PrimitiveGather<long>(selection, column, type),
        ArrowTypeKind.UInt8 => new PrimitiveGather<byte>(selection, column, type),
        ArrowTypeKind.UInt16 => new PrimitiveGather<ushort>(selection, column, type),
        ArrowTypeKind.UInt32 => new PrimitiveGather<uint>(selection, column, type),
        ArrowTypeKind.UInt64 => new PrimitiveGather<ulong>(selection, column, type),
        ArrowTypeKind.Float16 => new PrimitiveGather<Half>(selection, column, type),
        ArrowTypeKind.Float32 => new PrimitiveGather<float>(selection, column, type),
        ArrowTypeKind.Float64 => new PrimitiveGather<double>(selection, column, type),
        ArrowTypeKind.FixedSizeList => type.ElementType!.Kind switch
        {
            ArrowTypeKind.Int8 => new VectorGather<sbyte>(selection, column, type.ListSize),
            ArrowTypeKind.UInt8 => new VectorGather<byte>(selection, column, type.ListSize),
            ArrowTypeKind.Float16 => new VectorGather<Half>(selection, column, type.ListSize),
            ArrowTypeKind.Float32 => new VectorGather<float>(selection, column, type.ListSize),
            _ => new VectorGather<double>(selection, column, type.ListSize),
        },
        _ when type.IsLarge => new VariableGather<long>(selection, column, type),
        _ => new VariableGather<int>(selection, column, type),
    };

    /// <summary>Reads several columns of the same rows.</summary>
    /// <param name="gathers">The columns.</param>
    /// <param name="reads">What else is to be read in the first round.</param>
    /// <param name="source">The file.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    public static async ValueTask<ArrowArray[]> ReadAsync(
        ColumnGather[] gathers, RangeReads reads, IRangeSource source, CancellationToken cancellationToken)
    {
        foreach (ColumnGather gather in gathers)
            gather.AddReads(reads);
        await reads.ExecuteAsync(source, cancellationToken).ConfigureAwait(false);
        foreach (ColumnGather gather in gathers)
            gather.AddDependentReads(reads);
        await reads.ExecuteAsync(source, cancellationToken).ConfigureAwait(false);
        return Array.ConvertAll(gathers, gather => gather.Build());
    }

    public virtual void AddReads(RangeReads reads) => _validity?.AddReads(reads);

    public virtual void AddDependentReads(RangeReads reads) { }

    public abstract ArrowArray Build();

    protected ColumnLayout LayoutOf(RowRun run) => run.Batch.Columns[Column];

    /// <summary>Where the value in a row of the result comes from.</summary>
    protected ColumnLayout LayoutOfRow(int row) => LayoutOf(Array.FindLast(Selection.Runs, run => run.Target <= row));

    protected Validity BuildValidity()
    {
        if (_validity is null)
            return Validity.AllValid;
        byte[] bits = _validity.Build();
        foreach (RowRun run in Selection.Runs.Where(run => run.Count == run.Batch.RowCount))
        {
            // A whole batch must miss as many values as its metadata says.
            var whole = new byte[Bitmap.ByteCount(run.Count)];
            Bitmap.Copy(bits, run.Target, whole, 0, run.Count);
            if (run.Count - Bitmap.CountOnes(whole, run.Count) != LayoutOf(run).NullCount)
                throw Corrupt(LayoutOf(run).Validity, "the validity bitmap contradicts the number of missing values");
        }
        return Validity.FromBits(bits, Selection.RowCount);
    }

    /// <summary>Reads values of <paramref name="width"/> bytes each to where they belong.</summary>
    protected void AddValueReads(RangeReads reads, Memory<byte> destination, int width)
    {
        foreach (RowRun run in Selection.Runs)
            reads.Add(LayoutOf(run).Values.Offset + (long)run.Start * width, destination.Slice(run.Target * width, run.Count * width));
    }

    protected CorruptDataException Corrupt(FileRange range, string reason) => new(Selection.ObjectKey, range.Offset, range.Length, reason);
}

/// <summary>Puts runs of bits together into one bitmap.</summary>
/// <param name="selection">The rows.</param>
/// <param name="bitsPerRow">Bits of each.</param>
/// <param name="bitmapOf">The bitmap that holds a run's bits, or null where all are 1.</param>
internal sealed class BitGather(RowSelection selection, int bitsPerRow, Func<RowRun, FileRange?> bitmapOf)
{
    // The bytes that hold the runs' bits, one run after the other.
    private byte[] _read = [];

    public void AddReads(RangeReads reads)
    {
        _read = ArrowArray.Allocate<byte>(selection.Runs.Sum(run => bitmapOf(run) is null ? 0 : BytesOf(run).Length));
        int start = 0;
        foreach (RowRun run in selection.Runs)
        {
            if (bitmapOf(run) is not { } bitmap)
                continue;
            (long offset, long length) = BytesOf(run);
            reads.Add(bitmap.Offset + offset, _read.AsMemory(start, (int)length));
            start += (int)length;
        }
    }

    public byte[] Build()
    {
        var bits = new byte[Bitmap.ByteCount(selection.RowCount * bitsPerRow)];
        int start = 0;
        foreach (RowRun run in selection.Runs)
        {
            int target = run.Target * bitsPerRow, count = run.Count * bitsPerRow;
            if (bitmapOf(run) is null)
            {
                Bitmap.SetRange(bits, target, count);
                continue;
            }
            Bitmap.Copy(_read.AsSpan(start), (int)((long)run.Start * bitsPerRow & 7), bits, target, count);
            start += (int)BytesOf(run).Length;
        }
        return bits;
    }

    /// <summary>The bytes of a bitmap that hold a run's bits.</summary>
    private FileRange BytesOf(RowRun run)
    {
        long first = (long)run.Start * bitsPerRow >> 3;
        long end = ((long)(run.Start + run.Count) * bitsPerRow + 7) >> 3;
        return new FileRange(first, run.Count == 0 ? 0 : end - first);
    }
}

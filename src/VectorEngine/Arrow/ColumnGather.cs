namespace VectorEngine.Arrow;

/// <summary>Neighbouring rows of a batch that are neighbours in the result too.</summary>
/// <param name="Batch">The batch.</param>
/// <param name="Start">First row in it.</param>
/// <param name="Count">Number of rows.</param>
/// <param name="Target">First row in the result.</param>
internal readonly record struct RowRun(BatchLayout Batch, int Start, int Count, int Target);

/// <summary>What is read: the file's name for errors, the runs of rows, and how many rows they are together.</summary>
internal sealed record RowSelection(string ObjectKey, RowRun[] Runs, int RowCount)
{
    /// <exception cref="NotSupportedException">More than one array can hold.</exception>
    public T[] Allocate<T>(long count) where T : unmanaged
    {
        if (count > Array.MaxLength / SizeOf<T>())
            throw new NotSupportedException($"{RowCount} rows of '{ObjectKey}' take 2 GiB or more in one column: read fewer at a time.");
        return GC.AllocateUninitializedArray<T>((int)count);
    }

    public static int SizeOf<T>() where T : unmanaged => (int)(ArrowType.Of<T>().BitWidth / 8);
}

/// <summary>
/// Puts runs of a column's rows together into one array, in two rounds of reads: first all that lies where arithmetic says,
/// then, for text, the bytes that the offsets tell.
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

    public static ColumnGather Create(ArrowType type, RowSelection selection, int column) => type.Kind switch
    {
        ArrowTypeKind.Bool => new BoolGather(selection, column),
        ArrowTypeKind.Int8 => new PrimitiveGather<sbyte>(selection, column),
        ArrowTypeKind.Int16 => new PrimitiveGather<short>(selection, column),
        ArrowTypeKind.Int32 => new PrimitiveGather<int>(selection, column),
        ArrowTypeKind.Int64 => new PrimitiveGather<long>(selection, column),
        ArrowTypeKind.UInt8 => new PrimitiveGather<byte>(selection, column),
        ArrowTypeKind.UInt16 => new PrimitiveGather<ushort>(selection, column),
        ArrowTypeKind.UInt32 => new PrimitiveGather<uint>(selection, column),
        ArrowTypeKind.UInt64 => new PrimitiveGather<ulong>(selection, column),
        ArrowTypeKind.Float16 => new PrimitiveGather<Half>(selection, column),
        ArrowTypeKind.Float32 => new PrimitiveGather<float>(selection, column),
        ArrowTypeKind.Float64 => new PrimitiveGather<double>(selection, column),
        ArrowTypeKind.Utf8 => new Utf8Gather(selection, column),
        _ when type.ElementType == ArrowType.Float16 => new VectorGather<Half>(selection, column, type.ListSize),
        _ => new VectorGather<float>(selection, column, type.ListSize),
    };

    public virtual void AddReads(RangeReads reads) => _validity?.AddReads(reads);

    public virtual void AddDependentReads(RangeReads reads) { }

    public abstract ArrowArray Build();

    protected ColumnLayout LayoutOf(RowRun run) => run.Batch.Columns[Column];

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
        _read = selection.Allocate<byte>(selection.Runs.Sum(run => bitmapOf(run) is null ? 0 : BytesOf(run).Length));
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

internal sealed class PrimitiveGather<T>(RowSelection selection, int column) : ColumnGather(selection, column) where T : unmanaged
{
    private readonly T[] _values = selection.Allocate<T>(selection.RowCount);

    public override void AddReads(RangeReads reads)
    {
        base.AddReads(reads);
        AddValueReads(reads, ByteMemory<T>.Of(_values.AsMemory()), RowSelection.SizeOf<T>());
    }

    public override PrimitiveArray<T> Build() => new(_values, BuildValidity());
}

internal sealed class BoolGather : ColumnGather
{
    private readonly BitGather _values;

    public BoolGather(RowSelection selection, int column) : base(selection, column) =>
        _values = new BitGather(selection, 1, run => LayoutOf(run).Values);

    public override void AddReads(RangeReads reads)
    {
        base.AddReads(reads);
        _values.AddReads(reads);
    }

    public override BoolArray Build() => new(_values.Build(), Selection.RowCount, BuildValidity());
}

internal sealed class VectorGather<T> : ColumnGather where T : unmanaged
{
    private readonly int _listSize;
    private readonly T[] _values;
    private readonly BitGather? _elementValidity;

    public VectorGather(RowSelection selection, int column, int listSize) : base(selection, column)
    {
        _listSize = listSize;
        _values = selection.Allocate<T>((long)selection.RowCount * listSize);
        if (selection.Runs.Any(run => LayoutOf(run).ChildNullCount != 0))
        {
            _elementValidity = new BitGather(
                selection, listSize, run => LayoutOf(run).ChildNullCount == 0 ? null : LayoutOf(run).ChildValidity);
        }
    }

    public override void AddReads(RangeReads reads)
    {
        base.AddReads(reads);
        _elementValidity?.AddReads(reads);
        // Only without rows may a vector be longer than the memory that was allocated.
        if (_values.Length != 0)
            AddValueReads(reads, ByteMemory<T>.Of(_values.AsMemory()), RowSelection.SizeOf<T>() * _listSize);
    }

    public override FixedSizeListArray<T> Build()
    {
        Validity validity = BuildValidity();
        if (_elementValidity is not null)
            CheckElements(_elementValidity.Build(), validity);
        return new(_values, _listSize, validity);
    }

    /// <summary>Writers may mark the elements of a missing vector as missing too; there must be no others.</summary>
    private void CheckElements(byte[] elementBits, Validity validity)
    {
        for (int i = 0; i < _values.Length; i++)
        {
            if (!Bitmap.Get(elementBits, i) && !validity.IsNull(i / _listSize))
            {
                throw new NotSupportedException(
                    $"'{Selection.ObjectKey}' is an Arrow file with missing elements in vectors, which is not supported.");
            }
        }
    }
}

internal sealed class Utf8Gather : ColumnGather
{
    private readonly int[] _offsets;

    // As the file has them, one more than rows for each run: a run's begin at its target plus its number.
    private readonly int[] _fileOffsets;
    private byte[] _bytes = [];

    public Utf8Gather(RowSelection selection, int column) : base(selection, column)
    {
        _offsets = selection.Allocate<int>((long)selection.RowCount + 1);
        _fileOffsets = selection.Allocate<int>((long)selection.RowCount + selection.Runs.Length);
    }

    public override void AddReads(RangeReads reads)
    {
        base.AddReads(reads);
        for (int i = 0; i < Selection.Runs.Length; i++)
        {
            RowRun run = Selection.Runs[i];
            Memory<int> offsets = _fileOffsets.AsMemory(run.Target + i, run.Count + 1);
            if (run.Count == 0)
                offsets.Span.Clear();
            else
                reads.Add(LayoutOf(run).Values.Offset + (long)run.Start * sizeof(int), ByteMemory<int>.Of(offsets));
        }
    }

    public override void AddDependentReads(RangeReads reads)
    {
        long total = 0;
        for (int i = 0; i < Selection.Runs.Length; i++)
        {
            ReadOnlySpan<int> offsets = FileOffsetsOf(i);
            CheckOffsets(offsets, LayoutOf(Selection.Runs[i]));
            total += offsets[^1] - offsets[0];
        }
        _bytes = Selection.Allocate<byte>(total);
        int start = 0;
        _offsets[0] = 0;
        for (int i = 0; i < Selection.Runs.Length; i++)
        {
            RowRun run = Selection.Runs[i];
            ReadOnlySpan<int> offsets = FileOffsetsOf(i);
            int length = offsets[^1] - offsets[0];
            for (int j = 1; j <= run.Count; j++)
                _offsets[run.Target + j] = start + offsets[j] - offsets[0];
            reads.Add(LayoutOf(run).Bytes.Offset + offsets[0], _bytes.AsMemory(start, length));
            start += length;
        }
    }

    public override Utf8Array Build()
    {
        var texts = new Utf8Array(_offsets, _bytes, BuildValidity());
        int invalid = texts.FindInvalid();
        if (invalid >= 0)
            throw Corrupt(LayoutOf(Array.FindLast(Selection.Runs, run => run.Target <= invalid)).Bytes, "a text is not UTF-8");
        return texts;
    }

    private ReadOnlySpan<int> FileOffsetsOf(int run) =>
        _fileOffsets.AsSpan(Selection.Runs[run].Target + run, Selection.Runs[run].Count + 1);

    private void CheckOffsets(ReadOnlySpan<int> offsets, ColumnLayout layout)
    {
        bool valid = offsets[0] >= 0 && offsets[^1] <= layout.Bytes.Length;
        for (int i = 1; i < offsets.Length; i++)
            valid &= offsets[i - 1] <= offsets[i];
        if (!valid)
            throw Corrupt(layout.Values, "text offsets decrease or leave their buffer");
    }
}

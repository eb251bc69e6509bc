using System.Numerics;
using System.Runtime.CompilerServices;

namespace VectorEngine.Arrow;

internal sealed class PrimitiveGather<T>(RowSelection selection, int column, ArrowType type)
    : ColumnGather(selection, column) where T : unmanaged
{
    private readonly T[] _values = ArrowArray.Allocate<T>(selection.RowCount);

    public override void AddReads(RangeReads reads)
    {
        base.AddReads(reads);
        AddValueReads(reads, ByteMemory<T>.Of(_values.AsMemory()), Unsafe.SizeOf<T>());
    }

    public override PrimitiveArray<T> Build() => new(type, _values, BuildValidity());
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
        _values = ArrowArray.Allocate<T>((long)selection.RowCount * listSize);
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
            AddValueReads(reads, ByteMemory<T>.Of(_values.AsMemory()), Unsafe.SizeOf<T>() * _listSize);
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

internal sealed class NullGather(RowSelection selection, int column) : ColumnGather(selection, column)
{
    public override void AddReads(RangeReads reads) { }

    public override NullArray Build() => new(Selection.RowCount);
}

/// <typeparam name="TOffset"><see cref="int"/>, or <see cref="long"/> for large types, whose offsets are narrowed.</typeparam>
internal sealed class VariableGather<TOffset> : ColumnGather where TOffset : unmanaged, IBinaryInteger<TOffset>
{
    private readonly ArrowType _type;
    private readonly int[] _offsets;

    // As the file has them, one more than rows for each run: a run's begin at its target plus its number.
    private readonly TOffset[] _fileOffsets;
    private byte[] _bytes = [];

    public VariableGather(RowSelection selection, int column, ArrowType type) : base(selection, column)
    {
        _type = type;
        _offsets = ArrowArray.Allocate<int>((long)selection.RowCount + 1);
        _fileOffsets = ArrowArray.Allocate<TOffset>((long)selection.RowCount + selection.Runs.Length);
    }

    public override void AddReads(RangeReads reads)
    {
        base.AddReads(reads);
        for (int i = 0; i < Selection.Runs.Length; i++)
        {
            RowRun run = Selection.Runs[i];
            Memory<TOffset> offsets = _fileOffsets.AsMemory(run.Target + i, run.Count + 1);
            if (run.Count == 0)
                offsets.Span.Clear();
            else
                reads.Add(LayoutOf(run).Values.Offset + (long)run.Start * Unsafe.SizeOf<TOffset>(), ByteMemory<TOffset>.Of(offsets));
        }
    }

    public override void AddDependentReads(RangeReads reads)
    {
        long total = 0;
        for (int i = 0; i < Selection.Runs.Length; i++)
        {
            ReadOnlySpan<TOffset> offsets = FileOffsetsOf(i);
            CheckOffsets(offsets, LayoutOf(Selection.Runs[i]));
            total += long.CreateChecked(offsets[^1] - offsets[0]);
        }
        _bytes = ArrowArray.Allocate<byte>(total);
        int start = 0;
        _offsets[0] = 0;
        for (int i = 0; i < Selection.Runs.Length; i++)
        {
            RowRun run = Selection.Runs[i];
            ReadOnlySpan<TOffset> offsets = FileOffsetsOf(i);
            int length = int.CreateChecked(offsets[^1] - offsets[0]);
            for (int j = 1; j <= run.Count; j++)
                _offsets[run.Target + j] = start + int.CreateChecked(offsets[j] - offsets[0]);
            reads.Add(LayoutOf(run).Bytes.Offset + long.CreateChecked(offsets[0]), _bytes.AsMemory(start, length));
            start += length;
        }
    }

    public override VariableLengthArray Build()
    {
        VariableLengthArray values = VariableLengthArray.Create(_type, _offsets, _bytes, BuildValidity());
        int invalid = values is Utf8Array texts ? texts.FindInvalid() : -1;
        if (invalid >= 0)
            throw Corrupt(LayoutOfRow(invalid).Bytes, "a text is not UTF-8");
        return values;
    }

    private ReadOnlySpan<TOffset> FileOffsetsOf(int run) =>
        _fileOffsets.AsSpan(Selection.Runs[run].Target + run, Selection.Runs[run].Count + 1);

    private void CheckOffsets(ReadOnlySpan<TOffset> offsets, ColumnLayout layout)
    {
        bool valid = offsets[0] >= TOffset.Zero && long.CreateChecked(offsets[^1]) <= layout.Bytes.Length;
        for (int i = 1; i < offsets.Length; i++)
            valid &= offsets[i - 1] <= offsets[i];
        if (!valid)
            throw Corrupt(layout.Values, "offsets decrease or leave their buffer");
    }
}

/// <summary>Reads positions, and looks them up in a dictionary.</summary>
/// <param name="selection">The rows.</param>
/// <param name="column">The column's position.</param>
/// <param name="indexType">The positions' type.</param>
/// <param name="dictionary">The dictionary's values.</param>
internal sealed class DictionaryGather(RowSelection selection, int column, ArrowType indexType, VariableLengthArray dictionary)
    : ColumnGather(selection, column)
{
    private readonly ColumnGather _positions = Create(indexType, selection, column);

    public override void AddReads(RangeReads reads) => _positions.AddReads(reads);

    public override VariableLengthArray Build()
    {
        ArrowArray positions = _positions.Build();
        return dictionary.TryLookUp(positions, out int invalid)
            ?? throw Corrupt(LayoutOfRow(invalid).Values, $"a position outside of a dictionary of {dictionary.Length} values");
    }
}

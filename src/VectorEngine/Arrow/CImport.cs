namespace VectorEngine.Arrow;

/// <summary>Turns an array of the C Data Interface into columns that view its buffers.</summary>
/// <param name="owner">What the buffers belong to.</param>
/// <param name="root">What the schema says.</param>
internal sealed unsafe class CImport(NativeArray owner, CField root)
{
    /// <summary>The values of a node that are wanted: a slice counts from the beginning of its buffers.</summary>
    private readonly record struct Range(long Start, int Count);

    public RecordBatch Batch(CArray* array)
    {
        ArrowSchema schema = root.ToSchema();
        Range rows = Check(array, root.Name, 0, array->Length, bufferCount: 1, schema.Fields.Count);
        if (ReadValidity(array, root.Name, rows).NullCount != 0)
            throw CField.Unsupported(root.Name, "missing rows");
        var columns = new ArrowArray[schema.Fields.Count];
        for (int i = 0; i < columns.Length; i++)
        {
            CField field = root.Children[i];
            columns[i] = ReadColumn(array->Children[i], field.Name, field.Type!, field.IndexType, rows.Start, rows.Count);
            if (columns[i].NullCount != 0 && !field.Nullable)
                throw CField.Corrupt(field.Name, $"{columns[i].NullCount} values are missing, but it is not nullable");
        }
        return new RecordBatch(schema, columns, rows.Count);
    }

    public ArrowArray Column(CArray* array) => ReadColumn(array, root.Name, root.ToField().Type, root.IndexType, 0, array->Length);

    /// <param name="array">The column.</param>
    /// <param name="name">Its name, for errors.</param>
    /// <param name="type">The type of its values.</param>
    /// <param name="indexType">Where a dictionary encodes it, the type of the positions.</param>
    /// <param name="start">First value wanted, its own offset not included.</param>
    /// <param name="count">Number of values wanted.</param>
    private ArrowArray ReadColumn(CArray* array, string name, ArrowType type, ArrowType? indexType, long start, long count)
    {
        // SAFETY: here and below, what Check has not refused has its buffers and children, and View refuses a null buffer.
        if (indexType is not null)
            return ReadEncoded(array, name, type, indexType, start, count);
        int childCount = type.Kind == ArrowTypeKind.FixedSizeList ? 1 : 0;
        int bufferCount = type.Kind == ArrowTypeKind.Null ? 0 : childCount == 1 ? 1 : type.IsVariable ? 3 : 2;
        Range range = Check(array, name, start, count, bufferCount, childCount);
        if (type.Kind == ArrowTypeKind.Null)
            return new NullArray(range.Count);
        Validity validity = ReadValidity(array, name, range);
        if (type.IsVariable)
            return ReadVariable(array, name, type, range, validity);
        return type.Kind switch
        {
            ArrowTypeKind.Bool => new BoolArray(ReadBits((byte*)array->Buffers[1], name, range), range.Count, validity),
            ArrowTypeKind.Int8 => ReadPrimitive<sbyte>(array, name, type, range, validity),
            ArrowTypeKind.Int16 => ReadPrimitive<short>(array, name, type, range, validity),
            ArrowTypeKind.Int32 => ReadPrimitive<int>(array, name, type, range, validity),
            ArrowTypeKind.Int64 or ArrowTypeKind.Timestamp => ReadPrimitive<long>(array, name, type, range, validity),
            ArrowTypeKind.UInt8 => ReadPrimitive<byte>(array, name, type, range, validity),
            ArrowTypeKind.UInt16 => ReadPrimitive<ushort>(array, name, type, range, validity),
            ArrowTypeKind.UInt32 => ReadPrimitive<uint>(array, name, type, range, validity),
            ArrowTypeKind.UInt64 => ReadPrimitive<ulong>(array, name, type, range, validity),
            ArrowTypeKind.Float16 => ReadPrimitive<Half>(array, name, type, range, validity),
            ArrowTypeKind.Float32 => ReadPrimitive<float>(array, name, type, range, validity),
            ArrowTypeKind.Float64 => ReadPrimitive<double>(array, name, type, range, validity),
            _ => ReadVectors(array, name, type, range, validity),
        };
    }

    private PrimitiveArray<T> ReadPrimitive<T>(CArray* array, string name, ArrowType type, Range range, Validity validity)
        where T : unmanaged => new(type, View<T>(array->Buffers[1], name, range), validity);

    private ArrowArray ReadVectors(CArray* array, string name, ArrowType type, Range range, Validity validity)
    {
        ArrowType element = type.ElementType!;
        ArrowArray elements = ReadColumn(
            array->Children[0], name, element, null, range.Start * type.ListSize, (long)range.Count * type.ListSize);
        // Writers may mark the elements of a missing vector as missing too; there must be no others.
        for (int i = 0; elements.NullCount != 0 && i < elements.Length; i++)
        {
            if (elements.Validity.IsNull(i) && !validity.IsNull(i / type.ListSize))
                throw CField.Unsupported(name, "missing elements in vectors");
        }
        return elements switch
        {
            PrimitiveArray<sbyte> values => new FixedSizeListArray<sbyte>(values.Memory, type.ListSize, validity),
            PrimitiveArray<byte> values => new FixedSizeListArray<byte>(values.Memory, type.ListSize, validity),
            PrimitiveArray<Half> values => new FixedSizeListArray<Half>(values.Memory, type.ListSize, validity),
            PrimitiveArray<float> values => new FixedSizeListArray<float>(values.Memory, type.ListSize, validity),
            _ => new FixedSizeListArray<double>(((PrimitiveArray<double>)elements).Memory, type.ListSize, validity),
        };
    }

    private VariableLengthArray ReadVariable(CArray* array, string name, ArrowType type, Range range, Validity validity)
    {
        // An array without values may come without its only offset.
        if (range.Count == 0)
            return VariableLengthArray.Create(type, new int[1], default, validity);
        (ReadOnlyMemory<int> offsets, long first) = type.IsLarge
            ? NarrowOffsets(array->Buffers[1], name, range)
            : (View<int>(array->Buffers[1], name, range with { Count = checked(range.Count + 1) }), 0);
        ReadOnlySpan<int> ends = offsets.Span;
        bool ordered = ends[0] >= 0;
        for (int i = 1; i < ends.Length; i++)
            ordered &= ends[i - 1] <= ends[i];
        if (!ordered)
            throw CField.Corrupt(name, "offsets are negative or decrease");
        ReadOnlyMemory<byte> bytes = View<byte>(array->Buffers[2], name, new Range(first, ends[^1]));
        VariableLengthArray values = VariableLengthArray.Create(type, offsets, bytes, validity);
        if (values is Utf8Array texts && texts.FindInvalid() is >= 0 and var invalid)
            throw CField.Corrupt(name, $"text {invalid} is not UTF-8");
        return values;
    }

    /// <summary>Large offsets, counted from the first, and the first.</summary>
    private (ReadOnlyMemory<int> Offsets, long First) NarrowOffsets(void* buffer, string name, Range range)
    {
        ReadOnlySpan<long> offsets = View<long>(buffer, name, range with { Count = checked(range.Count + 1) }).Span;
        int[] narrow = ArrowArray.Allocate<int>(offsets.Length);
        for (int i = 0; i < narrow.Length; i++)
        {
            if (offsets[i] < offsets[Math.Max(0, i - 1)] || offsets[i] < 0)
                throw CField.Corrupt(name, "offsets are negative or decrease");
            if (offsets[i] - offsets[0] > Array.MaxLength)
                throw CField.Unsupported(name, "2 GiB or more in one batch");
            narrow[i] = (int)(offsets[i] - offsets[0]);
        }
        return (narrow, offsets[0]);
    }

    private VariableLengthArray ReadEncoded(CArray* array, string name, ArrowType type, ArrowType indexType, long start, long count)
    {
        ArrowArray positions = ReadColumn(array, name, indexType, null, start, count);
        if (array->Dictionary is null)
            throw CField.Corrupt(name, "its dictionary is missing");
        var dictionary = (VariableLengthArray)ReadColumn(array->Dictionary, name, type, null, 0, array->Dictionary->Length);
        return dictionary.TryLookUp(positions, out int row)
            ?? throw CField.Corrupt(name, $"the position in row {row} is outside of a dictionary of {dictionary.Length} values");
    }

    private static Range Check(CArray* array, string name, long start, long count, int bufferCount, int childCount)
    {
        // SAFETY: whoever gave us the array vouches for the pointer; those in it are checked not to be null before they are followed.
        if (array->Length < 0 || array->Offset < 0 || count > array->Length || start > array->Length - count)
            throw CField.Corrupt(name, $"values {start} to {start + count} of {array->Length} at offset {array->Offset}");
        // So that neither sums nor products of offsets overflow.
        if (count > Array.MaxLength || array->Offset > int.MaxValue || start > 1L << 48)
            throw CField.Unsupported(name, $"{count} values in one batch, at offset {array->Offset}");
        if (array->BufferCount != bufferCount || (bufferCount != 0 && array->Buffers is null))
            throw CField.Corrupt(name, $"{array->BufferCount} buffers in place of {bufferCount}");
        if (array->ChildCount != childCount || (childCount != 0 && array->Children is null))
            throw CField.Corrupt(name, $"{array->ChildCount} children in place of {childCount}");
        for (int i = 0; i < childCount; i++)
        {
            if (array->Children[i] is null)
                throw CField.Corrupt(name, $"child {i} is missing");
        }
        return new Range(array->Offset + start, (int)count);
    }

    private static Validity ReadValidity(CArray* array, string name, Range range)
    {
        // SAFETY: the number of buffers was checked.
        long nullCount = array->NullCount;
        if (nullCount < -1 || nullCount > array->Length || (nullCount > 0 && array->Buffers[0] is null))
            throw CField.Corrupt(name, $"{nullCount} of {array->Length} values are missing");
        if (array->Buffers[0] is null)
            return Validity.AllValid;
        Validity validity = Validity.FromBits(ReadBits((byte*)array->Buffers[0], name, range), range.Count);
        // The count is of the whole array, of which this may be a part.
        if (nullCount != -1 && (range.Count == array->Length ? validity.NullCount != nullCount : validity.NullCount > nullCount))
            throw CField.Corrupt(name, $"the bitmap misses {validity.NullCount} values in place of {nullCount}");
        return validity;
    }

    /// <summary>A copy of bits, which need not begin at a byte.</summary>
    private static byte[] ReadBits(byte* bitmap, string name, Range range)
    {
        var bits = new byte[Bitmap.ByteCount(range.Count)];
        if (range.Count == 0)
            return bits;
        if (bitmap is null)
            throw CField.Corrupt(name, "a buffer is missing");
        int shift = (int)(range.Start & 7);
        // SAFETY: the interface says that the buffer has so many bits.
        var source = new ReadOnlySpan<byte>(bitmap + (range.Start >> 3), (int)((shift + (long)range.Count + 7) >> 3));
        Bitmap.Copy(source, shift, bits, 0, range.Count);
        return bits;
    }

    private ReadOnlyMemory<T> View<T>(void* buffer, string name, Range range) where T : unmanaged
    {
        if (range.Count == 0)
            return default;
        if (buffer is null)
            throw CField.Corrupt(name, "a buffer is missing");
        // SAFETY: the interface says that the buffer has so many values.
        return new NativeArrayMemory<T>(owner, (T*)buffer + range.Start, range.Count).Memory;
    }
}

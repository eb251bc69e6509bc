namespace VectorEngine.Arrow;

/// <summary>A column of numbers, or of points in time.</summary>
/// <typeparam name="T">An integer of 8 to 64 bits, <see cref="Half"/>, <see cref="float"/> or <see cref="double"/>.</typeparam>
public sealed class PrimitiveArray<T> : ArrowArray where T : unmanaged
{
    internal PrimitiveArray(ReadOnlyMemory<T> values, Validity validity) : this(ArrowType.Of<T>(), values, validity) { }

    internal PrimitiveArray(ArrowType type, ReadOnlyMemory<T> values, Validity validity) : base(type, values.Length, validity) =>
        Memory = values;

    /// <summary>All values; what stands where one is missing is unspecified.</summary>
    public ReadOnlySpan<T> Values => Memory.Span;

    /// <summary>All values, as memory; what stands where one is missing is unspecified.</summary>
    public ReadOnlyMemory<T> Memory { get; }

    /// <summary>The value at <paramref name="index"/>, or null if it is missing.</summary>
    /// <param name="index">From 0 to <see cref="ArrowArray.Length"/> - 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such value.</exception>
    public T? this[int index] => IsNull(index) ? null : Memory.Span[index];

    internal override void AppendTo(BatchBody body)
    {
        body.AddNode(Length, Validity);
        body.AddBuffer(ByteMemory<T>.Of(Memory));
    }

    internal override PrimitiveArray<T> Take(ReadOnlySpan<int> indexes)
    {
        T[] values = Allocate<T>(indexes.Length);
        ReadOnlySpan<T> source = Values;
        for (int i = 0; i < values.Length; i++)
            values[i] = source[indexes[i]];
        return new(Type, values, Validity.Take(indexes));
    }

    internal override PrimitiveArray<T> Concat(ArrowArray[] arrays) =>
        new(Type, Join(arrays, static array => ((PrimitiveArray<T>)array).Memory), Validity.Concat(arrays));

    /// <summary>A copy of the arrays' values, one array after the other.</summary>
    internal static T[] Join(ArrowArray[] arrays, Func<ArrowArray, ReadOnlyMemory<T>> valuesOf)
    {
        T[] values = Allocate<T>(arrays.Sum(array => (long)valuesOf(array).Length));
        int start = 0;
        foreach (ArrowArray array in arrays)
        {
            valuesOf(array).CopyTo(values.AsMemory(start));
            start += valuesOf(array).Length;
        }
        return values;
    }

    private protected override PrimitiveArray<T> SliceChecked(int start, int count) =>
        new(Type, Memory.Slice(start, count), Validity.Slice(start, count));
}

/// <summary>A column of true and false.</summary>
public sealed class BoolArray : ArrowArray
{
    private readonly ReadOnlyMemory<byte> _bits;

    internal BoolArray(ReadOnlyMemory<byte> bits, int length, Validity validity) : base(ArrowType.Bool, length, validity) => _bits = bits;

    /// <summary>The value at <paramref name="index"/>, or null if it is missing.</summary>
    /// <param name="index">From 0 to <see cref="ArrowArray.Length"/> - 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such value.</exception>
    public bool? this[int index] => IsNull(index) ? null : Bitmap.Get(_bits.Span, index);

    /// <summary>One bit per value; what stands where one is missing is unspecified, and behind the last.</summary>
    internal ReadOnlySpan<byte> Bits => _bits.Span;

    internal override void AppendTo(BatchBody body)
    {
        body.AddNode(Length, Validity);
        body.AddBuffer(_bits);
    }

    internal override BoolArray Take(ReadOnlySpan<int> indexes)
    {
        var bits = new byte[Bitmap.ByteCount(indexes.Length)];
        for (int i = 0; i < indexes.Length; i++)
        {
            if (Bitmap.Get(_bits.Span, indexes[i]))
                Bitmap.Set(bits, i);
        }
        return new(bits, indexes.Length, Validity.Take(indexes));
    }

    internal override BoolArray Concat(ArrowArray[] arrays)
    {
        int length = arrays.Sum(array => array.Length), start = 0;
        var bits = new byte[Bitmap.ByteCount(length)];
        foreach (BoolArray array in arrays.Cast<BoolArray>())
        {
            Bitmap.Copy(array._bits.Span, 0, bits, start, array.Length);
            start += array.Length;
        }
        return new(bits, length, Validity.Concat(arrays));
    }

    private protected override BoolArray SliceChecked(int start, int count)
    {
        var bits = new byte[Bitmap.ByteCount(count)];
        Bitmap.Copy(_bits.Span, start, bits, 0, count);
        return new(bits, count, Validity.Slice(start, count));
    }
}

/// <summary>A column of vectors, all of one length.</summary>
/// <typeparam name="T">
/// <see cref="float"/>, <see cref="Half"/>, <see cref="double"/>, <see cref="sbyte"/> or <see cref="byte"/>.
/// </typeparam>
public sealed class FixedSizeListArray<T> : ArrowArray where T : unmanaged
{
    internal FixedSizeListArray(ReadOnlyMemory<T> values, int listSize, Validity validity)
        : base(ArrowType.FixedSizeList(ArrowType.Of<T>(), listSize), values.Length / listSize, validity)
    {
        if (values.Length % listSize != 0)
            throw new ArgumentException($"{values.Length} values do not fill vectors of {listSize} elements.", nameof(values));
        Memory = values;
    }

    /// <summary>Elements per vector.</summary>
    public int ListSize => Type.ListSize;

    /// <summary>The elements of all vectors, one vector after the other; what stands where a vector is missing is unspecified.</summary>
    public ReadOnlySpan<T> Values => Memory.Span;

    /// <summary>The elements of all vectors, as memory; what stands where a vector is missing is unspecified.</summary>
    public ReadOnlyMemory<T> Memory { get; }

    /// <summary>The vector at <paramref name="index"/>; empty if it is missing.</summary>
    /// <param name="index">From 0 to <see cref="ArrowArray.Length"/> - 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such vector.</exception>
    public ReadOnlySpan<T> this[int index] => IsNull(index) ? [] : Memory.Span.Slice(index * ListSize, ListSize);

    internal override void AppendTo(BatchBody body)
    {
        body.AddNode(Length, Validity);
        body.AddNode(Memory.Length, Validity.AllValid);
        body.AddBuffer(ByteMemory<T>.Of(Memory));
    }

    internal override FixedSizeListArray<T> Take(ReadOnlySpan<int> indexes)
    {
        T[] values = Allocate<T>((long)indexes.Length * ListSize);
        ReadOnlySpan<T> source = Values;
        for (int i = 0; i < indexes.Length; i++)
            source.Slice(indexes[i] * ListSize, ListSize).CopyTo(values.AsSpan(i * ListSize));
        return new(values, ListSize, Validity.Take(indexes));
    }

    internal override FixedSizeListArray<T> Concat(ArrowArray[] arrays) =>
        new(PrimitiveArray<T>.Join(arrays, static array => ((FixedSizeListArray<T>)array).Memory), ListSize, Validity.Concat(arrays));

    private protected override FixedSizeListArray<T> SliceChecked(int start, int count) =>
        new(Memory.Slice(start * ListSize, count * ListSize), ListSize, Validity.Slice(start, count));
}

/// <summary>A column whose values are all missing.</summary>
public sealed class NullArray : ArrowArray
{
    internal NullArray(int length) : base(ArrowType.Null, length, Validity.AllNull(length)) { }

    internal override void AppendTo(BatchBody body) => body.AddNodeAlone(Length, Length);

    internal override NullArray Take(ReadOnlySpan<int> indexes) => new(indexes.Length);

    internal override NullArray Concat(ArrowArray[] arrays) => new(arrays.Sum(array => array.Length));

    private protected override NullArray SliceChecked(int start, int count) => new(count);
}

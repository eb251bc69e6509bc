namespace VectorEngine.Arrow;

/// <summary>A column of numbers.</summary>
/// <typeparam name="T">An integer of 8 to 64 bits, <see cref="Half"/>, <see cref="float"/> or <see cref="double"/>.</typeparam>
public sealed class PrimitiveArray<T> : ArrowArray where T : unmanaged
{
    internal PrimitiveArray(ReadOnlyMemory<T> values, Validity validity)
        : base(ArrowType.Of<T>(), values.Length, validity) => Memory = values;

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

    private protected override PrimitiveArray<T> SliceChecked(int start, int count) =>
        new(Memory.Slice(start, count), Validity.Slice(start, count));
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

    private protected override BoolArray SliceChecked(int start, int count)
    {
        var bits = new byte[Bitmap.ByteCount(count)];
        Bitmap.Copy(_bits.Span, start, bits, 0, count);
        return new(bits, count, Validity.Slice(start, count));
    }
}

/// <summary>A column of vectors, all of one length.</summary>
/// <typeparam name="T"><see cref="float"/> or <see cref="Half"/>.</typeparam>
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

    private protected override FixedSizeListArray<T> SliceChecked(int start, int count) =>
        new(Memory.Slice(start * ListSize, count * ListSize), ListSize, Validity.Slice(start, count));
}

namespace VectorEngine.Arrow;

/// <summary>A column of values, some of which may be missing. Immutable and safe for concurrent use.</summary>
/// <remarks>
/// Cast to the class that fits <see cref="Type"/>, or ask <see cref="RecordBatch.Column{TArray}(string)"/> for it:
/// <see cref="PrimitiveArray{T}"/>, <see cref="BoolArray"/>, <see cref="Utf8Array"/>, <see cref="BinaryArray"/>,
/// <see cref="FixedSizeListArray{T}"/>, <see cref="NullArray"/>.
/// </remarks>
public abstract class ArrowArray
{
    private protected ArrowArray(ArrowType type, int length, Validity validity)
    {
        Type = type;
        Length = length;
        Validity = validity;
    }

    /// <summary>The type of the values.</summary>
    public ArrowType Type { get; }

    /// <summary>Number of values, missing ones included.</summary>
    public int Length { get; }

    /// <summary>Number of missing values.</summary>
    public int NullCount => Validity.NullCount;

    internal Validity Validity { get; }

    /// <summary>Whether the value at <paramref name="index"/> is missing.</summary>
    /// <param name="index">From 0 to <see cref="Length"/> - 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such value.</exception>
    public bool IsNull(int index)
    {
        CheckIndex(index);
        return Validity.IsNull(index);
    }

    /// <summary>Neighbouring values, without copying more than bitmaps.</summary>
    /// <param name="start">First value.</param>
    /// <param name="count">Number of values.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the array.</exception>
    public ArrowArray Slice(int start, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Length - count);
        return SliceChecked(start, count);
    }

    /// <summary>A column of numbers, copied from <paramref name="values"/>.</summary>
    /// <typeparam name="T">An integer of 8 to 64 bits, <see cref="Half"/>, <see cref="float"/> or <see cref="double"/>.</typeparam>
    /// <param name="values">The values.</param>
    /// <exception cref="NotSupportedException">No column holds values of <typeparamref name="T"/>.</exception>
    public static PrimitiveArray<T> From<T>(ReadOnlySpan<T> values) where T : unmanaged => new(values.ToArray(), Validity.AllValid);

    /// <summary>A column of numbers, some of them missing.</summary>
    /// <typeparam name="T">An integer of 8 to 64 bits, <see cref="Half"/>, <see cref="float"/> or <see cref="double"/>.</typeparam>
    /// <param name="values">The values; null where one is missing.</param>
    /// <exception cref="NotSupportedException">No column holds values of <typeparamref name="T"/>.</exception>
    public static PrimitiveArray<T> From<T>(IReadOnlyList<T?> values) where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(values);
        var present = new T[values.Count];
        for (int i = 0; i < present.Length; i++)
            present[i] = values[i].GetValueOrDefault();
        return new(present, Validity.FromValues(values));
    }

    /// <summary>A column of numbers that views <paramref name="values"/>, which nobody may change from now on.</summary>
    /// <typeparam name="T">An integer of 8 to 64 bits, <see cref="Half"/>, <see cref="float"/> or <see cref="double"/>.</typeparam>
    /// <param name="values">The values.</param>
    /// <exception cref="NotSupportedException">No column holds values of <typeparamref name="T"/>.</exception>
    public static PrimitiveArray<T> Wrap<T>(ReadOnlyMemory<T> values) where T : unmanaged => new(values, Validity.AllValid);

    /// <summary>A column of true and false.</summary>
    /// <param name="values">The values.</param>
    public static BoolArray From(ReadOnlySpan<bool> values)
    {
        var bits = new byte[Bitmap.ByteCount(values.Length)];
        for (int i = 0; i < values.Length; i++)
        {
            if (values[i])
                Bitmap.Set(bits, i);
        }
        return new(bits, values.Length, Validity.AllValid);
    }

    /// <summary>A column of true and false, some of them missing.</summary>
    /// <param name="values">The values; null where one is missing.</param>
    public static BoolArray From(IReadOnlyList<bool?> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        var bits = new byte[Bitmap.ByteCount(values.Count)];
        for (int i = 0; i < values.Count; i++)
        {
            if (values[i] is true)
                Bitmap.Set(bits, i);
        }
        return new(bits, values.Count, Validity.FromValues(values));
    }

    /// <summary>A column of text.</summary>
    /// <param name="values">The texts; null where one is missing.</param>
    /// <param name="large">Whether the type is <see cref="ArrowType.LargeUtf8"/>, which files of such a schema need.</param>
    /// <exception cref="ArgumentException">A text has half a surrogate pair, or they take 2 GiB or more together.</exception>
    public static Utf8Array From(IReadOnlyList<string?> values, bool large = false) => Utf8Array.Encode(values, large);

    /// <summary>A column of byte strings, copied from <paramref name="values"/>.</summary>
    /// <param name="values">The byte strings; null where one is missing.</param>
    /// <param name="large">Whether the type is <see cref="ArrowType.LargeBinary"/>, which files of such a schema need.</param>
    /// <exception cref="ArgumentException">They take 2 GiB or more together.</exception>
    public static BinaryArray From(IReadOnlyList<byte[]?> values, bool large = false) => BinaryArray.Copy(values, large);

    /// <summary>A column of points in time, some of them missing.</summary>
    /// <param name="values">Counts of <paramref name="unit"/> since 1970-01-01 00:00; null where one is missing.</param>
    /// <param name="unit">What they count.</param>
    /// <param name="timeZone">See <see cref="ArrowType.TimeZone"/>.</param>
    public static PrimitiveArray<long> Timestamps(IReadOnlyList<long?> values, ArrowTimeUnit unit, string? timeZone = null)
    {
        PrimitiveArray<long> counts = From(values);
        return new(ArrowType.Timestamp(unit, timeZone), counts.Memory, counts.Validity);
    }

    /// <summary>A column whose values are all missing.</summary>
    /// <param name="length">Number of values.</param>
    public static NullArray Nulls(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        return new(length);
    }

    /// <summary>A column of vectors that views the rows of <paramref name="vectors"/>, which nobody may change from now on.</summary>
    /// <param name="vectors">The vectors.</param>
    public static FixedSizeListArray<float> Vectors(VectorMatrix vectors) => new(vectors.Values, vectors.Dimensions, Validity.AllValid);

    /// <summary>A column of vectors that views <paramref name="values"/>, which nobody may change from now on.</summary>
    /// <typeparam name="T">
    /// <see cref="float"/>, <see cref="Half"/>, <see cref="double"/>, <see cref="sbyte"/> or <see cref="byte"/>.
    /// </typeparam>
    /// <param name="values">The elements of all vectors, one vector after the other.</param>
    /// <param name="listSize">Elements per vector, at least 1.</param>
    /// <exception cref="ArgumentException">The values do not fill whole vectors, or are of another type.</exception>
    public static FixedSizeListArray<T> Vectors<T>(ReadOnlyMemory<T> values, int listSize) where T : unmanaged =>
        new(values, listSize, Validity.AllValid);

    /// <summary>A column of vectors, some of them missing, copied from <paramref name="vectors"/>.</summary>
    /// <typeparam name="T">
    /// <see cref="float"/>, <see cref="Half"/>, <see cref="double"/>, <see cref="sbyte"/> or <see cref="byte"/>.
    /// </typeparam>
    /// <param name="vectors">The vectors; null where one is missing.</param>
    /// <param name="listSize">Elements per vector, at least 1.</param>
    /// <exception cref="ArgumentException">A vector has another length, or elements of another type.</exception>
    public static FixedSizeListArray<T> Vectors<T>(IReadOnlyList<T[]?> vectors, int listSize) where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(vectors);
        ArgumentOutOfRangeException.ThrowIfLessThan(listSize, 1);
        var values = new T[checked(vectors.Count * listSize)];
        for (int i = 0; i < vectors.Count; i++)
        {
            if (vectors[i] is not { } vector)
                continue;
            if (vector.Length != listSize)
                throw new ArgumentException($"Vector {i} has {vector.Length} elements, not {listSize}.", nameof(vectors));
            vector.CopyTo(values, i * listSize);
        }
        return new(values, listSize, Validity.FromValues(vectors));
    }

    /// <summary>Appends this column's nodes and buffers in the order that the IPC format asks for.</summary>
    internal abstract void AppendTo(BatchBody body);

    /// <summary>Copies of values whose indexes exist.</summary>
    internal abstract ArrowArray Take(ReadOnlySpan<int> indexes);

    /// <summary>A copy of the values of arrays of this array's type, this one not included.</summary>
    internal abstract ArrowArray Concat(ArrowArray[] arrays);

    private protected abstract ArrowArray SliceChecked(int start, int count);

    /// <summary>Memory for values, which must be viewable as bytes.</summary>
    /// <exception cref="NotSupportedException">More than one array can hold.</exception>
    internal static T[] Allocate<T>(long count) where T : unmanaged
    {
        if (count > Array.MaxLength / (ArrowType.Of<T>().BitWidth / 8))
            throw new NotSupportedException($"{count} values in one column take 2 GiB or more: take fewer rows at a time.");
        return GC.AllocateUninitializedArray<T>((int)count);
    }

    private protected void CheckIndex(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Length);
    }
}

using System.Numerics;
using System.Text;
using System.Text.Unicode;

namespace VectorEngine.Arrow;

/// <summary>A column of values that have different lengths: <see cref="Utf8Array"/> or <see cref="BinaryArray"/>.</summary>
public abstract class VariableLengthArray : ArrowArray
{
    /// <param name="type">The values' type.</param>
    /// <param name="offsets">Where each value begins, and where the last one ends; a slice's first is not 0.</param>
    /// <param name="bytes">The values.</param>
    /// <param name="validity">Which values are there.</param>
    private protected VariableLengthArray(ArrowType type, ReadOnlyMemory<int> offsets, ReadOnlyMemory<byte> bytes, Validity validity)
        : base(type, offsets.Length - 1, validity)
    {
        Offsets = offsets;
        Bytes = bytes;
    }

    private protected ReadOnlyMemory<int> Offsets { get; }

    private protected ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>The bytes between the first and the last offset.</summary>
    private ReadOnlyMemory<byte> UsedBytes => Bytes[Offsets.Span[0]..Offsets.Span[^1]];

    /// <summary>The bytes of the value at <paramref name="index"/>, in UTF-8 if it is text; empty if it is missing.</summary>
    /// <param name="index">From 0 to <see cref="ArrowArray.Length"/> - 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such value.</exception>
    public ReadOnlySpan<byte> GetBytes(int index) => IsNull(index) ? [] : BytesAt(index);

    internal static VariableLengthArray Create(
        ArrowType type, ReadOnlyMemory<int> offsets, ReadOnlyMemory<byte> bytes, Validity validity) =>
        type.IsText ? new Utf8Array(type, offsets, bytes, validity) : new BinaryArray(type, offsets, bytes, validity);

    internal override void AppendTo(BatchBody body)
    {
        body.AddNode(Length, Validity);
        body.AddVariable(Offsets, Bytes, Type.IsLarge);
    }

    /// <summary>Copies of values whose indexes exist; a negative index stands for a missing value.</summary>
    internal override VariableLengthArray Take(ReadOnlySpan<int> indexes)
    {
        ReadOnlySpan<int> offsets = Offsets.Span;
        long total = 0;
        foreach (int index in indexes)
            total += index < 0 ? 0 : offsets[index + 1] - offsets[index];
        byte[] bytes = Allocate<byte>(total);
        int[] ends = Allocate<int>(indexes.Length + 1L);
        ends[0] = 0;
        for (int i = 0; i < indexes.Length; i++)
        {
            ReadOnlySpan<byte> value = indexes[i] < 0 ? [] : BytesAt(indexes[i]);
            value.CopyTo(bytes.AsSpan(ends[i]));
            ends[i + 1] = ends[i] + value.Length;
        }
        return Create(Type, ends, bytes, Validity.Take(indexes));
    }

    /// <summary>The values at positions of any integer type, or null if there is no value at one of them.</summary>
    /// <param name="positions">The positions; missing ones stand for missing values.</param>
    /// <param name="invalid">The row of the first position that is outside; -1 if there is none.</param>
    internal VariableLengthArray? TryLookUp(ArrowArray positions, out int invalid)
    {
        int[] indexes = positions switch
        {
            PrimitiveArray<sbyte> array => IndexesOf(array),
            PrimitiveArray<short> array => IndexesOf(array),
            PrimitiveArray<int> array => IndexesOf(array),
            PrimitiveArray<long> array => IndexesOf(array),
            PrimitiveArray<byte> array => IndexesOf(array),
            PrimitiveArray<ushort> array => IndexesOf(array),
            PrimitiveArray<uint> array => IndexesOf(array),
            _ => IndexesOf((PrimitiveArray<ulong>)positions),
        };
        invalid = indexes.AsSpan().IndexOfAnyInRange(Length, int.MaxValue);
        return invalid < 0 ? Take(indexes) : null;
    }

    internal override VariableLengthArray Concat(ArrowArray[] arrays)
    {
        VariableLengthArray[] parts = [.. arrays.Cast<VariableLengthArray>()];
        byte[] bytes = PrimitiveArray<byte>.Join(arrays, static array => ((VariableLengthArray)array).UsedBytes);
        int[] ends = Allocate<int>(parts.Sum(part => (long)part.Length) + 1);
        ends[0] = 0;
        int i = 0;
        foreach (VariableLengthArray part in parts)
        {
            int shift = ends[i] - part.Offsets.Span[0];
            foreach (int offset in part.Offsets.Span[1..])
                ends[++i] = shift + offset;
        }
        return Create(Type, ends, bytes, Validity.Concat(arrays));
    }

    private protected override VariableLengthArray SliceChecked(int start, int count) =>
        Create(Type, Offsets.Slice(start, count + 1), Bytes, Validity.Slice(start, count));

    private protected ReadOnlySpan<byte> BytesAt(int index) => Bytes.Span[Offsets.Span[index]..Offsets.Span[index + 1]];

    /// <summary>Positions as indexes: -1 where one is missing, <see cref="int.MaxValue"/> where one is negative.</summary>
    private static int[] IndexesOf<T>(PrimitiveArray<T> positions) where T : unmanaged, IBinaryInteger<T>
    {
        int[] indexes = Allocate<int>(positions.Length);
        for (int i = 0; i < indexes.Length; i++)
        {
            int index = int.CreateSaturating(positions.Values[i]);
            indexes[i] = positions.Validity.IsNull(i) ? -1 : index < 0 ? int.MaxValue : index;
        }
        return indexes;
    }
}

/// <summary>A column of text, kept as UTF-8.</summary>
public sealed class Utf8Array : VariableLengthArray
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    internal Utf8Array(ArrowType type, ReadOnlyMemory<int> offsets, ReadOnlyMemory<byte> bytes, Validity validity)
        : base(type, offsets, bytes, validity) { }

    /// <summary>The text at <paramref name="index"/>, decoded at every call, or null if it is missing.</summary>
    /// <param name="index">From 0 to <see cref="ArrowArray.Length"/> - 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such text.</exception>
    public string? GetString(int index) => IsNull(index) ? null : Encoding.UTF8.GetString(BytesAt(index));

    internal static Utf8Array Encode(IReadOnlyList<string?> values, bool large)
    {
        ArgumentNullException.ThrowIfNull(values);
        var offsets = new int[values.Count + 1];
        long total = 0;
        for (int i = 0; i < values.Count; i++)
        {
            total += Strict.GetByteCount(values[i] ?? "");
            if (total > Array.MaxLength)
                throw new ArgumentException("The texts take 2 GiB or more.", nameof(values));
            offsets[i + 1] = (int)total;
        }
        var bytes = new byte[total];
        for (int i = 0; i < values.Count; i++)
            Strict.GetBytes(values[i] ?? "", bytes.AsSpan(offsets[i]));
        return new(large ? ArrowType.LargeUtf8 : ArrowType.Utf8, offsets, bytes, Validity.FromValues(values));
    }

    /// <summary>The index of the first text that is there and is not UTF-8, or -1.</summary>
    internal int FindInvalid()
    {
        // In most columns one pass over all the bytes will do: they are valid, and no text begins inside a character.
        ReadOnlySpan<int> offsets = Offsets.Span;
        if (NullCount == 0 && Utf8.IsValid(Bytes.Span[offsets[0]..offsets[^1]]) && BeginAtCharacters())
            return -1;
        for (int i = 0; i < Length; i++)
        {
            if (!Validity.IsNull(i) && !Utf8.IsValid(BytesAt(i)))
                return i;
        }
        return -1;
    }

    private bool BeginAtCharacters()
    {
        ReadOnlySpan<byte> bytes = Bytes.Span;
        ReadOnlySpan<int> offsets = Offsets.Span;
        foreach (int offset in offsets)
        {
            if (offset < offsets[^1] && (bytes[offset] & 0xC0) == 0x80)
                return false;
        }
        return true;
    }
}

/// <summary>A column of byte strings.</summary>
public sealed class BinaryArray : VariableLengthArray
{
    internal BinaryArray(ArrowType type, ReadOnlyMemory<int> offsets, ReadOnlyMemory<byte> bytes, Validity validity)
        : base(type, offsets, bytes, validity) { }

    internal static BinaryArray Copy(IReadOnlyList<byte[]?> values, bool large)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (values.Sum(value => value?.LongLength ?? 0) > Array.MaxLength)
            throw new ArgumentException("The byte strings take 2 GiB or more.", nameof(values));
        byte[] bytes = [.. values.SelectMany(value => value ?? [])];
        var offsets = new int[values.Count + 1];
        for (int i = 0; i < values.Count; i++)
            offsets[i + 1] = offsets[i] + (values[i]?.Length ?? 0);
        return new(large ? ArrowType.LargeBinary : ArrowType.Binary, offsets, bytes, Validity.FromValues(values));
    }
}

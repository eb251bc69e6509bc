using System.Numerics;

namespace VectorEngine.Arrow;

/// <summary>
/// Arrow's bitmaps: bit i is bit <c>i % 8</c>, counted from the least significant, of byte <c>i / 8</c>.
/// The bits after the last one are zero in every bitmap that this class makes.
/// </summary>
internal static class Bitmap
{
    public static int ByteCount(int bits) => (int)(((long)bits + 7) >> 3);

    public static bool Get(ReadOnlySpan<byte> bitmap, int index) => (bitmap[index >> 3] >> (index & 7) & 1) != 0;

    public static void Set(Span<byte> bitmap, int index) => bitmap[index >> 3] |= (byte)(1 << (index & 7));

    public static void SetRange(Span<byte> bitmap, int start, int count)
    {
        int i = start, end = start + count;
        for (; i < end && (i & 7) != 0; i++)
            Set(bitmap, i);
        int wholeBytes = (end - i) >> 3;
        bitmap.Slice(i >> 3, wholeBytes).Fill(0xFF);
        for (i += wholeBytes << 3; i < end; i++)
            Set(bitmap, i);
    }

    public static int CountOnes(ReadOnlySpan<byte> bitmap, int bits)
    {
        int ones = 0;
        foreach (byte b in bitmap[..(bits >> 3)])
            ones += BitOperations.PopCount(b);
        if ((bits & 7) != 0)
            ones += BitOperations.PopCount((uint)bitmap[bits >> 3] & ((1u << (bits & 7)) - 1));
        return ones;
    }

    /// <summary>Copies bits into a bitmap whose target bits are still zero.</summary>
    public static void Copy(ReadOnlySpan<byte> source, int sourceStart, Span<byte> target, int targetStart, int count)
    {
        int i = 0;
        if (((sourceStart | targetStart) & 7) == 0)
        {
            source.Slice(sourceStart >> 3, count >> 3).CopyTo(target[(targetStart >> 3)..]);
            i = count & ~7;
        }
        for (; i < count; i++)
        {
            if (Get(source, sourceStart + i))
                Set(target, targetStart + i);
        }
    }
}

/// <summary>Which values of an array are there: a bitmap with a 1 for each, or no bitmap where all are, or none is.</summary>
internal readonly struct Validity
{
    private Validity(ReadOnlyMemory<byte> bits, int nullCount) => (Bits, NullCount) = (bits, nullCount);

    public static Validity AllValid => default;

    /// <summary>The bitmap; empty where no value is missing, and where all of a <see cref="NullArray"/> are.</summary>
    public ReadOnlyMemory<byte> Bits { get; }

    public int NullCount { get; }

    public bool IsNull(int index) => NullCount != 0 && (Bits.IsEmpty || !Bitmap.Get(Bits.Span, index));

    /// <summary>All values are missing, which takes no bitmap: a column of any length that has no buffers may be so.</summary>
    public static Validity AllNull(int length) => new(default, length);

    public static Validity FromBits(byte[] bits, int length)
    {
        int nullCount = length - Bitmap.CountOnes(bits, length);
        return nullCount == 0 ? AllValid : new(bits, nullCount);
    }

    public static Validity FromValues<T>(IReadOnlyList<T?> values)
    {
        var bits = new byte[Bitmap.ByteCount(values.Count)];
        for (int i = 0; i < values.Count; i++)
        {
            if (values[i] is not null)
                Bitmap.Set(bits, i);
        }
        return FromBits(bits, values.Count);
    }

    /// <summary>Which values of several arrays are there, one array after the other.</summary>
    public static Validity Concat(ArrowArray[] arrays)
    {
        if (arrays.All(array => array.NullCount == 0))
            return AllValid;
        int length = arrays.Sum(array => array.Length), start = 0;
        var bits = new byte[Bitmap.ByteCount(length)];
        foreach (ArrowArray array in arrays)
        {
            if (array.NullCount == 0)
                Bitmap.SetRange(bits, start, array.Length);
            else
                Bitmap.Copy(array.Validity.Bits.Span, 0, bits, start, array.Length);
            start += array.Length;
        }
        return FromBits(bits, length);
    }

    /// <summary>Which of these values are there; a negative index stands for a missing one.</summary>
    public Validity Take(ReadOnlySpan<int> indexes)
    {
        if (NullCount == 0 && !indexes.ContainsAnyInRange(int.MinValue, -1))
            return AllValid;
        var bits = new byte[Bitmap.ByteCount(indexes.Length)];
        for (int i = 0; i < indexes.Length; i++)
        {
            if (indexes[i] >= 0 && !IsNull(indexes[i]))
                Bitmap.Set(bits, i);
        }
        return FromBits(bits, indexes.Length);
    }

    public Validity Slice(int start, int count)
    {
        if (NullCount == 0)
            return this;
        var bits = new byte[Bitmap.ByteCount(count)];
        Bitmap.Copy(Bits.Span, start, bits, 0, count);
        return FromBits(bits, count);
    }
}

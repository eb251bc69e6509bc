using System.Runtime.InteropServices;

namespace VectorEngine.Numerics;

/// <summary>Sets of numbers as bits: number i is bit i % 32 of word i / 32.</summary>
internal static class BitWords
{
    /// <summary>Words for so many bits.</summary>
    public static int Count(int bits) => (int)(((uint)bits + 31) >> 5);

    public static void Set(Span<uint> words, int bit) => words[bit >> 5] |= 1u << (bit & 31);

    public static void Clear(Span<uint> words, int bit) => words[bit >> 5] &= ~(1u << (bit & 31));

    /// <summary>Sets the first <paramref name="bits"/> bits and zeroes the rest of the last word.</summary>
    public static void Fill(Span<uint> words, int bits)
    {
        words.Fill(uint.MaxValue);
        ClearBehind(words, bits);
    }

    /// <summary>Zeroes what lies behind the first <paramref name="bits"/> bits in the last word.</summary>
    public static void ClearBehind(Span<uint> words, int bits)
    {
        if ((bits & 31) != 0)
            words[bits >> 5] &= (1u << (bits & 31)) - 1;
    }

    /// <summary>words &amp;= other.</summary>
    public static void And(Span<uint> words, ReadOnlySpan<uint> other)
    {
        for (int i = 0; i < words.Length; i++)
            words[i] &= other[i];
    }

    /// <summary>words |= other.</summary>
    public static void Or(Span<uint> words, ReadOnlySpan<uint> other)
    {
        for (int i = 0; i < words.Length; i++)
            words[i] |= other[i];
    }

    /// <summary>words &amp;= a bitmap in bytes, bit i of which is bit i % 8 of byte i / 8; bytes that are not there count as 0.</summary>
    public static void AndBytes(Span<uint> words, ReadOnlySpan<byte> bitmap)
    {
        int whole = Math.Min(words.Length, bitmap.Length / 4);
        And(words[..whole], MemoryMarshal.Cast<byte, uint>(bitmap[..(4 * whole)]));
        for (int i = whole; i < words.Length; i++)
        {
            uint word = 0;
            for (int b = 4 * i; b < Math.Min(bitmap.Length, (4 * i) + 4); b++)
                word |= (uint)bitmap[b] << (8 * (b & 3));
            words[i] &= word;
        }
    }

    /// <summary>Inverts the first <paramref name="bits"/> bits.</summary>
    public static void Invert(Span<uint> words, int bits)
    {
        foreach (ref uint word in words)
            word = ~word;
        ClearBehind(words, bits);
    }

    /// <summary>The 32 bits from <paramref name="first"/> on; those behind the last word are 0.</summary>
    public static uint Read(ReadOnlySpan<uint> words, long first)
    {
        int word = (int)(first >> 5), shift = (int)(first & 31);
        ulong pair = word < words.Length ? words[word] : 0;
        if (word + 1 < words.Length)
            pair |= (ulong)words[word + 1] << 32;
        return (uint)(pair >> shift);
    }

    /// <summary>ORs the first <paramref name="bits"/> bits of a source, behind which it has zeros, into a target.</summary>
    public static void CopyTo(ReadOnlySpan<uint> source, int bits, Span<uint> target, long first)
    {
        int shift = (int)(first & 31);
        Span<uint> to = target[(int)(first >> 5)..];
        for (int i = 0; i < Count(bits); i++)
        {
            to[i] |= source[i] << shift;
            if (shift != 0 && source[i] >> (32 - shift) is var rest and not 0)
                to[i + 1] |= rest;
        }
    }
}

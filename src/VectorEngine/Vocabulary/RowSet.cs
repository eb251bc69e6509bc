using System.Numerics;
using System.Runtime.InteropServices;

namespace VectorEngine;

/// <summary>A set of rows of an index, one bit for each row. Immutable and safe for concurrent use.</summary>
public sealed class RowSet : Filter
{
    private readonly uint[] _words;

    /// <param name="words">Row i is bit i % 32 of word i / 32; the bits behind the last row are zero.</param>
    /// <param name="length">Rows of the index.</param>
    internal RowSet(uint[] words, long length)
    {
        (_words, Length) = (words, length);
        foreach (uint word in words)
            Count += BitOperations.PopCount(word);
    }

    /// <summary>Rows of the index, in the set or not.</summary>
    public long Length { get; }

    /// <summary>Rows in the set.</summary>
    public long Count { get; }

    /// <summary>Row i is bit i % 32 of word i / 32.</summary>
    internal ReadOnlyMemory<uint> Words => _words;

    /// <summary>The set of the given rows.</summary>
    /// <param name="length">Rows of the index.</param>
    /// <param name="ordinals">Rows from 0 to <paramref name="length"/> - 1, in any order, repeated or not.</param>
    /// <exception cref="ArgumentOutOfRangeException">A row is not one of the index.</exception>
    public static RowSet FromOrdinals(long length, params IEnumerable<long> ordinals)
    {
        ArgumentNullException.ThrowIfNull(ordinals);
        uint[] words = Zeros(length);
        foreach (long ordinal in ordinals)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(ordinal, nameof(ordinals));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(ordinal, length, nameof(ordinals));
            words[ordinal >> 5] |= 1u << (int)(ordinal & 31);
        }

        return new RowSet(words, length);
    }

    /// <summary>The set of the rows that are true.</summary>
    /// <param name="rows">One value for each row of the index.</param>
    public static RowSet FromBooleans(ReadOnlySpan<bool> rows)
    {
        uint[] words = Zeros(rows.Length);
        for (int i = 0; i < rows.Length; i++)
            words[i >> 5] |= rows[i] ? 1u << (i & 31) : 0;
        return new RowSet(words, rows.Length);
    }

    /// <summary>The set of the rows whose bit is 1.</summary>
    /// <param name="length">Rows of the index.</param>
    /// <param name="bitmap">Row i is bit i % 8, counted from the least significant, of byte i / 8; copied.</param>
    /// <exception cref="ArgumentException">The bitmap has fewer bits than there are rows.</exception>
    public static RowSet FromBitmap(long length, ReadOnlySpan<byte> bitmap)
    {
        uint[] words = Zeros(length);
        int bytes = checked((int)((length + 7) / 8));
        if (bitmap.Length < bytes)
            throw new ArgumentException($"{bitmap.Length} bytes for {length} rows.", nameof(bitmap));
        bitmap[..bytes].CopyTo(MemoryMarshal.AsBytes(words.AsSpan()));
        ClearBehind(words, length);
        return new RowSet(words, length);
    }

    /// <summary>Whether a row is in the set.</summary>
    /// <param name="ordinal">From 0 to <see cref="Length"/> - 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row.</exception>
    public bool Contains(long ordinal)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(ordinal);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(ordinal, Length);
        return (_words[ordinal >> 5] >> (int)(ordinal & 31) & 1) != 0;
    }

    /// <summary>The rows in both sets.</summary>
    /// <param name="left">A set.</param>
    /// <param name="right">Another over as many rows.</param>
    /// <exception cref="ArgumentException">The sets are over different numbers of rows.</exception>
    public static RowSet operator &(RowSet left, RowSet right) => Combine(left, right, static (x, y) => x & y);

    /// <summary>The rows in at least one of the sets.</summary>
    /// <param name="left">A set.</param>
    /// <param name="right">Another over as many rows.</param>
    /// <exception cref="ArgumentException">The sets are over different numbers of rows.</exception>
    public static RowSet operator |(RowSet left, RowSet right) => Combine(left, right, static (x, y) => x | y);

    /// <summary>The rows of the index that are not in the set.</summary>
    /// <param name="set">A set.</param>
    public static RowSet operator !(RowSet set)
    {
        ArgumentNullException.ThrowIfNull(set);
        uint[] words = Array.ConvertAll(set._words, word => ~word);
        ClearBehind(words, set.Length);
        return new RowSet(words, set.Length);
    }

    /// <summary>Words for so many rows.</summary>
    internal static uint[] Zeros(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        return new uint[checked((int)((length + 31) >> 5))];
    }

    /// <summary>Zeroes the bits behind the last row.</summary>
    internal static void ClearBehind(Span<uint> words, long length)
    {
        if ((length & 31) != 0)
            words[^1] &= (1u << (int)(length & 31)) - 1;
    }

    private static RowSet Combine(RowSet left, RowSet right, Func<uint, uint, uint> combine)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        if (left.Length != right.Length)
            throw new ArgumentException($"A set over {left.Length} rows and one over {right.Length}.", nameof(right));
        uint[] words = new uint[left._words.Length];
        for (int i = 0; i < words.Length; i++)
            words[i] = combine(left._words[i], right._words[i]);
        return new RowSet(words, left.Length);
    }
}

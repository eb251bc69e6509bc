using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VectorEngine.Numerics;

namespace VectorEngine.Quantization;

/// <summary>Reads the blocks of a sign list, drawn in <see cref="CodeLayout"/>; the bytes have the list's exact length.</summary>
internal readonly ref struct SignBlocks(CodeLayout layout, ReadOnlySpan<byte> bytes, int count)
{
    /// <summary>All blocks.</summary>
    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    /// <summary>Postings in the list.</summary>
    public int Count { get; } = count;

    /// <summary>The factors of a block, as SelectBelow takes them.</summary>
    public ReadOnlySpan<byte> Factors(int block) =>
        Bytes.Slice((block * layout.BlockBytes) + layout.SignCodeBytes, CodeLayout.FactorBytes);

    /// <summary>The factors of one posting.</summary>
    public CodeFactors FactorsOf(int posting)
    {
        ReadOnlySpan<byte> factors = Factors(posting / CodeLayout.BlockSize);
        int slot = posting % CodeLayout.BlockSize;
        return new CodeFactors(
            BinaryPrimitives.ReadSingleLittleEndian(factors[(4 * slot)..]),
            BinaryPrimitives.ReadSingleLittleEndian(factors[(128 + (4 * slot))..]),
            BFloat16.ToSingle(BinaryPrimitives.ReadUInt16LittleEndian(factors[(256 + (2 * slot))..])));
    }

    /// <summary>Copies the sign code of one posting: four dimensions in each byte.</summary>
    public void CopySigns(int posting, Span<byte> groups)
    {
        ReadOnlySpan<byte> block = Bytes.Slice(posting / CodeLayout.BlockSize * layout.BlockBytes, layout.SignCodeBytes);
        int slot = posting % CodeLayout.BlockSize, half = slot % 16;
        int at = half < 8 ? 2 * half : (2 * (half - 8)) + 1, shift = slot < 16 ? 0 : 4;
        for (int group = 0; group < layout.SignGroups; group++)
            groups[group] = (byte)(block[(16 * group) + at] >> shift & 0xF);
    }

    /// <summary>The row of one posting.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Ordinal(int posting) => BinaryPrimitives.ReadUInt32LittleEndian(
        Bytes[((posting / CodeLayout.BlockSize * layout.BlockBytes) + layout.OrdinalOffset + (posting % CodeLayout.BlockSize * 4))..]);

    /// <summary>The rows of a block, as SelectAllowed takes them; 0 behind the last posting.</summary>
    public ReadOnlySpan<byte> Ordinals(int block) =>
        Bytes.Slice((block * layout.BlockBytes) + layout.OrdinalOffset, 4 * CodeLayout.BlockSize);

    /// <summary>Whether all rows, and what stands behind the last, are below <paramref name="count"/>.</summary>
    public bool AreOrdinalsBelow(int count)
    {
        for (int block = 0; block < CodeLayout.BlockCount(Count); block++)
        {
            foreach (uint ordinal in MemoryMarshal.Cast<byte, uint>(Ordinals(block)))
            {
                if (ordinal >= (uint)count)
                    return false;
            }
        }

        return true;
    }

    /// <summary>The slots of a block that hold postings, as a mask: the last block may have fewer than 32.</summary>
    public uint Occupied(int block)
    {
        int rest = Count - (block * CodeLayout.BlockSize);
        return rest >= CodeLayout.BlockSize ? uint.MaxValue : (1u << rest) - 1;
    }

    /// <summary>The centroid at the head of a whole sign list.</summary>
    public static ReadOnlySpan<Half> Centroid(CodeLayout layout, ReadOnlySpan<byte> signList) =>
        MemoryMarshal.Cast<byte, Half>(signList[..(2 * layout.PaddedDimensions)]);
}

/// <summary>Reads the factors at the head of an ex record, drawn in <see cref="CodeLayout"/>.</summary>
internal static class ExRecord
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CodeFactors ReadFactors(ReadOnlySpan<byte> record) => new(
        MemoryMarshal.Read<float>(record), MemoryMarshal.Read<float>(record[4..]),
        BFloat16.ToSingle(MemoryMarshal.Read<ushort>(record[8..])));
}

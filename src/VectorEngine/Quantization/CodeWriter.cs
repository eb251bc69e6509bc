using System.Buffers.Binary;
using VectorEngine.Numerics;

namespace VectorEngine.Quantization;

/// <summary>The estimator's constants of one posting in one layer.</summary>
/// <param name="Add">Added to the query's and the list's part of the distance.</param>
/// <param name="Rescale">Multiplies the inner product of code and query; never positive.</param>
/// <param name="Error">Length of the part of the residual that the code misses: |r| tan(angle between residual and code).</param>
internal readonly record struct CodeFactors(float Add, float Rescale, float Error);

/// <summary>Packs codes and factors into posting lists, as drawn in <see cref="CodeLayout"/>.</summary>
internal static class CodeWriter
{
    /// <summary>Packs the sign bits of a posting: bits 0 to 3 of byte i are those of dimensions 8i to 8i + 3, bits 4 to 7 the next four.</summary>
    /// <param name="codes">4-bit codes, one per byte; the sign is bit 3.</param>
    /// <param name="signs">Receives an eighth as many bytes.</param>
    public static void PackSigns(ReadOnlySpan<byte> codes, Span<byte> signs)
    {
        for (int i = 0; i < signs.Length; i++)
        {
            // The product gathers bit 3 of each of eight bytes in the highest byte: byte b's bit lands at 56 + b, and no two sums collide.
            ulong bits = BinaryPrimitives.ReadUInt64LittleEndian(codes[(8 * i)..]) >> 3 & 0x0101010101010101;
            signs[i] = (byte)((bits * 0x0102040810204080) >> 56);
        }
    }

    /// <summary>Writes a posting into its block.</summary>
    /// <param name="layout">The layout.</param>
    /// <param name="block">The block, zero where this posting goes.</param>
    /// <param name="slot">0 to 31.</param>
    /// <param name="signs">Its sign bits, from <see cref="PackSigns"/>.</param>
    /// <param name="factors">The posting's factors in the 1-bit layer.</param>
    /// <param name="ordinal">The vector's row.</param>
    public static void WriteSign(
        CodeLayout layout, Span<byte> block, int slot, ReadOnlySpan<byte> signs, in CodeFactors factors, uint ordinal)
    {
        int offset = (2 * (slot % 8)) + (slot / 8 % 2), shift = slot / 16 * 4;
        for (int i = 0; i < signs.Length; i++)
        {
            block[(32 * i) + offset] |= (byte)((signs[i] & 15) << shift);
            block[(32 * i) + 16 + offset] |= (byte)(signs[i] >> 4 << shift);
        }

        Span<byte> factorBytes = block.Slice(layout.SignCodeBytes, CodeLayout.FactorBytes);
        BinaryPrimitives.WriteSingleLittleEndian(factorBytes[(4 * slot)..], factors.Add);
        BinaryPrimitives.WriteSingleLittleEndian(factorBytes[(128 + (4 * slot))..], factors.Rescale);
        BinaryPrimitives.WriteUInt16LittleEndian(factorBytes[(256 + (2 * slot))..], BFloat16.RoundUp(factors.Error));
        BinaryPrimitives.WriteUInt32LittleEndian(block[(layout.OrdinalOffset + (4 * slot))..], ordinal);
    }

    /// <summary>Writes a posting's ex record, which is zero before.</summary>
    public static void WriteEx(CodeLayout layout, Span<byte> record, ReadOnlySpan<byte> codes, in CodeFactors factors)
    {
        BinaryPrimitives.WriteSingleLittleEndian(record, factors.Add);
        BinaryPrimitives.WriteSingleLittleEndian(record[4..], factors.Rescale);
        BinaryPrimitives.WriteUInt16LittleEndian(record[8..], BFloat16.RoundUp(factors.Error));
        Span<byte> low = record[CodeLayout.ExFactorBytes..], high = low[(layout.PaddedDimensions / 4)..];
        for (int start = 0; start < codes.Length; start += 64)
        {
            int width = Math.Min(64, codes.Length - start) / 4;
            for (int l = 0; l < 4; l++)
            {
                for (int j = 0; j < width; j++)
                {
                    int code = codes[start + (width * l) + j];
                    low[(start / 4) + j] |= (byte)((code & 3) << (2 * l));
                    high[(start / 8) + (j % 8)] |= (byte)((code >> 2 & 1) << (l + (j / 8 * 4)));
                }
            }
        }
    }
}

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace VectorEngine.Kernels;

/// <summary>
/// The integer loops and the threshold test on 128-bit registers, written portably: NEON's table lookup on indices below 16 is
/// <see cref="Vector128.ShuffleNative(Vector128{byte}, Vector128{byte})"/> on every machine, so x86 tests what ARM runs.
/// </summary>
/// <typeparam name="B">The steps that instruction sets do differently.</typeparam>
internal static unsafe class ByteKernels<B> where B : struct, IByteLanes
{
    public static void FastScan(ReadOnlySpan<byte> blocks, int blockStride, ReadOnlySpan<byte> table, Span<int> sums)
    {
        sums.Clear();
        // SAFETY: block b is read in [b blockStride, b blockStride + table.Length), the table as a whole; 32 sums are written per block.
        fixed (byte* block = blocks, entries = table)
        fixed (int* sum = sums)
        {
            for (int b = 0; b < sums.Length / 32; b++)
                ScanBlock(block + ((nint)b * blockStride), entries, table.Length, sum + (32 * b));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static uint SelectBelow(ReadOnlySpan<int> sums, ReadOnlySpan<byte> factors, in BoundConstants constants, float threshold)
    {
        uint selected = 0;
        // SAFETY: 32 sums and the 320 bytes of 32 factors are read.
        fixed (int* sum = sums)
        fixed (byte* factor = factors)
        {
            for (int first = 0; first < 32; first += 4)
                selected |= SelectFour(sum, factor, first, constants, threshold) << first;
        }

        return selected;
    }

    public static int DotExCode(ReadOnlySpan<byte> code, int dimensions, ReadOnlySpan<sbyte> query)
    {
        // SAFETY: units of 64 dimensions read 16 bytes of the two-bit plane and 8 of the one-bit plane; in the last unit that is at most
        // ExCodeOverread beyond the code, which the caller provides, and the query is padded to whole units.
        fixed (byte* low = code)
        fixed (sbyte* y = query)
        {
            byte* high = low + (dimensions / 4);
            Vector128<int> total = default;
            for (int i = 0; i < dimensions; i += 64)
            {
                Vector128<byte> lowBits = Vector128.Load(low + (i / 4));
                ulong upper = *(ulong*)(high + (i / 8));
                Vector128<byte> highBits = Vector128.Create(upper, upper >> 4).AsByte();
                total = B.AddProducts(
                    total,
                    (Unpack(lowBits, highBits << 2), Unpack(lowBits >> 2, highBits << 1),
                        Unpack(lowBits >> 4, highBits), Unpack(lowBits >> 6, highBits >> 1)),
                    (Vector128.Load(y + i), Vector128.Load(y + i + 16), Vector128.Load(y + i + 32), Vector128.Load(y + i + 48)));
            }

            return Vector128.Sum(total);
        }
    }

    /// <summary>16 codes of 3 bits, one per byte: bits 0 and 1 of one register, bit 2 of the other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<sbyte> Unpack(Vector128<byte> low, Vector128<byte> high) =>
        ((low & Vector128.Create((byte)3)) | (high & Vector128.Create((byte)4))).AsSByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ScanBlock(byte* codes, byte* table, int length, int* sums)
    {
        // One load holds one group. Entries of groups 64 bytes apart add up to at most 255, so they are added as bytes before they are
        // widened: 16-bit sums of even bytes (plus 256 times the odd ones) and of odd bytes. 256 steps of at most 255 fit 16 bits.
        for (int start = 0; start < length; start += 8192)
        {
            int end = Math.Min(length, start + 8192);
            Vector128<ushort> low = default, lowOdd = default, high = default, highOdd = default;
            for (int pair = start; pair < end; pair += 128)
            {
                // The last 64 bytes may stand alone.
                int second = pair + 64 < end ? 64 : 0;
                for (int i = pair; i < pair + 64; i += 16)
                {
                    (Vector128<ushort> lowSum, Vector128<ushort> highSum) = LookUp(codes + i, table + i);
                    if (second != 0)
                    {
                        (Vector128<ushort> lowSecond, Vector128<ushort> highSecond) = LookUp(codes + i + 64, table + i + 64);
                        lowSum += lowSecond;
                        highSum += highSecond;
                    }

                    low += lowSum;
                    lowOdd = B.AddUpperBytes(lowOdd, lowSum);
                    high += highSum;
                    highOdd = B.AddUpperBytes(highOdd, highSum);
                }
            }

            AddTo(sums, low - (lowOdd << 8));
            AddTo(sums + 8, lowOdd);
            AddTo(sums + 16, high - (highOdd << 8));
            AddTo(sums + 24, highOdd);
        }
    }

    /// <summary>The table's entries for a group's lower and upper nibbles; two such results may be added before a byte overflows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector128<ushort> Low, Vector128<ushort> High) LookUp(byte* codes, byte* table)
    {
        Vector128<byte> code = Vector128.Load(codes), entries = Vector128.Load(table);
        return (Vector128.ShuffleNative(entries, code & Vector128.Create((byte)15)).AsUInt16(),
            Vector128.ShuffleNative(entries, code >> 4).AsUInt16());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTo(int* sums, Vector128<ushort> values)
    {
        (Vector128<uint> lower, Vector128<uint> upper) = Vector128.Widen(values);
        (Vector128.Load(sums) + lower.AsInt32()).Store(sums);
        (Vector128.Load(sums + 4) + upper.AsInt32()).Store(sums + 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint SelectFour(int* sums, byte* factors, int first, in BoundConstants constants, float threshold)
    {
        Vector128<float> add = Vector128.Load((float*)factors + first);
        Vector128<float> rescale = Vector128.Load((float*)(factors + 128) + first);
        Vector128<ushort> errorBits = Vector64.Load((ushort*)(factors + 256) + first).ToVector128();
        Vector128<float> error = (Vector128.WidenLower(errorBits) << 16).AsSingle();
        Vector128<float> sum = Vector128.ConvertToSingle(Vector128.Load(sums + first));
        Vector128<float> inner = Vector128.FusedMultiplyAdd(sum, Vector128.Create(constants.Step), Vector128.Create(constants.Bias));
        Vector128<float> estimate = Vector128.FusedMultiplyAdd(rescale, inner, add + Vector128.Create(constants.Base));
        Vector128<float> bound = Vector128.FusedMultiplyAdd(-error, Vector128.Create(constants.Error), estimate);
        return Vector128.LessThanOrEqual(bound, Vector128.Create(threshold)).ExtractMostSignificantBits();
    }
}

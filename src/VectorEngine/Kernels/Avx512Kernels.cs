using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Floats = VectorEngine.Kernels.FloatKernels<VectorEngine.Kernels.Lanes512, System.Runtime.Intrinsics.Vector512<float>>;

namespace VectorEngine.Kernels;

/// <summary>
/// AVX-512 F, BW, DQ and VL: Skylake-SP and later, Zen 4 and later. Gated on those sets, not on Vector512.IsHardwareAccelerated,
/// which is false on Skylake-SP although the instructions are there.
/// </summary>
internal readonly unsafe struct Avx512Kernels : IKernels
{
    public static bool IsSupported => Avx512BW.VL.IsSupported && Avx512DQ.VL.IsSupported;

    public static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y) => Floats.Dot(x, y);

    public static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<Half> y) => Floats.Dot(x, y);

    public static float SquaredL2(ReadOnlySpan<float> x, ReadOnlySpan<float> y) => Floats.SquaredL2(x, y);

    public static float SquaredL2(ReadOnlySpan<float> x, ReadOnlySpan<Half> y) => Floats.SquaredL2(x, y);

    public static void DotRows(ReadOnlySpan<float> x, ReadOnlySpan<float> rows, Span<float> results) => Floats.DotRows(x, rows, results);

    public static void SquaredL2Rows(ReadOnlySpan<float> x, ReadOnlySpan<float> rows, Span<float> results) =>
        Floats.SquaredL2Rows(x, rows, results);

    public static int TileColumns => 48;

    public static void DotTile(ReadOnlySpan<float> rows, ReadOnlySpan<float> panel, Span<float> results) =>
        Floats.DotTile(rows, panel, results);

    public static void Hadamard(Span<float> x) => Floats.Hadamard(x);

    public static void Multiply(Span<float> x, ReadOnlySpan<float> factors) => Floats.Multiply(x, factors);

    public static void Butterfly(Span<float> x, Span<float> y) => Floats.Butterfly(x, y);

    public static (float Dot, float SquaredNorm) ScoreScale(ReadOnlySpan<float> residual, float scale) =>
        Floats.ScoreScale(residual, scale);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FastScan(ReadOnlySpan<byte> blocks, int blockStride, ReadOnlySpan<byte> table, Span<int> sums)
    {
        // SAFETY: block b is read in [b blockStride, b blockStride + table.Length), the table as a whole; 32 sums are written per block.
        fixed (byte* block = blocks, entries = table)
        fixed (int* sum = sums)
        {
            for (int b = 0; b < sums.Length / 32; b++)
                ScanBlock(block + ((nint)b * blockStride), entries, table.Length, blockStride, sum + (32 * b));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static uint SelectBelow(ReadOnlySpan<int> sums, ReadOnlySpan<byte> factors, in BoundConstants constants, float threshold)
    {
        // SAFETY: 32 sums and the 320 bytes of 32 factors are read.
        fixed (int* sum = sums)
        fixed (byte* factor = factors)
            return SelectHalf(sum, factor, 0, constants, threshold) | (SelectHalf(sum, factor, 16, constants, threshold) << 16);
    }

    /// <summary>.NET gathers at most 8 words at a time.</summary>
    public static uint SelectAllowed(ReadOnlySpan<byte> ordinals, ReadOnlySpan<uint> set, int first) =>
        Avx2Kernels.SelectAllowed(ordinals, set, first);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int DotExCode(ReadOnlySpan<byte> code, int dimensions, ReadOnlySpan<sbyte> query)
    {
        // SAFETY: units of 64 dimensions read 16 bytes of the two-bit plane and 8 of the one-bit plane; in the last unit that is at most
        // ExCodeOverread beyond the code, which the caller provides, and the query is padded to whole units.
        fixed (byte* low = code)
        fixed (sbyte* y = query)
        {
            byte* high = low + (dimensions / 4);
            Vector512<int> total = default;
            // 16 units per flush: 16 * 2 * 7 * 127 fits 16 bits.
            for (int start = 0; start < dimensions; start += 1024)
            {
                Vector512<short> partial = default;
                for (int i = start; i < Math.Min(dimensions, start + 1024); i += 64)
                {
                    Vector512<byte> unit = UnpackUnit(low + (i / 4), high + (i / 8));
                    partial += Avx512BW.MultiplyAddAdjacent(unit, Vector512.Load(y + i));
                }

                total += Avx512BW.MultiplyAddAdjacent(partial, Vector512<short>.One);
            }

            return Vector256.Sum(total.GetLower() + total.GetUpper());
        }
    }

    public static void Prefetch(ReadOnlySpan<byte> bytes)
    {
        // SAFETY: a prefetch reads nothing and cannot fault.
        fixed (byte* start = bytes)
        {
            for (int i = 0; i < bytes.Length; i += 64)
                Sse.Prefetch1(start + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ScanBlock(byte* codes, byte* table, int length, int stride, int* sums)
    {
        // One load holds 4 groups, one per 128-bit lane, and the lane of the table that belongs to it. Entries of groups 64 bytes apart add
        // up to at most 255, so they are added as bytes before they are widened: 16-bit sums of even bytes (plus 256 times the odd ones)
        // and of odd bytes. 256 steps of at most 255 fit 16 bits, and there are no more: 8,192 dimensions have 2,048 groups.
        Vector512<ushort> low = default, lowOdd = default, high = default, highOdd = default;
        int i = 0;
        for (; i + 128 <= length; i += 128)
        {
            Sse.Prefetch0(codes + i + stride);
            Sse.Prefetch0(codes + i + stride + 64);
            (Vector512<ushort> lowFirst, Vector512<ushort> highFirst) = LookUp(codes + i, table + i);
            (Vector512<ushort> lowSecond, Vector512<ushort> highSecond) = LookUp(codes + i + 64, table + i + 64);
            Vector512<ushort> lowSum = lowFirst + lowSecond, highSum = highFirst + highSecond;
            low += lowSum;
            lowOdd += lowSum >> 8;
            high += highSum;
            highOdd += highSum >> 8;
        }

        if (i < length)
        {
            (Vector512<ushort> lowSum, Vector512<ushort> highSum) = LookUp(codes + i, table + i);
            low += lowSum;
            lowOdd += lowSum >> 8;
            high += highSum;
            highOdd += highSum >> 8;
        }

        AddLanes(low - (lowOdd << 8)).Store(sums);
        AddLanes(lowOdd).Store(sums + 8);
        AddLanes(high - (highOdd << 8)).Store(sums + 16);
        AddLanes(highOdd).Store(sums + 24);
    }

    /// <summary>
    /// The table's entries for four groups' lower and upper nibbles; two such results may be added before a byte overflows.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<ushort> Low, Vector512<ushort> High) LookUp(byte* codes, byte* table)
    {
        Vector512<byte> code = Vector512.Load(codes), entries = Vector512.Load(table), nibble = Vector512.Create((byte)15);
        return (Avx512BW.Shuffle(entries, code & nibble).AsUInt16(),
            Avx512BW.Shuffle(entries, (code.AsUInt16() >> 4).AsByte() & nibble).AsUInt16());
    }

    /// <summary>Adds the four 128-bit lanes, widened first: one lane may hold up to 65,280.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> AddLanes(Vector512<ushort> sums)
    {
        Vector512<int> pair = Avx512F.ConvertToVector512Int32(sums.GetLower()) + Avx512F.ConvertToVector512Int32(sums.GetUpper());
        return pair.GetLower() + pair.GetUpper();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint SelectHalf(int* sums, byte* factors, int first, in BoundConstants constants, float threshold)
    {
        Vector512<float> add = Vector512.Load((float*)factors + first);
        Vector512<float> rescale = Vector512.Load((float*)(factors + 128) + first);
        Vector512<float> error = (Avx512F.ConvertToVector512UInt32(Vector256.Load((ushort*)(factors + 256) + first)) << 16).AsSingle();
        Vector512<float> sum = Avx512F.ConvertToVector512Single(Vector512.Load(sums + first));
        Vector512<float> inner = Avx512F.FusedMultiplyAdd(sum, Vector512.Create(constants.Step), Vector512.Create(constants.Bias));
        Vector512<float> estimate = Avx512F.FusedMultiplyAdd(rescale, inner, add + Vector512.Create(constants.Base));
        Vector512<float> bound = Avx512F.FusedMultiplyAddNegated(error, Vector512.Create(constants.Error), estimate);
        return (uint)Vector512.LessThanOrEqual(bound, Vector512.Create(threshold)).ExtractMostSignificantBits();
    }

    /// <summary>
    /// 64 codes of 3 bits, one per byte: lane l takes bits 2l of the two-bit plane and bit l or l + 4 of the one-bit plane.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> UnpackUnit(byte* low, byte* high)
    {
        Vector512<uint> lowShifts = Vector512.Create(
            Vector256.Create(0u, 0, 0, 0, 2, 2, 2, 2), Vector256.Create(4u, 4, 4, 4, 6, 6, 6, 6));
        // Turns bit l (+ 4 in a lane's upper half) of each byte into bit 2.
        Vector512<ulong> highTurns = Vector512.Create(2ul, 62, 1, 61, 0, 60, 63, 59);
        Vector512<uint> lowBits = Avx512F.ShiftRightLogicalVariable(Avx512F.BroadcastVector128ToVector512((uint*)low), lowShifts);
        Vector512<ulong> highBit = Avx512F.RotateLeftVariable(Vector512.Create(*(ulong*)high), highTurns);
        return Vector512.ConditionalSelect(Vector512.Create((byte)3), lowBits.AsByte(), highBit.AsByte()) & Vector512.Create((byte)7);
    }
}

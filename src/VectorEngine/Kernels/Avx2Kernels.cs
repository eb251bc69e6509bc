using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Floats = VectorEngine.Kernels.FloatKernels<VectorEngine.Kernels.Lanes256, System.Runtime.Intrinsics.Vector256<float>>;

namespace VectorEngine.Kernels;

/// <summary>AVX2 and FMA: Haswell and later, Zen and later.</summary>
internal readonly unsafe struct Avx2Kernels : IKernels
{
    public static bool IsSupported => Avx2.IsSupported && Fma.IsSupported;

    public static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y) => Floats.Dot(x, y);

    public static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<Half> y) => Floats.Dot(x, y);

    public static float SquaredL2(ReadOnlySpan<float> x, ReadOnlySpan<float> y) => Floats.SquaredL2(x, y);

    public static float SquaredL2(ReadOnlySpan<float> x, ReadOnlySpan<Half> y) => Floats.SquaredL2(x, y);

    public static void DotRows(ReadOnlySpan<float> x, ReadOnlySpan<float> rows, Span<float> results) => Floats.DotRows(x, rows, results);

    public static void SquaredL2Rows(ReadOnlySpan<float> x, ReadOnlySpan<float> rows, Span<float> results) =>
        Floats.SquaredL2Rows(x, rows, results);

    public static int TileColumns => 24;

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
            for (int first = 0; first < 32; first += 8)
                selected |= SelectEight(sum, factor, first, constants, threshold) << first;
        }

        return selected;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static uint SelectAllowed(ReadOnlySpan<byte> ordinals, ReadOnlySpan<uint> set, int first)
    {
        uint selected = 0;
        // SAFETY: 32 ordinals are read, and words of the set that the caller has checked to be there.
        fixed (byte* ordinal = ordinals)
        fixed (uint* words = set)
        {
            for (int i = 0; i < 32; i += 8)
            {
                Vector256<uint> bits = Vector256.Load((uint*)ordinal + i) + Vector256.Create((uint)first);
                Vector256<uint> found = Avx2.GatherVector256(words, (bits >> 5).AsInt32(), sizeof(uint));
                // The bit asked for becomes the uppermost.
                Vector256<uint> shifts = Vector256.Create(31u) - (bits & Vector256.Create(31u));
                selected |= Avx2.ShiftLeftLogicalVariable(found, shifts).ExtractMostSignificantBits() << i;
            }
        }

        return selected;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int DotExCode(ReadOnlySpan<byte> code, int dimensions, ReadOnlySpan<sbyte> query)
    {
        // SAFETY: units of 64 dimensions read 16 bytes of the two-bit plane and 8 of the one-bit plane; in the last unit that is at most
        // ExCodeOverread beyond the code, which the caller provides, and the query is padded to whole units.
        fixed (byte* low = code)
        fixed (sbyte* y = query)
        {
            byte* high = low + (dimensions / 4);
            Vector256<int> total = default;
            for (int i = 0; i < dimensions; i += 64)
            {
                Vector256<uint> lowBits = Avx2.BroadcastVector128ToVector256((uint*)(low + (i / 4)));
                Vector256<ulong> highBits = Vector256.Create(*(ulong*)(high + (i / 8)));
                Vector256<byte> first = Unpack(
                    lowBits, Vector256.Create(0u, 0, 0, 0, 2, 2, 2, 2), highBits, Vector256.Create(0ul, 4, 1, 5));
                Vector256<byte> second = Unpack(
                    lowBits, Vector256.Create(4u, 4, 4, 4, 6, 6, 6, 6), highBits, Vector256.Create(2ul, 6, 3, 7));
                Vector256<short> products = Avx2.MultiplyAddAdjacent(first, Vector256.Load(y + i))
                    + Avx2.MultiplyAddAdjacent(second, Vector256.Load(y + i + 32));
                total += Avx2.MultiplyAddAdjacent(products, Vector256<short>.One);
            }

            return Vector256.Sum(total);
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
    private static void ScanBlock(byte* codes, byte* table, int length, int* sums)
    {
        // As in Avx512Kernels, with 2 groups per load; 256 steps of at most 255 fit 16 bits.
        Vector256<int> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        for (int start = 0; start < length; start += 16384)
        {
            int end = Math.Min(length, start + 16384), i = start;
            Vector256<ushort> low = default, lowOdd = default, high = default, highOdd = default;
            for (; i + 128 <= end; i += 128)
            {
                for (int half = i; half < i + 64; half += 32)
                {
                    (Vector256<ushort> lowFirst, Vector256<ushort> highFirst) = LookUp(codes + half, table + half);
                    (Vector256<ushort> lowSecond, Vector256<ushort> highSecond) = LookUp(codes + half + 64, table + half + 64);
                    Vector256<ushort> lowSum = lowFirst + lowSecond, highSum = highFirst + highSecond;
                    low += lowSum;
                    lowOdd += lowSum >> 8;
                    high += highSum;
                    highOdd += highSum >> 8;
                }
            }

            for (; i < end; i += 32)
            {
                (Vector256<ushort> lowSum, Vector256<ushort> highSum) = LookUp(codes + i, table + i);
                low += lowSum;
                lowOdd += lowSum >> 8;
                high += highSum;
                highOdd += highSum >> 8;
            }

            sum0 += AddLanes(low - (lowOdd << 8));
            sum1 += AddLanes(lowOdd);
            sum2 += AddLanes(high - (highOdd << 8));
            sum3 += AddLanes(highOdd);
        }

        sum0.Store(sums);
        sum1.Store(sums + 8);
        sum2.Store(sums + 16);
        sum3.Store(sums + 24);
    }

    /// <summary>
    /// The table's entries for two groups' lower and upper nibbles; two such results may be added before a byte overflows.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<ushort> Low, Vector256<ushort> High) LookUp(byte* codes, byte* table)
    {
        Vector256<byte> code = Vector256.Load(codes), entries = Vector256.Load(table), nibble = Vector256.Create((byte)15);
        return (Avx2.Shuffle(entries, code & nibble).AsUInt16(),
            Avx2.Shuffle(entries, (code.AsUInt16() >> 4).AsByte() & nibble).AsUInt16());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> AddLanes(Vector256<ushort> sums) =>
        Avx2.ConvertToVector256Int32(sums.GetLower()) + Avx2.ConvertToVector256Int32(sums.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint SelectEight(int* sums, byte* factors, int first, in BoundConstants constants, float threshold)
    {
        Vector256<float> add = Vector256.Load((float*)factors + first);
        Vector256<float> rescale = Vector256.Load((float*)(factors + 128) + first);
        Vector256<float> error = (Avx2.ConvertToVector256Int32(Vector128.Load((ushort*)(factors + 256) + first)) << 16).AsSingle();
        Vector256<float> sum = Avx.ConvertToVector256Single(Vector256.Load(sums + first));
        Vector256<float> inner = Fma.MultiplyAdd(sum, Vector256.Create(constants.Step), Vector256.Create(constants.Bias));
        Vector256<float> estimate = Fma.MultiplyAdd(rescale, inner, add + Vector256.Create(constants.Base));
        Vector256<float> bound = Fma.MultiplyAddNegated(error, Vector256.Create(constants.Error), estimate);
        return Vector256.LessThanOrEqual(bound, Vector256.Create(threshold)).ExtractMostSignificantBits();
    }

    /// <summary>32 codes of 3 bits, one per byte: two lanes of what Avx512Kernels unpacks at once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Unpack(
        Vector256<uint> low, Vector256<uint> lowShifts, Vector256<ulong> high, Vector256<ulong> highShifts)
    {
        Vector256<byte> lowBits = Avx2.ShiftRightLogicalVariable(low, lowShifts).AsByte() & Vector256.Create((byte)3);
        Vector256<byte> highBit = Avx2.ShiftRightLogicalVariable(high, highShifts).AsByte() & Vector256.Create((byte)1);
        return lowBits | (highBit.AsUInt16() << 2).AsByte();
    }
}

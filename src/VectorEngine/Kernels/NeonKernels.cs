using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using Bytes = VectorEngine.Kernels.ByteKernels<VectorEngine.Kernels.NeonBytes>;
using Floats = VectorEngine.Kernels.FloatKernels<VectorEngine.Kernels.Lanes128, System.Runtime.Intrinsics.Vector128<float>>;

namespace VectorEngine.Kernels;

/// <summary>
/// NEON: every 64-bit ARM. The loops are those of <see cref="Vector128Kernels"/>, tested on x86; the three instructions of
/// <see cref="NeonBytes"/> are compiled but have not run on ARM hardware.
/// </summary>
internal readonly struct NeonKernels : IKernels
{
    public static bool IsSupported => AdvSimd.Arm64.IsSupported;

    public static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y) => Floats.Dot(x, y);

    public static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<Half> y) => Floats.Dot(x, y);

    public static float SquaredL2(ReadOnlySpan<float> x, ReadOnlySpan<float> y) => Floats.SquaredL2(x, y);

    public static float SquaredL2(ReadOnlySpan<float> x, ReadOnlySpan<Half> y) => Floats.SquaredL2(x, y);

    public static void DotRows(ReadOnlySpan<float> x, ReadOnlySpan<float> rows, Span<float> results) => Floats.DotRows(x, rows, results);

    public static void SquaredL2Rows(ReadOnlySpan<float> x, ReadOnlySpan<float> rows, Span<float> results) =>
        Floats.SquaredL2Rows(x, rows, results);

    public static int TileColumns => 12;

    public static void DotTile(ReadOnlySpan<float> rows, ReadOnlySpan<float> panel, Span<float> results) =>
        Floats.DotTile(rows, panel, results);

    public static void Hadamard(Span<float> x) => Floats.Hadamard(x);

    public static void Multiply(Span<float> x, ReadOnlySpan<float> factors) => Floats.Multiply(x, factors);

    public static void Butterfly(Span<float> x, Span<float> y) => Floats.Butterfly(x, y);

    public static (float Dot, float SquaredNorm) ScoreScale(ReadOnlySpan<float> residual, float scale) =>
        Floats.ScoreScale(residual, scale);

    public static void FastScan(ReadOnlySpan<byte> blocks, int blockStride, ReadOnlySpan<byte> table, Span<int> sums) =>
        Bytes.FastScan(blocks, blockStride, table, sums);

    public static uint SelectBelow(ReadOnlySpan<int> sums, ReadOnlySpan<byte> factors, in BoundConstants constants, float threshold) =>
        Bytes.SelectBelow(sums, factors, constants, threshold);

    public static int DotExCode(ReadOnlySpan<byte> code, int dimensions, ReadOnlySpan<sbyte> query) =>
        Bytes.DotExCode(code, dimensions, query);
}

/// <summary>Bytes in a NEON register.</summary>
internal readonly struct NeonBytes : IByteLanes
{
    /// <summary>Shift and add in one instruction: FastScan's loop does it twice per two groups.</summary>
    public static Vector128<ushort> AddUpperBytes(Vector128<ushort> sums, Vector128<ushort> values) =>
        AdvSimd.ShiftRightLogicalAdd(sums, values, 8);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> AddProducts(
        Vector128<int> sums,
        (Vector128<sbyte> First, Vector128<sbyte> Second, Vector128<sbyte> Third, Vector128<sbyte> Fourth) codes,
        (Vector128<sbyte> First, Vector128<sbyte> Second, Vector128<sbyte> Third, Vector128<sbyte> Fourth) query)
    {
        if (Dp.IsSupported)
        {
            sums = Dp.DotProduct(sums, codes.First, query.First);
            sums = Dp.DotProduct(sums, codes.Second, query.Second);
            sums = Dp.DotProduct(sums, codes.Third, query.Third);
            return Dp.DotProduct(sums, codes.Fourth, query.Fourth);
        }

        // ARMv8.0, such as Cortex-A72. 8 products of at most 7 * 128 meet in a 16-bit lane.
        Vector128<short> products = AdvSimd.MultiplyWideningLower(codes.First.GetLower(), query.First.GetLower());
        products = AdvSimd.MultiplyWideningUpperAndAdd(products, codes.First, query.First);
        products = AddWidened(products, codes.Second, query.Second);
        products = AddWidened(products, codes.Third, query.Third);
        products = AddWidened(products, codes.Fourth, query.Fourth);
        return AdvSimd.AddPairwiseWideningAndAdd(sums, products);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<short> AddWidened(Vector128<short> sums, Vector128<sbyte> codes, Vector128<sbyte> query) =>
        AdvSimd.MultiplyWideningUpperAndAdd(
            AdvSimd.MultiplyWideningLowerAndAdd(sums, codes.GetLower(), query.GetLower()), codes, query);
}

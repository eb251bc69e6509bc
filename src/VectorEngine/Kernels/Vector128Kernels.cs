using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Bytes = VectorEngine.Kernels.ByteKernels<VectorEngine.Kernels.PortableBytes>;
using Floats = VectorEngine.Kernels.FloatKernels<VectorEngine.Kernels.Lanes128, System.Runtime.Intrinsics.Vector128<float>>;

namespace VectorEngine.Kernels;

/// <summary>
/// Any machine with 128-bit registers, without instructions of its own: x86 before AVX2, and the loops of <see cref="NeonKernels"/>
/// where they can be tested without an ARM machine.
/// </summary>
internal readonly struct Vector128Kernels : IKernels
{
    public static bool IsSupported => Vector128.IsHardwareAccelerated;

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

/// <summary>Bytes in a 128-bit register, portably.</summary>
internal readonly struct PortableBytes : IByteLanes
{
    public static Vector128<ushort> AddUpperBytes(Vector128<ushort> sums, Vector128<ushort> values) => sums + (values >> 8);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> AddProducts(
        Vector128<int> sums,
        (Vector128<sbyte> First, Vector128<sbyte> Second, Vector128<sbyte> Third, Vector128<sbyte> Fourth) codes,
        (Vector128<sbyte> First, Vector128<sbyte> Second, Vector128<sbyte> Third, Vector128<sbyte> Fourth) query)
    {
        // 8 products of at most 7 * 128 meet in a 16-bit lane.
        Vector128<short> products = Multiply(codes.First, query.First) + Multiply(codes.Second, query.Second)
            + Multiply(codes.Third, query.Third) + Multiply(codes.Fourth, query.Fourth);
        return sums + Vector128.WidenLower(products) + Vector128.WidenUpper(products);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<short> Multiply(Vector128<sbyte> codes, Vector128<sbyte> query) =>
        (Vector128.WidenLower(codes) * Vector128.WidenLower(query)) + (Vector128.WidenUpper(codes) * Vector128.WidenUpper(query));
}

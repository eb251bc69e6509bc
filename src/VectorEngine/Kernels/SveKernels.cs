#pragma warning disable SYSLIB5003 // Sve is experimental in .NET 10; what is used here is internal and can follow its changes.
using System.Numerics;
using System.Runtime.Intrinsics.Arm;
using Neon = VectorEngine.Kernels.NeonKernels;

namespace VectorEngine.Kernels;

/// <summary>
/// SVE at 128 bits, the only width at which .NET 10 exposes it (Neoverse N2, V2): NEON's kernels, and a predicated load in place of up to
/// three single steps at the end of an odd length. Compiled, but not run on hardware; wider SVE belongs to the native library.
/// </summary>
internal readonly unsafe struct SveKernels : IKernels
{
    public static bool IsSupported => Sve.IsSupported && Neon.IsSupported;

    public static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        int whole = x.Length & ~3, rest = x.Length - whole;
        float sum = Neon.Dot(x[..whole], y);
        if (rest == 0)
            return sum;
        // SAFETY: the mask limits both loads to the elements that are left.
        fixed (float* a = x[whole..], b = y[whole..x.Length])
        {
            Vector<float> mask = Mask(rest);
            return sum + Vector.Sum(Sve.LoadVector(mask, a) * Sve.LoadVector(mask, b));
        }
    }

    public static float SquaredL2(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        int whole = x.Length & ~3, rest = x.Length - whole;
        float sum = Neon.SquaredL2(x[..whole], y);
        if (rest == 0)
            return sum;
        // SAFETY: the mask limits both loads to the elements that are left.
        fixed (float* a = x[whole..], b = y[whole..x.Length])
        {
            Vector<float> mask = Mask(rest);
            Vector<float> difference = Sve.LoadVector(mask, a) - Sve.LoadVector(mask, b);
            return sum + Vector.Sum(difference * difference);
        }
    }

    public static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<Half> y) => Neon.Dot(x, y);

    public static float SquaredL2(ReadOnlySpan<float> x, ReadOnlySpan<Half> y) => Neon.SquaredL2(x, y);

    public static void DotRows(ReadOnlySpan<float> x, ReadOnlySpan<float> rows, Span<float> results) => Neon.DotRows(x, rows, results);

    public static void SquaredL2Rows(ReadOnlySpan<float> x, ReadOnlySpan<float> rows, Span<float> results) =>
        Neon.SquaredL2Rows(x, rows, results);

    public static int TileColumns => Neon.TileColumns;

    public static void DotTile(ReadOnlySpan<float> rows, ReadOnlySpan<float> panel, Span<float> results) =>
        Neon.DotTile(rows, panel, results);

    public static void Hadamard(Span<float> x) => Neon.Hadamard(x);

    public static void Multiply(Span<float> x, ReadOnlySpan<float> factors) => Neon.Multiply(x, factors);

    public static void Butterfly(Span<float> x, Span<float> y) => Neon.Butterfly(x, y);

    public static (float Dot, float SquaredNorm) ScoreScale(ReadOnlySpan<float> residual, float scale) => Neon.ScoreScale(residual, scale);

    public static void FastScan(ReadOnlySpan<byte> blocks, int blockStride, ReadOnlySpan<byte> table, Span<int> sums) =>
        Neon.FastScan(blocks, blockStride, table, sums);

    public static uint SelectBelow(ReadOnlySpan<int> sums, ReadOnlySpan<byte> factors, in BoundConstants constants, float threshold) =>
        Neon.SelectBelow(sums, factors, constants, threshold);

    public static int DotExCode(ReadOnlySpan<byte> code, int dimensions, ReadOnlySpan<sbyte> query) =>
        Neon.DotExCode(code, dimensions, query);

    /// <summary>True in the first <paramref name="count"/> lanes.</summary>
    private static Vector<float> Mask(int count) => Vector.AsVectorSingle(Sve.CreateWhileLessThanMask32Bit(0, count));
}

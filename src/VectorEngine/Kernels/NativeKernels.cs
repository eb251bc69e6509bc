namespace VectorEngine.Kernels;

/// <summary>The C++ kernels of native/, where the library is found; see <see cref="NativeFunctions"/>.</summary>
internal readonly unsafe struct NativeKernels : IKernels
{
    // SAFETY, of every call below: the spans stay pinned for the call, and the lengths that are passed are theirs or, where the interface
    // relates two spans, checked by a slice. Nothing is called unless IsSupported.

    public static bool IsSupported => NativeFunctions.Unavailable is null;

    public static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        fixed (float* a = x, b = y[..x.Length])
            return NativeFunctions.Dot(a, b, (nuint)x.Length);
    }

    public static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<Half> y)
    {
        fixed (float* a = x)
        fixed (Half* b = y[..x.Length])
            return NativeFunctions.DotHalf(a, b, (nuint)x.Length);
    }

    public static float SquaredL2(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        fixed (float* a = x, b = y[..x.Length])
            return NativeFunctions.SquaredL2(a, b, (nuint)x.Length);
    }

    public static float SquaredL2(ReadOnlySpan<float> x, ReadOnlySpan<Half> y)
    {
        fixed (float* a = x)
        fixed (Half* b = y[..x.Length])
            return NativeFunctions.SquaredL2Half(a, b, (nuint)x.Length);
    }

    public static void DotRows(ReadOnlySpan<float> x, ReadOnlySpan<float> rows, Span<float> results)
    {
        fixed (float* a = x, b = rows[..(x.Length * results.Length)], result = results)
            NativeFunctions.DotRows(a, (nuint)x.Length, b, (nuint)results.Length, result);
    }

    public static void SquaredL2Rows(ReadOnlySpan<float> x, ReadOnlySpan<float> rows, Span<float> results)
    {
        fixed (float* a = x, b = rows[..(x.Length * results.Length)], result = results)
            NativeFunctions.SquaredL2Rows(a, (nuint)x.Length, b, (nuint)results.Length, result);
    }

    public static int TileColumns => NativeFunctions.TileColumns;

    public static void DotTile(ReadOnlySpan<float> rows, ReadOnlySpan<float> panel, Span<float> results)
    {
        int dimensions = rows.Length / 4;
        fixed (float* a = rows, b = panel[..(dimensions * TileColumns)], result = results[..(4 * TileColumns)])
            NativeFunctions.DotTile(a, b, (nuint)dimensions, result);
    }

    public static void Hadamard(Span<float> x)
    {
        fixed (float* values = x)
            NativeFunctions.Hadamard(values, (nuint)x.Length);
    }

    public static void Multiply(Span<float> x, ReadOnlySpan<float> factors)
    {
        fixed (float* values = x, other = factors[..x.Length])
            NativeFunctions.Multiply(values, other, (nuint)x.Length);
    }

    public static void Butterfly(Span<float> x, Span<float> y)
    {
        fixed (float* left = x, right = y[..x.Length])
            NativeFunctions.Butterfly(left, right, (nuint)x.Length);
    }

    public static (float Dot, float SquaredNorm) ScoreScale(ReadOnlySpan<float> residual, float scale)
    {
        float dot, squaredNorm;
        fixed (float* values = residual)
            NativeFunctions.ScoreScale(values, (nuint)residual.Length, scale, &dot, &squaredNorm);
        return (dot, squaredNorm);
    }

    public static void FastScan(ReadOnlySpan<byte> blocks, int blockStride, ReadOnlySpan<byte> table, Span<int> sums)
    {
        fixed (byte* block = blocks, entries = table)
        fixed (int* sum = sums)
            NativeFunctions.FastScan(block, (nuint)blockStride, (nuint)(sums.Length / 32), entries, (nuint)table.Length, sum);
    }

    public static uint SelectBelow(ReadOnlySpan<int> sums, ReadOnlySpan<byte> factors, in BoundConstants constants, float threshold)
    {
        fixed (int* sum = sums)
        fixed (byte* factor = factors)
        fixed (BoundConstants* constant = &constants)
            return NativeFunctions.SelectBelow(sum, factor, constant, threshold);
    }

    public static int DotExCode(ReadOnlySpan<byte> code, int dimensions, ReadOnlySpan<sbyte> query)
    {
        fixed (byte* low = code)
        fixed (sbyte* y = query)
            return NativeFunctions.DotExCode(low, (nuint)dimensions, y);
    }
}

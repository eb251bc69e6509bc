using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace VectorEngine.Kernels;

/// <summary>The float loops, written once for every register width.</summary>
/// <typeparam name="L">The operations of the register.</typeparam>
/// <typeparam name="V">The register.</typeparam>
internal static class FloatKernels<L, V> where L : struct, IFloatLanes<V> where V : struct
{
    // Every loop below reads and writes at indices below the length of the span that its reference comes from:
    // vector loops while i + Count <= length, then one element at a time.
    private static nuint Count => (nuint)L.Count;

    /// <summary>Four sums side by side hide the latency of the fused multiply-add.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        ref readonly float a = ref MemoryMarshal.GetReference(x);
        ref readonly float b = ref MemoryMarshal.GetReference(y[..x.Length]);
        nuint length = (nuint)x.Length, i = 0;
        V s0 = default, s1 = default, s2 = default, s3 = default;
        for (; i + (4 * Count) <= length; i += 4 * Count)
        {
            s0 = L.MultiplyAdd(L.Load(in a, i), L.Load(in b, i), s0);
            s1 = L.MultiplyAdd(L.Load(in a, i + Count), L.Load(in b, i + Count), s1);
            s2 = L.MultiplyAdd(L.Load(in a, i + (2 * Count)), L.Load(in b, i + (2 * Count)), s2);
            s3 = L.MultiplyAdd(L.Load(in a, i + (3 * Count)), L.Load(in b, i + (3 * Count)), s3);
        }

        for (; i + Count <= length; i += Count)
            s0 = L.MultiplyAdd(L.Load(in a, i), L.Load(in b, i), s0);
        float sum = L.Sum(L.Add(L.Add(s0, s1), L.Add(s2, s3)));
        for (; i < length; i++)
            sum += x[(int)i] * y[(int)i];
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<Half> y)
    {
        ref readonly float a = ref MemoryMarshal.GetReference(x);
        ref readonly Half b = ref MemoryMarshal.GetReference(y[..x.Length]);
        nuint length = (nuint)x.Length, i = 0;
        V s0 = default, s1 = default;
        for (; i + (2 * Count) <= length; i += 2 * Count)
        {
            s0 = L.MultiplyAdd(L.Load(in a, i), L.LoadHalf(in b, i), s0);
            s1 = L.MultiplyAdd(L.Load(in a, i + Count), L.LoadHalf(in b, i + Count), s1);
        }

        for (; i + Count <= length; i += Count)
            s0 = L.MultiplyAdd(L.Load(in a, i), L.LoadHalf(in b, i), s0);
        float sum = L.Sum(L.Add(s0, s1));
        for (; i < length; i++)
            sum += x[(int)i] * (float)y[(int)i];
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float SquaredL2(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        ref readonly float a = ref MemoryMarshal.GetReference(x);
        ref readonly float b = ref MemoryMarshal.GetReference(y[..x.Length]);
        nuint length = (nuint)x.Length, i = 0;
        V s0 = default, s1 = default, s2 = default, s3 = default;
        for (; i + (4 * Count) <= length; i += 4 * Count)
        {
            V d0 = L.Subtract(L.Load(in a, i), L.Load(in b, i));
            V d1 = L.Subtract(L.Load(in a, i + Count), L.Load(in b, i + Count));
            V d2 = L.Subtract(L.Load(in a, i + (2 * Count)), L.Load(in b, i + (2 * Count)));
            V d3 = L.Subtract(L.Load(in a, i + (3 * Count)), L.Load(in b, i + (3 * Count)));
            s0 = L.MultiplyAdd(d0, d0, s0);
            s1 = L.MultiplyAdd(d1, d1, s1);
            s2 = L.MultiplyAdd(d2, d2, s2);
            s3 = L.MultiplyAdd(d3, d3, s3);
        }

        for (; i + Count <= length; i += Count)
        {
            V d = L.Subtract(L.Load(in a, i), L.Load(in b, i));
            s0 = L.MultiplyAdd(d, d, s0);
        }

        float sum = L.Sum(L.Add(L.Add(s0, s1), L.Add(s2, s3)));
        for (; i < length; i++)
            sum += (x[(int)i] - y[(int)i]) * (x[(int)i] - y[(int)i]);
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float SquaredL2(ReadOnlySpan<float> x, ReadOnlySpan<Half> y)
    {
        ref readonly float a = ref MemoryMarshal.GetReference(x);
        ref readonly Half b = ref MemoryMarshal.GetReference(y[..x.Length]);
        nuint length = (nuint)x.Length, i = 0;
        V s0 = default, s1 = default;
        for (; i + (2 * Count) <= length; i += 2 * Count)
        {
            V d0 = L.Subtract(L.Load(in a, i), L.LoadHalf(in b, i));
            V d1 = L.Subtract(L.Load(in a, i + Count), L.LoadHalf(in b, i + Count));
            s0 = L.MultiplyAdd(d0, d0, s0);
            s1 = L.MultiplyAdd(d1, d1, s1);
        }

        for (; i + Count <= length; i += Count)
        {
            V d = L.Subtract(L.Load(in a, i), L.LoadHalf(in b, i));
            s0 = L.MultiplyAdd(d, d, s0);
        }

        float sum = L.Sum(L.Add(s0, s1));
        for (; i < length; i++)
            sum += (x[(int)i] - (float)y[(int)i]) * (x[(int)i] - (float)y[(int)i]);
        return sum;
    }

    public static void DotRows(ReadOnlySpan<float> x, ReadOnlySpan<float> rows, Span<float> results)
    {
        for (int row = 0; row < results.Length; row++)
            results[row] = Dot(x, rows.Slice(row * x.Length, x.Length));
    }

    public static void SquaredL2Rows(ReadOnlySpan<float> x, ReadOnlySpan<float> rows, Span<float> results)
    {
        for (int row = 0; row < results.Length; row++)
            results[row] = SquaredL2(x, rows.Slice(row * x.Length, x.Length));
    }

    /// <summary>4 rows times 3 registers: 12 sums, 3 panel registers and 1 broadcast fit the 16 registers of AVX2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void DotTile(ReadOnlySpan<float> rows, ReadOnlySpan<float> panel, Span<float> results)
    {
        int dimensions = rows.Length / 4;
        ref readonly float row0 = ref MemoryMarshal.GetReference(rows);
        ref readonly float row1 = ref MemoryMarshal.GetReference(rows[dimensions..]);
        ref readonly float row2 = ref MemoryMarshal.GetReference(rows[(2 * dimensions)..]);
        ref readonly float row3 = ref MemoryMarshal.GetReference(rows[(3 * dimensions)..]);
        ref readonly float columns = ref MemoryMarshal.GetReference(panel[..(dimensions * 3 * L.Count)]);
        V s00 = default, s01 = default, s02 = default, s10 = default, s11 = default, s12 = default;
        V s20 = default, s21 = default, s22 = default, s30 = default, s31 = default, s32 = default;
        for (nuint i = 0; i < (nuint)dimensions; i++)
        {
            V c0 = L.Load(in columns, 3 * i * Count),
                c1 = L.Load(in columns, ((3 * i) + 1) * Count),
                c2 = L.Load(in columns, ((3 * i) + 2) * Count);
            // SAFETY: i < dimensions, and every row reference is followed by at least that many floats.
            V a = L.Broadcast(Unsafe.Add(ref Unsafe.AsRef(in row0), i));
            s00 = L.MultiplyAdd(a, c0, s00);
            s01 = L.MultiplyAdd(a, c1, s01);
            s02 = L.MultiplyAdd(a, c2, s02);
            a = L.Broadcast(Unsafe.Add(ref Unsafe.AsRef(in row1), i));
            s10 = L.MultiplyAdd(a, c0, s10);
            s11 = L.MultiplyAdd(a, c1, s11);
            s12 = L.MultiplyAdd(a, c2, s12);
            a = L.Broadcast(Unsafe.Add(ref Unsafe.AsRef(in row2), i));
            s20 = L.MultiplyAdd(a, c0, s20);
            s21 = L.MultiplyAdd(a, c1, s21);
            s22 = L.MultiplyAdd(a, c2, s22);
            a = L.Broadcast(Unsafe.Add(ref Unsafe.AsRef(in row3), i));
            s30 = L.MultiplyAdd(a, c0, s30);
            s31 = L.MultiplyAdd(a, c1, s31);
            s32 = L.MultiplyAdd(a, c2, s32);
        }

        ref float result = ref MemoryMarshal.GetReference(results[..(12 * L.Count)]);
        StoreRow(s00, s01, s02, ref result, 0);
        StoreRow(s10, s11, s12, ref result, 3 * Count);
        StoreRow(s20, s21, s22, ref result, 6 * Count);
        StoreRow(s30, s31, s32, ref result, 9 * Count);
    }

    /// <summary>The strides within a register first, then two strides per pass over the memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Hadamard(Span<float> x)
    {
        ref float values = ref MemoryMarshal.GetReference(x);
        nuint length = (nuint)x.Length, half = Count;
        for (nuint i = 0; i < length; i += Count)
            L.Store(L.Hadamard(L.Load(in values, i)), ref values, i);
        for (; half * 4 <= length; half *= 4)
        {
            for (nuint start = 0; start < length; start += 4 * half)
            {
                for (nuint i = start; i < start + half; i += Count)
                    HadamardFour(ref values, i, half);
            }
        }

        if (half * 2 > length)
            return;
        for (nuint i = 0; i < half; i += Count)
        {
            V a = L.Load(in values, i), b = L.Load(in values, i + half);
            L.Store(L.Add(a, b), ref values, i);
            L.Store(L.Subtract(a, b), ref values, i + half);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(Span<float> x, ReadOnlySpan<float> factors)
    {
        ref float values = ref MemoryMarshal.GetReference(x);
        ref readonly float other = ref MemoryMarshal.GetReference(factors[..x.Length]);
        for (nuint i = 0; i + Count <= (nuint)x.Length; i += Count)
            L.Store(L.Multiply(L.Load(in values, i), L.Load(in other, i)), ref values, i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Butterfly(Span<float> x, Span<float> y)
    {
        ref float left = ref MemoryMarshal.GetReference(x);
        ref float right = ref MemoryMarshal.GetReference(y[..x.Length]);
        V scale = L.Broadcast(0.70710678f);
        nuint i = 0;
        for (; i + Count <= (nuint)x.Length; i += Count)
        {
            V a = L.Load(in left, i), b = L.Load(in right, i);
            L.Store(L.Multiply(L.Add(a, b), scale), ref left, i);
            L.Store(L.Multiply(L.Subtract(a, b), scale), ref right, i);
        }

        ScalarKernels.Butterfly(x[(int)i..], y[(int)i..x.Length]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static (float Dot, float SquaredNorm) ScoreScale(ReadOnlySpan<float> residual, float scale)
    {
        ref readonly float values = ref MemoryMarshal.GetReference(residual);
        V factor = L.Broadcast(scale), largest = L.Broadcast(7), half = L.Broadcast(0.5f);
        V dot = default, squaredNorm = default;
        for (nuint i = 0; i + Count <= (nuint)residual.Length; i += Count)
        {
            V magnitude = L.Abs(L.Load(in values, i));
            V code = L.Add(L.Truncate(L.Min(largest, L.Multiply(magnitude, factor))), half);
            dot = L.MultiplyAdd(magnitude, code, dot);
            squaredNorm = L.MultiplyAdd(code, code, squaredNorm);
        }

        return (L.Sum(dot), L.Sum(squaredNorm));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreRow(V a, V b, V c, ref float result, nuint index)
    {
        L.Store(a, ref result, index);
        L.Store(b, ref result, index + Count);
        L.Store(c, ref result, index + (2 * Count));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void HadamardFour(ref float values, nuint i, nuint half)
    {
        V a = L.Load(in values, i), b = L.Load(in values, i + half);
        V c = L.Load(in values, i + (2 * half)), d = L.Load(in values, i + (3 * half));
        V sumAb = L.Add(a, b), differenceAb = L.Subtract(a, b), sumCd = L.Add(c, d), differenceCd = L.Subtract(c, d);
        L.Store(L.Add(sumAb, sumCd), ref values, i);
        L.Store(L.Add(differenceAb, differenceCd), ref values, i + half);
        L.Store(L.Subtract(sumAb, sumCd), ref values, i + (2 * half));
        L.Store(L.Subtract(differenceAb, differenceCd), ref values, i + (3 * half));
    }
}

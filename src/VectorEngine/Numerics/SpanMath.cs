using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace VectorEngine.Numerics;

/// <summary>Element-wise arithmetic on vectors of any length, where it is too little of the work to be a kernel.</summary>
internal static class SpanMath
{
    /// <summary>result = a - b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Subtract(ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> result)
    {
        ReadOnlySpan<Vector<float>> wideA = Wide(a), wideB = Wide(b[..a.Length]);
        Span<Vector<float>> wide = MemoryMarshal.Cast<float, Vector<float>>(result[..a.Length]);
        for (int i = 0; i < wide.Length; i++)
            wide[i] = wideA[i] - wideB[i];
        for (int i = wide.Length * Vector<float>.Count; i < a.Length; i++)
            result[i] = a[i] - b[i];
    }

    /// <summary>result = a + b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> result)
    {
        ReadOnlySpan<Vector<float>> wideA = Wide(a), wideB = Wide(b[..a.Length]);
        Span<Vector<float>> wide = MemoryMarshal.Cast<float, Vector<float>>(result[..a.Length]);
        for (int i = 0; i < wide.Length; i++)
            wide[i] = wideA[i] + wideB[i];
        for (int i = wide.Length * Vector<float>.Count; i < a.Length; i++)
            result[i] = a[i] + b[i];
    }

    /// <summary>result = a * factor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scale(ReadOnlySpan<float> a, float factor, Span<float> result)
    {
        ReadOnlySpan<Vector<float>> wideA = Wide(a);
        Span<Vector<float>> wide = MemoryMarshal.Cast<float, Vector<float>>(result[..a.Length]);
        for (int i = 0; i < wide.Length; i++)
            wide[i] = wideA[i] * factor;
        for (int i = wide.Length * Vector<float>.Count; i < a.Length; i++)
            result[i] = a[i] * factor;
    }

    private static ReadOnlySpan<Vector<float>> Wide(ReadOnlySpan<float> values) => MemoryMarshal.Cast<float, Vector<float>>(values);
}

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

    /// <summary>Replaces each value, none beyond 65,504, by the float16 nearest to it; of two, the even one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RoundToHalf(Span<float> values)
    {
        // Normal float16 values have 13 bits less than float32. Below them lie multiples of 2^-24, the unit of float32 from 0.5 to 1.
        const float SmallestNormal = 1f / (1 << 14), UnitOfTiny = 0.75f;
        Span<Vector<float>> wide = MemoryMarshal.Cast<float, Vector<float>>(values);
        foreach (ref Vector<float> value in wide)
        {
            Vector<int> bits = Vector.AsVectorInt32(value);
            bits = (bits + Vector.Create(0xFFF) + ((bits >>> 13) & Vector<int>.One)) & Vector.Create(~0x1FFF);
            Vector<float> tiny = value + Vector.Create(UnitOfTiny) - Vector.Create(UnitOfTiny);
            value = Vector.ConditionalSelect(
                Vector.LessThan(Vector.Abs(value), Vector.Create(SmallestNormal)), tiny, Vector.AsVectorSingle(bits));
        }

        foreach (ref float value in values[(wide.Length * Vector<float>.Count)..])
            value = (float)(Half)value;
    }

    private static ReadOnlySpan<Vector<float>> Wide(ReadOnlySpan<float> values) => MemoryMarshal.Cast<float, Vector<float>>(values);
}

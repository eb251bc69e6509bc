using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace VectorEngine.Kernels;

/// <summary>4 floats in a 128-bit register: NEON, written portably, so that any machine can test it.</summary>
internal readonly struct Lanes128 : IFloatLanes<Vector128<float>>
{
    public static int Count => 4;

    public static Vector128<float> Broadcast(float value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load(ref readonly float source, nuint index) => Vector128.LoadUnsafe(in source, index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadHalf(ref readonly Half source, nuint index)
    {
        // SAFETY: Half and ushort have the same size; the caller's bounds hold for both.
        ref ushort bits = ref Unsafe.As<Half, ushort>(ref Unsafe.AsRef(in source));
        Vector128<uint> wide = Vector128.WidenLower(Vector64.LoadUnsafe(ref bits, index).ToVector128());
        Vector128<uint> magnitude = (wide & Vector128.Create(0x7FFFu)) << 13;
        Vector128<float> value = magnitude.AsSingle() * Vector128.Create(HalfBits.Rebias);
        return (value.AsUInt32() | ((wide & Vector128.Create(0x8000u)) << 16)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<float> value, ref float destination, nuint index) => value.StoreUnsafe(ref destination, index);

    public static Vector128<float> Add(Vector128<float> a, Vector128<float> b) => a + b;

    public static Vector128<float> Subtract(Vector128<float> a, Vector128<float> b) => a - b;

    public static Vector128<float> Multiply(Vector128<float> a, Vector128<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MultiplyAdd(Vector128<float> a, Vector128<float> b, Vector128<float> c) =>
        Vector128.MultiplyAddEstimate(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Abs(Vector128<float> a) => Vector128.Abs(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Min(Vector128<float> a, Vector128<float> b) => Vector128.MinNative(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Truncate(Vector128<float> a) => Vector128.Truncate(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector128<float> a) => Vector128.Sum(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Hadamard(Vector128<float> a)
    {
        // Each stage is swapped + sign * a: the lower lane of a pair gets the sum, the upper the difference.
        // The product is exact, so fused or not is the same.
        a = MultiplyAdd(a, Vector128.Create(1f, -1, 1, -1), Vector128.Shuffle(a, Vector128.Create(1, 0, 3, 2)));
        return MultiplyAdd(a, Vector128.Create(1f, 1, -1, -1), Vector128.Shuffle(a, Vector128.Create(2, 3, 0, 1)));
    }
}

/// <summary>How the lanes widen float16 to float32.</summary>
internal static class HalfBits
{
    /// <summary>
    /// 2^112: float16's exponent bias is 15, float32's 127, so a float16's exponent and mantissa, moved into a float32's place,
    /// are off by this factor; multiplying also makes float16's subnormals right.
    /// </summary>
    public const float Rebias = 5.192296858534828e33f;
}

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace VectorEngine.Kernels;

/// <summary>8 floats in an AVX2 register.</summary>
internal readonly struct Lanes256 : IFloatLanes<Vector256<float>>
{
    public static int Count => 8;

    public static Vector256<float> Broadcast(float value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(ref readonly float source, nuint index) => Vector256.LoadUnsafe(in source, index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadHalf(ref readonly Half source, nuint index)
    {
        // SAFETY: Half and ushort have the same size; the caller's bounds hold for both.
        ref ushort bits = ref Unsafe.As<Half, ushort>(ref Unsafe.AsRef(in source));
        Vector256<int> wide = Avx2.ConvertToVector256Int32(Vector128.LoadUnsafe(ref bits, index));
        Vector256<int> magnitude = (wide & Vector256.Create(0x7FFF)) << 13;
        Vector256<float> value = magnitude.AsSingle() * Vector256.Create(HalfBits.Rebias);
        return (value.AsInt32() | ((wide & Vector256.Create(0x8000)) << 16)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<float> value, ref float destination, nuint index) => value.StoreUnsafe(ref destination, index);

    public static Vector256<float> Add(Vector256<float> a, Vector256<float> b) => a + b;

    public static Vector256<float> Subtract(Vector256<float> a, Vector256<float> b) => a - b;

    public static Vector256<float> Multiply(Vector256<float> a, Vector256<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> c) => Fma.MultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Abs(Vector256<float> a) => Vector256.Abs(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Min(Vector256<float> a, Vector256<float> b) => Avx.Min(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Truncate(Vector256<float> a) =>
        Avx.ConvertToVector256Single(Avx.ConvertToVector256Int32WithTruncation(a));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector256<float> a) => Vector256.Sum(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Hadamard(Vector256<float> a)
    {
        // Each stage is swapped + sign * a: the lower lane of a pair gets the sum, the upper the difference.
        a = Fma.MultiplyAdd(a, Vector256.Create(1f, -1, 1, -1, 1, -1, 1, -1), Avx.Permute(a, 0b10_11_00_01));
        a = Fma.MultiplyAdd(a, Vector256.Create(1f, 1, -1, -1, 1, 1, -1, -1), Avx.Permute(a, 0b01_00_11_10));
        return Fma.MultiplyAdd(a, Vector256.Create(1f, 1, 1, 1, -1, -1, -1, -1), Avx.Permute2x128(a, a, 1));
    }
}

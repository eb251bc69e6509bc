using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace VectorEngine.Kernels;

/// <summary>16 floats in an AVX-512 register.</summary>
internal readonly struct Lanes512 : IFloatLanes<Vector512<float>>
{
    public static int Count => 16;

    public static Vector512<float> Broadcast(float value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(ref readonly float source, nuint index) => Vector512.LoadUnsafe(in source, index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadHalf(ref readonly Half source, nuint index)
    {
        // SAFETY: Half and ushort have the same size; the caller's bounds hold for both.
        ref ushort bits = ref Unsafe.As<Half, ushort>(ref Unsafe.AsRef(in source));
        Vector512<uint> wide = Avx512F.ConvertToVector512UInt32(Vector256.LoadUnsafe(ref bits, index));
        Vector512<uint> magnitude = (wide & Vector512.Create(0x7FFFu)) << 13;
        Vector512<float> value = magnitude.AsSingle() * Vector512.Create(HalfBits.Rebias);
        return (value.AsUInt32() | ((wide & Vector512.Create(0x8000u)) << 16)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> value, ref float destination, nuint index) => value.StoreUnsafe(ref destination, index);

    public static Vector512<float> Add(Vector512<float> a, Vector512<float> b) => a + b;

    public static Vector512<float> Subtract(Vector512<float> a, Vector512<float> b) => a - b;

    public static Vector512<float> Multiply(Vector512<float> a, Vector512<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) =>
        Avx512F.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Abs(Vector512<float> a) => (a.AsUInt32() & Vector512.Create(0x7FFF_FFFFu)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Min(Vector512<float> a, Vector512<float> b) => Avx512F.Min(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Truncate(Vector512<float> a) =>
        Avx512F.ConvertToVector512Single(Avx512F.ConvertToVector512Int32WithTruncation(a));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector512<float> a) => Vector256.Sum(a.GetLower() + a.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Hadamard(Vector512<float> a)
    {
        // Each stage is swapped + sign * a: the lower lane of a pair gets the sum, the upper the difference.
        // Spelled out: Vector512.Create of two halves is no constant, and building it took most of the 232 ns of a 512-point transform.
        Vector512<float> s1 = Vector512.Create(1f, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1);
        Vector512<float> s2 = Vector512.Create(1f, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1);
        Vector512<float> s4 = Vector512.Create(1f, 1, 1, 1, -1, -1, -1, -1, 1, 1, 1, 1, -1, -1, -1, -1);
        Vector512<float> s8 = Vector512.Create(1f, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1);
        a = Avx512F.FusedMultiplyAdd(a, s1, Avx512F.Permute4x32(a, 0b10_11_00_01));
        a = Avx512F.FusedMultiplyAdd(a, s2, Avx512F.Permute4x32(a, 0b01_00_11_10));
        a = Avx512F.FusedMultiplyAdd(a, s4, Avx512F.Shuffle4x128(a, a, 0b10_11_00_01));
        return Avx512F.FusedMultiplyAdd(a, s8, Avx512F.Shuffle4x128(a, a, 0b01_00_11_10));
    }
}

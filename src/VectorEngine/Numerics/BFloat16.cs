using System.Runtime.CompilerServices;

namespace VectorEngine.Numerics;

/// <summary>
/// The upper half of a float32: full range, 8 significant bits. Used for error factors, which are rounded up,
/// so that a stored bound is never narrower than the computed one.
/// </summary>
internal static class BFloat16
{
    /// <summary>The largest ratio of a value to its rounded-up form is at least 1 - 2^-7.</summary>
    public const float RelativeSlack = 1f / 128;

    /// <summary>The smallest bfloat16 that is not less than a non-negative, finite <paramref name="value"/>.</summary>
    public static ushort RoundUp(float value) => (ushort)((BitConverter.SingleToUInt32Bits(value) + 0xFFFF) >> 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ToSingle(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);
}

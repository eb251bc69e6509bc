using System.Runtime.Intrinsics;

namespace VectorEngine.Kernels;

/// <summary>
/// The two steps of the integer loops of <see cref="ByteKernels{B}"/> for which an instruction set may have something better.
/// </summary>
internal interface IByteLanes
{
    /// <summary>sums[i] plus the upper byte of values[i].</summary>
    static abstract Vector128<ushort> AddUpperBytes(Vector128<ushort> sums, Vector128<ushort> values);

    /// <summary>
    /// Adds to <paramref name="sums"/> the inner product of 64 codes, at most 7, with 64 signed bytes; which product goes to which of
    /// the four sums is left open.
    /// </summary>
    static abstract Vector128<int> AddProducts(
        Vector128<int> sums,
        (Vector128<sbyte> First, Vector128<sbyte> Second, Vector128<sbyte> Third, Vector128<sbyte> Fourth) codes,
        (Vector128<sbyte> First, Vector128<sbyte> Second, Vector128<sbyte> Third, Vector128<sbyte> Fourth) query);
}

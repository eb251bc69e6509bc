namespace VectorEngine.Kernels;

/// <summary>
/// The few float operations that the generic loops of <see cref="FloatKernels{L, V}"/> need of a register,
/// so that each loop is written once for every width.
/// </summary>
/// <typeparam name="V">The register.</typeparam>
internal interface IFloatLanes<V> where V : struct
{
    /// <summary>Floats per register; at most 16.</summary>
    static abstract int Count { get; }

    /// <summary>Every lane holds <paramref name="value"/>.</summary>
    static abstract V Broadcast(float value);

    /// <summary>Loads from an element onwards.</summary>
    static abstract V Load(ref readonly float source, nuint index);

    /// <summary>Loads float16 values and widens them; the values are finite.</summary>
    static abstract V LoadHalf(ref readonly Half source, nuint index);

    /// <summary>Stores to an element onwards.</summary>
    static abstract void Store(V value, ref float destination, nuint index);

    static abstract V Add(V a, V b);

    static abstract V Subtract(V a, V b);

    static abstract V Multiply(V a, V b);

    /// <summary>a b + c, rounded once where the hardware can.</summary>
    static abstract V MultiplyAdd(V a, V b, V c);

    static abstract V Abs(V a);

    static abstract V Min(V a, V b);

    /// <summary>Drops the fraction of a value between 0 and 2^31.</summary>
    static abstract V Truncate(V a);

    /// <summary>The sum of all lanes.</summary>
    static abstract float Sum(V a);

    /// <summary>The unnormalised Hadamard transform across the lanes, smallest stride first.</summary>
    static abstract V Hadamard(V a);
}

namespace VectorEngine.Kernels;

/// <summary>The instruction sets that have kernels.</summary>
internal enum InstructionSet
{
    Scalar,
    Vector128,
    Avx2,
    Avx512,
    Neon,
    Sve,
    Native,
}

/// <summary>Which instruction sets this machine has; dispatch, tests and benchmarks share this list.</summary>
internal static class InstructionSets
{
    /// <summary>The environment variable that forces a set by its name.</summary>
    public const string Variable = "VECTORENGINE_ISA";

    /// <summary>The sets that run here, best first.</summary>
    public static readonly IReadOnlyList<InstructionSet> Supported = Enumerate().ToArray();

    /// <summary>
    /// The best set, or the one that the environment forces. Public entry points call it too: thrown from there, the exception is not
    /// wrapped into the failure of a static field.
    /// </summary>
    /// <exception cref="PlatformNotSupportedException">The forced set is unknown or missing here.</exception>
    public static InstructionSet FromEnvironment() => Select(Environment.GetEnvironmentVariable(Variable));

    /// <summary>The best set, or the one forced by name.</summary>
    /// <exception cref="PlatformNotSupportedException">The forced set is unknown or missing here.</exception>
    public static InstructionSet Select(string? forced)
    {
        if (string.IsNullOrEmpty(forced))
            return Supported[0];
        foreach (InstructionSet set in Supported)
        {
            if (string.Equals(set.ToString(), forced, StringComparison.OrdinalIgnoreCase))
                return set;
        }

        string reason = string.Equals(nameof(InstructionSet.Native), forced, StringComparison.OrdinalIgnoreCase)
            ? $" {NativeFunctions.Unavailable}"
            : string.Empty;
        throw new PlatformNotSupportedException(
            $"{Variable} asks for '{forced}'; this machine has {string.Join(", ", Supported)}.{reason}");
    }

    private static IEnumerable<InstructionSet> Enumerate()
    {
        if (Avx512Kernels.IsSupported)
            yield return InstructionSet.Avx512;
        if (Avx2Kernels.IsSupported)
            yield return InstructionSet.Avx2;
        if (NeonKernels.IsSupported)
            yield return InstructionSet.Neon;
        if (SveKernels.IsSupported) // Behind NEON: of the same width, and better only at the tail of odd lengths, which codes do not have.
            yield return InstructionSet.Sve;
        if (Vector128Kernels.IsSupported)
            yield return InstructionSet.Vector128;
        yield return InstructionSet.Scalar;
        if (NativeKernels.IsSupported) // Last: its loops are scalar, and only forcing it selects it.
            yield return InstructionSet.Native;
    }
}

using System.Runtime.Intrinsics.Arm;

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
    public static readonly IReadOnlyList<InstructionSet> Supported = Enumerate();

    private static string? Forced => Environment.GetEnvironmentVariable(Variable);

    /// <summary>The best set, or the one that the environment forces.</summary>
    /// <exception cref="PlatformNotSupportedException">The forced set is unknown or missing here.</exception>
    public static InstructionSet FromEnvironment() => Select(Forced);

    /// <summary>
    /// What public entry points begin with: thrown from there, the exception is not wrapped into the failure of a static field. Without a
    /// forced set it does not ask which there are, which takes a new process a while.
    /// </summary>
    /// <exception cref="PlatformNotSupportedException">The forced set is unknown or missing here.</exception>
    public static void CheckEnvironment()
    {
        if (Forced is not null)
            _ = FromEnvironment();
    }

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

    private static List<InstructionSet> Enumerate()
    {
        var sets = new List<InstructionSet>();
        Add(InstructionSet.Avx512, Avx512Kernels.IsSupported);
        Add(InstructionSet.Avx2, Avx2Kernels.IsSupported);
        if (ArmBase.IsSupported) // elsewhere it takes time to find out what their types are
        {
            Add(InstructionSet.Neon, NeonKernels.IsSupported);
            // Behind NEON: of the same width, and better only at the tail of odd lengths, which codes do not have.
            Add(InstructionSet.Sve, SveKernels.IsSupported);
        }

        Add(InstructionSet.Vector128, Vector128Kernels.IsSupported);
        Add(InstructionSet.Scalar, true);
        // Last: its loops are scalar, and only forcing it selects it.
        Add(InstructionSet.Native, NativeKernels.IsSupported);
        return sets;

        void Add(InstructionSet set, bool isSupported)
        {
            if (isSupported)
                sets.Add(set);
        }
    }
}

namespace VectorEngine.Kernels;

/// <summary>A computation generic over the instruction set; its fields are its operands.</summary>
internal interface IKernelAction
{
    /// <summary>Runs with the kernels <typeparamref name="K"/>.</summary>
    void Run<K>() where K : struct, IKernels;
}

/// <summary>The only place where an instruction set is chosen: once per search or work item, around the loops.</summary>
internal static class KernelDispatch
{
    /// <summary>The set in use: the best that the machine has, or the one that VECTORENGINE_ISA names.</summary>
    public static readonly InstructionSet Selected = InstructionSets.FromEnvironment();

    /// <summary>Runs on the selected set.</summary>
    public static void Run<TAction>(ref TAction action)
        where TAction : struct, IKernelAction, allows ref struct => Run(Selected, ref action);

    /// <summary>Runs on a given set: for tests and benchmarks.</summary>
    public static void Run<TAction>(InstructionSet set, ref TAction action) where TAction : struct, IKernelAction, allows ref struct
    {
        switch (set) // Selected is a constant in tier-1 code: one case survives.
        {
            case InstructionSet.Avx512: action.Run<Avx512Kernels>(); break;
            case InstructionSet.Avx2: action.Run<Avx2Kernels>(); break;
            case InstructionSet.Neon: action.Run<NeonKernels>(); break;
            case InstructionSet.Sve: action.Run<SveKernels>(); break;
            case InstructionSet.Vector128: action.Run<Vector128Kernels>(); break;
            case InstructionSet.Native: action.Run<NativeKernels>(); break;
            default: action.Run<ScalarKernels>(); break;
        }
    }
}

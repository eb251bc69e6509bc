using BenchmarkDotNet.Attributes;
using VectorEngine.Kernels;

namespace VectorEngine.Benchmarks;

/// <summary>What the benchmarks of all kernels share: they run on every instruction set that the machine has.</summary>
public abstract class KernelBenchmarks
{
    /// <summary>The dimensions of common text embeddings.</summary>
    protected const int Dimensions = 768;

    public static IEnumerable<object> Sets => InstructionSets.Supported.Cast<object>();

    [ParamsSource(nameof(Sets))]
    public object Set { get; set; } = InstructionSet.Scalar;

    /// <summary>Runs an action on <see cref="Set"/>.</summary>
    private protected void Run<TAction>(ref TAction action) where TAction : struct, IKernelAction, allows ref struct =>
        KernelDispatch.Run((InstructionSet)Set, ref action);

    /// <summary>Values between -1 and 1.</summary>
    private protected static void Fill(Span<float> values)
    {
        var random = new Random(1);
        foreach (ref float value in values)
            value = (2 * random.NextSingle()) - 1;
    }
}

using BenchmarkDotNet.Attributes;
using VectorEngine.Kernels;
using VectorEngine.Numerics;

namespace VectorEngine.Benchmarks;

/// <summary>The pieces of rotating and encoding one vector.</summary>
public class TransformBenchmarks : KernelBenchmarks
{
    /// <summary>Repetitions per call, which make the dispatch around them negligible.</summary>
    private const int Times = 16;

    /// <summary>The Hadamard transform in the rotation of 768 dimensions covers the largest power of two.</summary>
    private const int Window = 512;
    private readonly AlignedBuffer<float> _x = new(Dimensions), _signs = new(Dimensions), _residual = new(Dimensions);

    [GlobalSetup]
    public void SetUp()
    {
        // _x stays zero: an unnormalised transform in place would otherwise reach infinity, and no kernel's time depends on the values.
        Fill(_signs.Span);
        foreach (ref float sign in _signs.Span)
            sign = MathF.Sign(sign);
        Fill(_residual.Span);
    }

    [Benchmark(Description = "Hadamard, 512", OperationsPerInvoke = Times)]
    public float Hadamard()
    {
        var action = new HadamardAction { X = _x.Span[..Window] };
        Run(ref action);
        return action.X[0];
    }

    [Benchmark(Description = "Multiply, 768", OperationsPerInvoke = Times)]
    public float Multiply()
    {
        var action = new MultiplyAction { X = _x.Span, Factors = _signs.Span };
        Run(ref action);
        return action.X[0];
    }

    [Benchmark(Description = "Butterfly, 384 + 384", OperationsPerInvoke = Times)]
    public float Butterfly()
    {
        var action = new ButterflyAction { X = _x.Span };
        Run(ref action);
        return action.X[0];
    }

    [Benchmark(Description = "ScoreScale, 768", OperationsPerInvoke = Times)]
    public float ScoreScale()
    {
        var action = new ScoreScaleAction { Residual = _residual.Span };
        Run(ref action);
        return action.Score;
    }

    private ref struct HadamardAction : IKernelAction
    {
        public Span<float> X;

        public readonly void Run<K>() where K : struct, IKernels
        {
            for (int i = 0; i < Times; i++)
                K.Hadamard(X);
        }
    }

    private ref struct MultiplyAction : IKernelAction
    {
        public Span<float> X;
        public ReadOnlySpan<float> Factors;

        public readonly void Run<K>() where K : struct, IKernels
        {
            for (int i = 0; i < Times; i++)
                K.Multiply(X, Factors);
        }
    }

    private ref struct ButterflyAction : IKernelAction
    {
        public Span<float> X;

        public readonly void Run<K>() where K : struct, IKernels
        {
            for (int i = 0; i < Times; i++)
                K.Butterfly(X[..(Dimensions / 2)], X[(Dimensions / 2)..]);
        }
    }

    private ref struct ScoreScaleAction : IKernelAction
    {
        public ReadOnlySpan<float> Residual;
        public float Score;

        public void Run<K>() where K : struct, IKernels
        {
            for (int i = 1; i <= Times; i++)
                Score += K.ScoreScale(Residual, i).Dot;
        }
    }
}

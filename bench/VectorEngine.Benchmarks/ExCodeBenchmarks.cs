using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using VectorEngine.Kernels;
using VectorEngine.Numerics;

namespace VectorEngine.Benchmarks;

/// <summary>The refinement of survivors: 298-byte records, of which the code is all but the 10 bytes of factors.</summary>
public class ExCodeBenchmarks : KernelBenchmarks
{
    private const int Postings = 256, FactorBytes = 10, CodeBytes = Dimensions * 3 / 8, RecordBytes = FactorBytes + CodeBytes;
    private readonly AlignedBuffer<byte> _records = new(Postings * RecordBytes);
    private readonly AlignedBuffer<sbyte> _query = new(Dimensions);

    [GlobalSetup]
    public void SetUp()
    {
        var random = new Random(1);
        random.NextBytes(_records.Span);
        random.NextBytes(MemoryMarshal.AsBytes(_query.Span));
    }

    [Benchmark(Description = "DotExCode, per posting: 76 KB in L2", OperationsPerInvoke = Postings)]
    public int DotExCode()
    {
        var action = new CodeAction { Records = _records.Span, Query = _query.Span };
        Run(ref action);
        return action.Sum;
    }

    private ref struct CodeAction : IKernelAction
    {
        public ReadOnlySpan<byte> Records;
        public ReadOnlySpan<sbyte> Query;
        public int Sum;

        public void Run<K>() where K : struct, IKernels
        {
            for (int record = 0; record < Postings; record++)
                Sum ^= K.DotExCode(Records.Slice((record * RecordBytes) + FactorBytes, CodeBytes), Dimensions, Query);
        }
    }
}

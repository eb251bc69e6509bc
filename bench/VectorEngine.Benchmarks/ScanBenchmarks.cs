using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using VectorEngine.Kernels;
using VectorEngine.Numerics;

namespace VectorEngine.Benchmarks;

/// <summary>The first pass over a posting list. A block is 3,072 bytes of sign codes, 320 of factors and 128 of ordinals.</summary>
public class ScanBenchmarks : KernelBenchmarks
{
    private const int Postings = 256, ManyPostings = 80_000 * 32;
    private const int CodeBytes = 4 * Dimensions, BlockBytes = CodeBytes + 320 + 128;
    private readonly AlignedBuffer<byte> _table = new(CodeBytes);
    private AlignedBuffer<byte> _blocks = new(0);
    private AlignedBuffer<int> _sums = new(0);

    [GlobalSetup(Targets = [nameof(FastScanInCache), nameof(SelectBelow)])]
    public void SetUp() => SetUp(Postings);

    [GlobalSetup(Target = nameof(FastScanFromMemory))]
    public void SetUpMany() => SetUp(ManyPostings);

    [GlobalCleanup]
    public void CleanUp()
    {
        _blocks = new AlignedBuffer<byte>(0);
        _sums = new AlignedBuffer<int>(0);
    }

    [Benchmark(Description = "FastScan, per posting: 256 postings in L1", OperationsPerInvoke = Postings)]
    public int FastScanInCache() => FastScan();

    [Benchmark(Description = "FastScan, per posting: 282 MB from memory", OperationsPerInvoke = ManyPostings)]
    public int FastScanFromMemory() => FastScan();

    [Benchmark(Description = "SelectBelow, per posting", OperationsPerInvoke = Postings)]
    public uint SelectBelow()
    {
        var action = new SelectAction { Blocks = _blocks.Span, Sums = _sums.Span };
        Run(ref action);
        return action.Selected;
    }

    private int FastScan()
    {
        var action = new ScanAction { Blocks = _blocks.Span, Table = _table.Span, Sums = _sums.Span };
        Run(ref action);
        return action.Sums[0];
    }

    private void SetUp(int postings)
    {
        _blocks = new AlignedBuffer<byte>(postings / 32 * BlockBytes);
        _sums = new AlignedBuffer<int>(postings);
        var random = new Random(1);
        random.NextBytes(_blocks.Span);
        for (int block = 0; block < postings / 32; block++)
            Fill(MemoryMarshal.Cast<byte, float>(_blocks.Span.Slice((block * BlockBytes) + CodeBytes, 320)));
        foreach (ref byte entry in _table.Span)
            entry = (byte)random.Next(128);
    }

    private ref struct ScanAction : IKernelAction
    {
        public ReadOnlySpan<byte> Blocks, Table;
        public Span<int> Sums;

        public readonly void Run<K>() where K : struct, IKernels => K.FastScan(Blocks, BlockBytes, Table, Sums);
    }

    private ref struct SelectAction : IKernelAction
    {
        public ReadOnlySpan<byte> Blocks;
        public ReadOnlySpan<int> Sums;
        public uint Selected;

        public void Run<K>() where K : struct, IKernels
        {
            var constants = new BoundConstants(Base: 1, Step: 0.01f, Bias: -1, Error: 2);
            for (int block = 0; block < Postings / 32; block++)
                Selected ^= K.SelectBelow(Sums.Slice(32 * block, 32), Blocks.Slice((block * BlockBytes) + CodeBytes, 320), constants, 0.5f);
        }
    }
}

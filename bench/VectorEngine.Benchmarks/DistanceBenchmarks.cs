using BenchmarkDotNet.Attributes;
using VectorEngine.Kernels;
using VectorEngine.Numerics;

namespace VectorEngine.Benchmarks;

/// <summary>One vector against many, and tiles of a matrix product; all from L2.</summary>
public class DistanceBenchmarks : KernelBenchmarks
{
    /// <summary>Columns of all panels together: a multiple of every set's tile.</summary>
    private const int Columns = 144;
    private const int Rows = 64;
    private readonly AlignedBuffer<float> _x = new(4 * Dimensions), _rows = new(Columns * Dimensions), _results = new(4 * Columns);
    private readonly AlignedBuffer<Half> _halves = new(Rows * Dimensions);

    [GlobalSetup]
    public void SetUp()
    {
        Fill(_x.Span);
        Fill(_rows.Span);
        for (int i = 0; i < _halves.Length; i++)
            _halves.Span[i] = (Half)_rows.Span[i];
    }

    [Benchmark(Description = "DotRows, per row", OperationsPerInvoke = Rows)]
    public float DotRows()
    {
        var action = new RowsAction
        {
            X = _x.Span[..Dimensions],
            Rows = _rows.Span[..(Rows * Dimensions)],
            Results = _results.Span[..Rows],
        };
        Run(ref action);
        return action.Results[0];
    }

    [Benchmark(Description = "SquaredL2Rows, per row", OperationsPerInvoke = Rows)]
    public float SquaredL2Rows()
    {
        var action = new SquaredL2RowsAction
        {
            X = _x.Span[..Dimensions],
            Rows = _rows.Span[..(Rows * Dimensions)],
            Results = _results.Span[..Rows],
        };
        Run(ref action);
        return action.Results[0];
    }

    [Benchmark(Description = "Dot with float16, per row", OperationsPerInvoke = Rows)]
    public float DotHalf()
    {
        var action = new HalvesAction { X = _x.Span[..Dimensions], Rows = _halves.Span };
        Run(ref action);
        return action.Dots;
    }

    [Benchmark(Description = "SquaredL2 with float16, per row", OperationsPerInvoke = Rows)]
    public float SquaredL2Half()
    {
        var action = new SquaredL2HalvesAction { X = _x.Span[..Dimensions], Rows = _halves.Span };
        Run(ref action);
        return action.Sum;
    }

    [Benchmark(Description = "DotTile, per inner product", OperationsPerInvoke = 4 * Columns)]
    public float DotTile()
    {
        var action = new TileAction { Rows = _x.Span, Panels = _rows.Span, Results = _results.Span };
        Run(ref action);
        return action.Results[0];
    }

    private ref struct RowsAction : IKernelAction
    {
        public ReadOnlySpan<float> X, Rows;
        public Span<float> Results;

        public readonly void Run<K>() where K : struct, IKernels => K.DotRows(X, Rows, Results);
    }

    private ref struct SquaredL2RowsAction : IKernelAction
    {
        public ReadOnlySpan<float> X, Rows;
        public Span<float> Results;

        public readonly void Run<K>() where K : struct, IKernels => K.SquaredL2Rows(X, Rows, Results);
    }

    private ref struct HalvesAction : IKernelAction
    {
        public ReadOnlySpan<float> X;
        public ReadOnlySpan<Half> Rows;
        public float Dots;

        public void Run<K>() where K : struct, IKernels
        {
            for (int row = 0; row < DistanceBenchmarks.Rows; row++)
                Dots += K.Dot(X, Rows.Slice(row * Dimensions, Dimensions));
        }
    }

    private ref struct SquaredL2HalvesAction : IKernelAction
    {
        public ReadOnlySpan<float> X;
        public ReadOnlySpan<Half> Rows;
        public float Sum;

        public void Run<K>() where K : struct, IKernels
        {
            for (int row = 0; row < DistanceBenchmarks.Rows; row++)
                Sum += K.SquaredL2(X, Rows.Slice(row * Dimensions, Dimensions));
        }
    }

    private ref struct TileAction : IKernelAction
    {
        public ReadOnlySpan<float> Rows, Panels;
        public Span<float> Results;

        public readonly void Run<K>() where K : struct, IKernels
        {
            for (int column = 0; column < Columns; column += K.TileColumns)
                K.DotTile(
                    Rows, Panels.Slice(column * Dimensions, K.TileColumns * Dimensions), Results.Slice(4 * column, 4 * K.TileColumns));
        }
    }
}

using VectorEngine.Kernels;

namespace VectorEngine.Tests.Kernels;

internal ref struct DotAction : IKernelAction
{
    public ReadOnlySpan<float> X, Y;
    public float Dot, SquaredL2;

    public void Run<K>() where K : struct, IKernels => (Dot, SquaredL2) = (K.Dot(X, Y), K.SquaredL2(X, Y));
}

internal ref struct DotHalfAction : IKernelAction
{
    public ReadOnlySpan<float> X;
    public ReadOnlySpan<Half> Y;
    public float Dot, SquaredL2;

    public void Run<K>() where K : struct, IKernels => (Dot, SquaredL2) = (K.Dot(X, Y), K.SquaredL2(X, Y));
}

internal ref struct RowsAction : IKernelAction
{
    public ReadOnlySpan<float> X, Rows;
    public Span<float> Dots, SquaredL2s;

    public readonly void Run<K>() where K : struct, IKernels
    {
        K.DotRows(X, Rows, Dots);
        K.SquaredL2Rows(X, Rows, SquaredL2s);
    }
}

internal struct TileColumnsAction : IKernelAction
{
    public int Columns;

    public void Run<K>() where K : struct, IKernels => Columns = K.TileColumns;
}

internal ref struct TileAction : IKernelAction
{
    public ReadOnlySpan<float> Rows, Panel;
    public Span<float> Results;

    public readonly void Run<K>() where K : struct, IKernels => K.DotTile(Rows, Panel, Results);
}

internal ref struct HadamardAction : IKernelAction
{
    public Span<float> X;

    public readonly void Run<K>() where K : struct, IKernels => K.Hadamard(X);
}

internal ref struct MultiplyAction : IKernelAction
{
    public Span<float> X;
    public ReadOnlySpan<float> Factors;

    public readonly void Run<K>() where K : struct, IKernels => K.Multiply(X, Factors);
}

internal ref struct ButterflyAction : IKernelAction
{
    public Span<float> X, Y;

    public readonly void Run<K>() where K : struct, IKernels => K.Butterfly(X, Y);
}

internal ref struct ScoreScaleAction : IKernelAction
{
    public ReadOnlySpan<float> Residual;
    public float Scale;
    public float Dot, SquaredNorm;

    public void Run<K>() where K : struct, IKernels => (Dot, SquaredNorm) = K.ScoreScale(Residual, Scale);
}

internal ref struct FastScanAction : IKernelAction
{
    public ReadOnlySpan<byte> Blocks, Table;
    public int BlockStride;
    public Span<int> Sums;

    public readonly void Run<K>() where K : struct, IKernels => K.FastScan(Blocks, BlockStride, Table, Sums);
}

internal ref struct SelectBelowAction : IKernelAction
{
    public ReadOnlySpan<int> Sums;
    public ReadOnlySpan<byte> Factors;
    public BoundConstants Constants;
    public float Threshold;
    public uint Selected;

    public void Run<K>() where K : struct, IKernels => Selected = K.SelectBelow(Sums, Factors, Constants, Threshold);
}

internal ref struct SelectAllowedAction : IKernelAction
{
    public ReadOnlySpan<byte> Ordinals;
    public ReadOnlySpan<uint> Set;
    public int First;
    public uint Selected;

    public void Run<K>() where K : struct, IKernels => Selected = K.SelectAllowed(Ordinals, Set, First);
}

internal ref struct DotExCodeAction : IKernelAction
{
    public ReadOnlySpan<byte> Code;
    public int Dimensions;
    public ReadOnlySpan<sbyte> Query;
    public int Dot;

    public void Run<K>() where K : struct, IKernels => Dot = K.DotExCode(Code, Dimensions, Query);
}

/// <summary>Tells which kernels the dispatch picked.</summary>
internal struct NameAction : IKernelAction
{
    public string Name;

    public void Run<K>() where K : struct, IKernels => Name = typeof(K).Name;
}

using System.Numerics;
using System.Runtime.InteropServices;

namespace QuickStart.Embedding;

/// <summary>A row-major matrix of floats.</summary>
internal sealed class DenseMatrix(int rowCount, int columnCount)
{
    public int RowCount => rowCount;

    public int ColumnCount => columnCount;

    /// <summary>All values, row after row.</summary>
    public float[] Values { get; } = new float[checked(rowCount * columnCount)];

    public Span<float> Row(int row) => Values.AsSpan(row * columnCount, columnCount);

    /// <summary>This matrix times another one.</summary>
    public DenseMatrix Multiply(DenseMatrix other)
    {
        var product = new DenseMatrix(rowCount, other.ColumnCount);
        Parallel.For(0, rowCount, row =>
        {
            ReadOnlySpan<float> factors = Row(row);
            for (int i = 0; i < factors.Length; i++) AddScaled(other.Row(i), factors[i], product.Row(row));
        });
        return product;
    }

    /// <summary>This matrix, transposed, times another one: the inner products of their columns.</summary>
    public DenseMatrix TransposeMultiply(DenseMatrix other)
    {
        var product = new DenseMatrix(columnCount, other.ColumnCount);
        Parallel.For(0, columnCount, column =>
        {
            for (int row = 0; row < rowCount; row++) AddScaled(other.Row(row), Row(row)[column], product.Row(column));
        });
        return product;
    }

    /// <summary>Adds <paramref name="x"/> * <paramref name="factor"/> to <paramref name="sum"/>: where training spends its time.</summary>
    public static void AddScaled(ReadOnlySpan<float> x, float factor, Span<float> sum)
    {
        ReadOnlySpan<Vector<float>> xVectors = MemoryMarshal.Cast<float, Vector<float>>(x);
        Span<Vector<float>> sumVectors = MemoryMarshal.Cast<float, Vector<float>>(sum);
        for (int i = 0; i < sumVectors.Length; i++) sumVectors[i] += xVectors[i] * factor;
        for (int i = sumVectors.Length * Vector<float>.Count; i < sum.Length; i++) sum[i] += x[i] * factor;
    }
}

namespace QuickStart.Embedding;

/// <summary>A matrix that stores its nonzero values only, row after row (compressed sparse rows).</summary>
/// <param name="rowStarts">Where each row's values start, and after the last row their number.</param>
/// <param name="columns">The column of each value.</param>
/// <param name="values">The values.</param>
/// <param name="columnCount">Number of columns.</param>
internal sealed class SparseMatrix(int[] rowStarts, int[] columns, float[] values, int columnCount)
{
    public int RowCount => rowStarts.Length - 1;

    public int ColumnCount => columnCount;

    /// <summary>This matrix times a dense one.</summary>
    public DenseMatrix Multiply(DenseMatrix dense)
    {
        var product = new DenseMatrix(RowCount, dense.ColumnCount);
        Parallel.For(0, RowCount, row =>
        {
            for (int i = rowStarts[row]; i < rowStarts[row + 1]; i++)
                DenseMatrix.AddScaled(dense.Row(columns[i]), values[i], product.Row(row));
        });
        return product;
    }

    /// <summary>Rows become columns: a counting sort of the values by column.</summary>
    public SparseMatrix Transpose()
    {
        var starts = new int[columnCount + 1];
        foreach (int column in columns) starts[column + 1]++;
        for (int column = 0; column < columnCount; column++) starts[column + 1] += starts[column];

        int[] next = starts[..^1];
        var transposedColumns = new int[columns.Length];
        var transposedValues = new float[values.Length];
        for (int row = 0; row < RowCount; row++)
        {
            for (int i = rowStarts[row]; i < rowStarts[row + 1]; i++)
            {
                int position = next[columns[i]]++;
                transposedColumns[position] = row;
                transposedValues[position] = values[i];
            }
        }
        return new SparseMatrix(starts, transposedColumns, transposedValues, RowCount);
    }
}

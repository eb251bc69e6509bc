namespace QuickStart.Embedding;

/// <summary>The strongest right singular vectors of a large sparse matrix, by randomized subspace iteration.</summary>
/// <remarks>
/// N. Halko, P. G. Martinsson, J. A. Tropp, "Finding structure with randomness", SIAM Review 53 (2011), algorithm 4.4, on X^T X:
/// start from random columns Q, and a few times replace Q by the orthonormalized Y = X^T (X Q). Each round multiplies the part of Q along
/// a singular vector by the square of its singular value, so the strongest remain. Y is orthonormalized through its Gram matrix
/// Y^T Y = W D W^T as Y W D^(-1/2), which also sorts the columns: the last rounds leave the singular vectors themselves.
/// </remarks>
internal static class SingularVectors
{
    private const int Rounds = 3;
    private const int Oversampling = 32;

    /// <summary>Computes orthonormal columns that span what <paramref name="count"/> dimensions can keep of the rows of X.</summary>
    public static DenseMatrix Compute(SparseMatrix x, int count, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        SparseMatrix transposed = x.Transpose();
        DenseMatrix basis = RandomSigns(x.ColumnCount, Math.Min(x.ColumnCount, count + Oversampling));
        for (int round = 0; round < Rounds; round++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            DenseMatrix product = transposed.Multiply(x.Multiply(basis));
            int columnCount = round == Rounds - 1 ? Math.Min(count, basis.ColumnCount) : basis.ColumnCount;
            basis = product.Multiply(Orthonormalizer(product, columnCount));
            progress?.Report((round + 1.0) / Rounds);
        }
        return basis;
    }

    /// <summary>A matrix of +1 and -1, the same in every run.</summary>
    public static DenseMatrix RandomSigns(int rowCount, int columnCount)
    {
        var random = new Random(2011);
        var matrix = new DenseMatrix(rowCount, columnCount);
        foreach (ref float value in matrix.Values.AsSpan()) value = random.Next(2) * 2 - 1;
        return matrix;
    }

    /// <summary>The first columns of W D^(-1/2).</summary>
    private static DenseMatrix Orthonormalizer(DenseMatrix product, int columnCount)
    {
        List<(double[] Vector, double Value)> eigen = JacobiEigen.Decompose(product.TransposeMultiply(product));
        var result = new DenseMatrix(product.ColumnCount, columnCount);
        for (int column = 0; column < columnCount; column++)
        {
            // A direction that is rounding noise only is left out: its column stays zero.
            if (eigen[column].Value <= 1e-12 * eigen[0].Value) break;
            for (int row = 0; row < result.RowCount; row++)
                result.Row(row)[column] = (float)(eigen[column].Vector[row] / Math.Sqrt(eigen[column].Value));
        }
        return result;
    }
}

using System.Numerics;
using System.Runtime.InteropServices;

namespace QuickStart.Embedding;

/// <summary>Eigenvectors of a small symmetric matrix without negative eigenvalues, by one-sided Jacobi rotations.</summary>
/// <remarks>
/// Pairs of rows are rotated until all rows are orthogonal (Hestenes, 1958). What has become of A then is J A with J orthogonal, and
/// its rows are the eigenvectors of (J A)^T (J A) = A^2, so those of A, each as long as its eigenvalue. Only whole rows are touched,
/// which suits the cache and SIMD. Double precision, because the eigenvalues span six orders of magnitude.
/// </remarks>
internal static class JacobiEigen
{
    // Rotations converge quadratically at the end: ten sweeps are typical, and a cosine of 1e-8 between rows is far below float32 noise.
    private const int MaxSweeps = 30;
    private const double Tolerance = 1e-8;

    /// <summary>The eigenvectors and eigenvalues, the largest first.</summary>
    public static List<(double[] Vector, double Value)> Decompose(DenseMatrix symmetric)
    {
        double[][] rows = [.. Enumerable.Range(0, symmetric.RowCount)
            .Select(row => Array.ConvertAll(symmetric.Row(row).ToArray(), x => (double)x))];
        bool rotated = true;
        for (int sweep = 0; rotated && sweep < MaxSweeps; sweep++)
        {
            rotated = false;
            for (int i = 0; i < rows.Length; i++)
                for (int j = i + 1; j < rows.Length; j++) rotated |= Orthogonalize(rows[i], rows[j]);
        }
        return [.. rows.Select(row => (Row: row, Length: Math.Sqrt(Dot(row, row))))
            .OrderByDescending(pair => pair.Length)
            .Select(pair => (pair.Length > 0 ? Array.ConvertAll(pair.Row, x => x / pair.Length) : pair.Row, pair.Length))];
    }

    /// <summary>Rotates two vectors in their plane until they are orthogonal; false if they were already.</summary>
    private static bool Orthogonalize(Span<double> x, Span<double> y)
    {
        double xx = Dot(x, x), yy = Dot(y, y), xy = Dot(x, y);
        if (Math.Abs(xy) <= Tolerance * Math.Sqrt(xx * yy)) return false;

        // The smaller of the two angles that do it: t = tan, from t^2 + 2 t cot(2 angle) - 1 = 0.
        double cot = (yy - xx) / (2 * xy);
        double t = (cot >= 0 ? 1 : -1) / (Math.Abs(cot) + Math.Sqrt(1 + cot * cot));
        double cos = 1 / Math.Sqrt(1 + t * t), sin = cos * t;

        Span<Vector<double>> xVectors = MemoryMarshal.Cast<double, Vector<double>>(x);
        Span<Vector<double>> yVectors = MemoryMarshal.Cast<double, Vector<double>>(y);
        for (int i = 0; i < xVectors.Length; i++)
            (xVectors[i], yVectors[i]) = (xVectors[i] * cos - yVectors[i] * sin, xVectors[i] * sin + yVectors[i] * cos);
        for (int i = xVectors.Length * Vector<double>.Count; i < x.Length; i++)
            (x[i], y[i]) = (x[i] * cos - y[i] * sin, x[i] * sin + y[i] * cos);
        return true;
    }

    private static double Dot(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        ReadOnlySpan<Vector<double>> xVectors = MemoryMarshal.Cast<double, Vector<double>>(x);
        ReadOnlySpan<Vector<double>> yVectors = MemoryMarshal.Cast<double, Vector<double>>(y);
        Vector<double> sums = default;
        for (int i = 0; i < xVectors.Length; i++) sums += xVectors[i] * yVectors[i];
        double sum = Vector.Sum(sums);
        for (int i = xVectors.Length * Vector<double>.Count; i < x.Length; i++) sum += x[i] * y[i];
        return sum;
    }
}

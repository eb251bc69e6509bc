namespace VectorEngine.Quantization;

/// <summary>The bound that never fails.</summary>
/// <remarks>
/// r: residual; y: query minus centroid; P = f &lt;x, y&gt; the estimate of &lt;r, y&gt;; e = |r - f x|; Y = |y|. The missed part r - f x
/// is orthogonal to r, so &lt;r, y&gt; - P is its inner product with the part of y orthogonal to r:
/// (g - P)^2 &lt;= e^2 (Y^2 - g^2 / |r|^2) with g = &lt;r, y&gt;. Solved for g:
/// (P |r|^2 ± e |r| sqrt(Y^2 R^2 - P^2)) / R^2, R^2 = |r|^2 + e^2,
/// which is |r| Y cos(angle(x, y) ∓ angle(r, x)). The admitted g only grow with e and |r|, so both are rounded up.
/// </remarks>
internal static class HardBound
{
    /// <summary>The range of &lt;r, y&gt;.</summary>
    /// <param name="lowest">The least that P can be.</param>
    /// <param name="highest">The most that P can be.</param>
    /// <param name="residual">|r|, rounded up.</param>
    /// <param name="error">e, rounded up.</param>
    /// <param name="query">Y.</param>
    public static (double Low, double High) Range(double lowest, double highest, double residual, double error, double query)
    {
        double largest = residual * query;
        return (-Upper(-highest, -lowest, residual, error, query, largest), Upper(lowest, highest, residual, error, query, largest));
    }

    private static double Upper(double lowest, double highest, double residual, double error, double query, double largest)
    {
        // As a function of P the upper end rises to |r| Y at P = |r| Y and falls beyond.
        if (lowest <= largest && largest <= highest)
            return largest;
        double radius = (residual * residual) + (error * error);
        return radius == 0 ? 0 : Math.Min(largest, Math.Max(At(lowest), At(highest)));

        double At(double estimate) =>
            residual
            * ((estimate * residual) + (error * Math.Sqrt(Math.Max(0, (query * query * radius) - (estimate * estimate)))))
            / radius;
    }
}

namespace VectorEngine.ColdBench;

/// <summary>The median of some values, and what 95 % of them do not exceed.</summary>
internal readonly record struct Spread(double P50, double P95)
{
    public static Spread Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return new(At(0.5), At(0.95));

        double At(double share) => sorted[(int)Math.Ceiling(share * sorted.Length) - 1];
    }

    public Spread Scale(double factor) => new(factor * P50, factor * P95);

    public string Show(string format) => $"{P50.ToString(format)} ({P95.ToString(format)})";
}

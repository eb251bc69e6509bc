using System.Numerics;
using System.Runtime.InteropServices;

namespace VectorEngine.Tests.TestData;

/// <summary>What the engine must compute, written plainly and in float64.</summary>
internal static class Reference
{
    public static double Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        Vector<double> sum = Vector<double>.Zero;
        int i = 0;
        for (; i + Vector<float>.Count <= x.Length; i += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(x[i..]), out Vector<double> x0, out Vector<double> x1);
            Vector.Widen(new Vector<float>(y[i..]), out Vector<double> y0, out Vector<double> y1);
            sum += (x0 * y0) + (x1 * y1);
        }

        double total = Vector.Sum(sum);
        for (; i < x.Length; i++)
            total += (double)x[i] * y[i];
        return total;
    }

    public static double SquaredL2(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        Vector<double> sum = Vector<double>.Zero;
        int i = 0;
        for (; i + Vector<float>.Count <= x.Length; i += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(x[i..]), out Vector<double> x0, out Vector<double> x1);
            Vector.Widen(new Vector<float>(y[i..]), out Vector<double> y0, out Vector<double> y1);
            sum += ((x0 - y0) * (x0 - y0)) + ((x1 - y1) * (x1 - y1));
        }

        double total = Vector.Sum(sum);
        for (; i < x.Length; i++)
            total += ((double)x[i] - y[i]) * ((double)x[i] - y[i]);
        return total;
    }

    /// <summary>The distance that the metric defines.</summary>
    public static double Distance(Metric metric, ReadOnlySpan<float> query, ReadOnlySpan<float> vector) => metric switch
    {
        Metric.SquaredL2 => SquaredL2(query, vector),
        Metric.InnerProduct => -Dot(query, vector),
        _ => 1 - (Dot(query, vector) / Math.Sqrt(Dot(query, query) * Dot(vector, vector))),
    };

    /// <summary>
    /// The k nearest of all vectors, ties by ordinal, with the distances that the engine's own float32 kernels give: what an exact search
    /// has to return to the last bit.
    /// </summary>
    public static (long Ordinal, float Distance)[] Nearest(
        VectorMatrix vectors, Metric metric, ReadOnlySpan<float> query, int k, bool half = false)
    {
        float[] loaded = query.ToArray();
        if (metric == Metric.Cosine)
            Engine.Normalise(loaded);
        var all = new (long Ordinal, float Distance)[vectors.Count];
        for (int row = 0; row < all.Length; row++)
        {
            ReadOnlySpan<byte> stored = half
                ? MemoryMarshal.AsBytes<Half>(Array.ConvertAll(vectors[row].ToArray(), value => (Half)value))
                : MemoryMarshal.AsBytes(vectors[row]);
            all[row] = (row, Engine.ExactDistance(metric, half ? StoredVectors.Float16 : StoredVectors.Float32, loaded, stored));
        }

        return [.. all.OrderBy(hit => hit.Distance).ThenBy(hit => hit.Ordinal).Take(k)];
    }

    /// <summary>The two-sided tail of the normal distribution beyond <paramref name="deviations"/>, by Simpson's rule.</summary>
    public static double NormalTail(double deviations)
    {
        const int Steps = 2000;
        double width = 8 / (double)Steps, sum = 0;
        for (int i = 0; i <= Steps; i++)
        {
            double x = deviations + (i * width);
            sum += (i is 0 or Steps ? 1 : i % 2 == 1 ? 4 : 2) * Math.Exp(-x * x / 2);
        }

        return 2 * sum * width / 3 / Math.Sqrt(2 * Math.PI);
    }
}

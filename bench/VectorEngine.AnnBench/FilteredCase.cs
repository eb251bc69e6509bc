using System.Numerics;
using System.Runtime.InteropServices;

namespace VectorEngine.AnnBench;

/// <summary>A filter, and the true neighbours of every query among the rows that it selects.</summary>
/// <param name="Share">The share of the rows that it selects; 1 without a filter.</param>
/// <param name="Rows">The rows; null without a filter.</param>
/// <param name="Truth">For each query, nearest first.</param>
internal sealed record FilteredCase(double Share, RowSet? Rows, int[][] Truth)
{
    /// <summary>Rows drawn at random.</summary>
    public static FilteredCase Independent(VectorMatrix vectors, VectorMatrix queries, Metric metric, int k, double share)
    {
        var random = new Random(1);
        float[] values = new float[vectors.Count];
        foreach (ref float value in values.AsSpan())
            value = random.NextSingle();
        return Below(vectors, queries, metric, k, share, values);
    }

    /// <summary>The rows with the least component along the first principal direction: whole clusters, far from most queries.</summary>
    public static FilteredCase Aligned(VectorMatrix vectors, VectorMatrix queries, Metric metric, int k, double share)
    {
        float[] direction = PrincipalDirection(vectors);
        float[] values = new float[vectors.Count];
        Parallel.For(0, values.Length, row => values[row] = Dot(vectors[row], direction));
        return Below(vectors, queries, metric, k, share, values);
    }

    private static FilteredCase Below(VectorMatrix vectors, VectorMatrix queries, Metric metric, int k, double share, float[] values)
    {
        float limit = values.Order().ElementAt(Math.Min(values.Length - 1, (int)(share * values.Length)));
        bool[] selected = Array.ConvertAll(values, value => value < limit);
        int[][] truth = new int[queries.Count][];
        Parallel.For(0, truth.Length, query => truth[query] = Nearest(vectors, queries[query], metric, k, selected));
        return new FilteredCase(share, RowSet.FromBooleans(selected), truth);
    }

    private static int[] Nearest(VectorMatrix vectors, ReadOnlySpan<float> query, Metric metric, int k, bool[] selected)
    {
        var nearest = new PriorityQueue<int, float>();
        for (int row = 0; row < selected.Length; row++)
        {
            if (!selected[row])
                continue;
            ReadOnlySpan<float> vector = vectors[row];
            float distance = metric switch
            {
                Metric.InnerProduct => -Dot(query, vector),
                Metric.Cosine => -Dot(query, vector) / MathF.Sqrt(Dot(vector, vector)),
                _ => SquaredL2(query, vector),
            };
            if (nearest.Count < k)
                nearest.Enqueue(row, -distance);
            else
                nearest.EnqueueDequeue(row, -distance);
        }

        int[] rows = new int[nearest.Count];
        for (int i = rows.Length - 1; i >= 0; i--)
            rows[i] = nearest.Dequeue();
        return rows;
    }

    /// <summary>Power iteration on up to 10,000 rows.</summary>
    private static float[] PrincipalDirection(VectorMatrix vectors)
    {
        int dimensions = vectors.Dimensions, step = Math.Max(1, vectors.Count / 10_000);
        int[] sample = [.. Enumerable.Range(0, vectors.Count / step).Select(i => i * step)];
        float[] mean = new float[dimensions], direction = new float[dimensions];
        foreach (int row in sample)
            Add(mean, vectors[row], 1f / sample.Length);
        direction[0] = 1;
        for (int round = 0; round < 30; round++)
        {
            float[] next = new float[dimensions];
            float centre = Dot(mean, direction);
            foreach (int row in sample)
                Add(next, vectors[row], Dot(vectors[row], direction) - centre);
            float length = MathF.Sqrt(Dot(next, next));
            direction = Array.ConvertAll(next, value => value / length);
        }

        return direction;
    }

    private static void Add(float[] sum, ReadOnlySpan<float> vector, float factor)
    {
        for (int i = 0; i < sum.Length; i++)
            sum[i] += factor * vector[i];
    }

    private static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        ReadOnlySpan<Vector<float>> wideX = MemoryMarshal.Cast<float, Vector<float>>(x);
        ReadOnlySpan<Vector<float>> wideY = MemoryMarshal.Cast<float, Vector<float>>(y);
        Vector<float> sum = Vector<float>.Zero;
        for (int i = 0; i < wideX.Length; i++)
            sum += wideX[i] * wideY[i];
        float total = Vector.Sum(sum);
        for (int i = wideX.Length * Vector<float>.Count; i < x.Length; i++)
            total += x[i] * y[i];
        return total;
    }

    private static float SquaredL2(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        ReadOnlySpan<Vector<float>> wideX = MemoryMarshal.Cast<float, Vector<float>>(x);
        ReadOnlySpan<Vector<float>> wideY = MemoryMarshal.Cast<float, Vector<float>>(y);
        Vector<float> sum = Vector<float>.Zero;
        for (int i = 0; i < wideX.Length; i++)
            sum += (wideX[i] - wideY[i]) * (wideX[i] - wideY[i]);
        float total = Vector.Sum(sum);
        for (int i = wideX.Length * Vector<float>.Count; i < x.Length; i++)
            total += (x[i] - y[i]) * (x[i] - y[i]);
        return total;
    }
}

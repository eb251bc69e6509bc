namespace VectorEngine.Clustering;

/// <summary>
/// Orders centroids so that neighbours in space are near each other in the file, where one ranged read then covers several of a query's
/// lists: recursive bisection at the median along the direction between two far centroids.
/// </summary>
internal static class ClusterOrder
{
    /// <summary>Returns the centroids, row-major, in the new order.</summary>
    public static float[] Sort(ReadOnlySpan<float> centroids, int dimensions)
    {
        int count = centroids.Length / dimensions;
        int[] order = new int[count];
        for (int i = 0; i < count; i++)
            order[i] = i;
        float[] projections = new float[count];
        Bisect(centroids, dimensions, order, projections);
        float[] sorted = new float[centroids.Length];
        for (int i = 0; i < count; i++)
            centroids.Slice(order[i] * dimensions, dimensions).CopyTo(sorted.AsSpan(i * dimensions));
        return sorted;
    }

    private static void Bisect(ReadOnlySpan<float> centroids, int dimensions, Span<int> order, Span<float> projections)
    {
        if (order.Length <= 2)
            return;
        int farthest = Farthest(centroids, dimensions, order, order[0]);
        ReadOnlySpan<float> from = Row(centroids, dimensions, farthest);
        ReadOnlySpan<float> to = Row(centroids, dimensions, Farthest(centroids, dimensions, order, farthest));
        for (int i = 0; i < order.Length; i++)
        {
            ReadOnlySpan<float> row = Row(centroids, dimensions, order[i]);
            double projection = 0;
            for (int d = 0; d < dimensions; d++)
                projection += (double)row[d] * (to[d] - from[d]);
            projections[i] = (float)projection;
        }

        projections.Sort(order);
        int half = order.Length / 2;
        Bisect(centroids, dimensions, order[..half], projections[..half]);
        Bisect(centroids, dimensions, order[half..], projections[half..]);
    }

    private static int Farthest(ReadOnlySpan<float> centroids, int dimensions, ReadOnlySpan<int> order, int origin)
    {
        int farthest = origin;
        double largest = -1;
        foreach (int candidate in order)
        {
            double distance = 0;
            ReadOnlySpan<float> a = Row(centroids, dimensions, origin), b = Row(centroids, dimensions, candidate);
            for (int d = 0; d < dimensions; d++)
                distance += (double)(a[d] - b[d]) * (a[d] - b[d]);
            if (distance > largest)
                (farthest, largest) = (candidate, distance);
        }

        return farthest;
    }

    private static ReadOnlySpan<float> Row(ReadOnlySpan<float> centroids, int dimensions, int row) =>
        centroids.Slice(row * dimensions, dimensions);
}

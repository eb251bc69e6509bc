using VectorEngine.Numerics;

namespace VectorEngine.Clustering;

/// <summary>
/// Lloyd's rounds: assign, then move each centroid to the mean of its members. In every round but the last ones an empty cluster, or a very
/// small one while another is far larger than the average, restarts at a random member of the largest.
/// </summary>
internal sealed class Lloyd(ReadOnlyMemory<float> vectors, int dimensions, SeededRandom random, ParallelOptions parallel)
{
    public const int MaxRounds = 10;

    /// <summary>A cluster of more than this many times the average takes over the place of the smallest.</summary>
    private const int Oversized = 6;

    private readonly int _count = vectors.Length / dimensions;

    /// <summary>Distinct random vectors.</summary>
    public float[] Start(int clusters) => KMeans.Gather(vectors.Span, dimensions, random.Sample(_count, clusters));

    /// <summary>Improves centroids in place, until next to nothing changes.</summary>
    /// <param name="centroids">Row-major.</param>
    /// <param name="rounds">Rounds at most.</param>
    /// <param name="onProgress">Told the fraction done.</param>
    public void Improve(float[] centroids, int rounds, Action<double>? onProgress = null)
    {
        int[] labels = new int[_count], previous = new int[_count];
        for (int round = 0; round < rounds; round++)
        {
            KMeans.Assign(vectors, dimensions, new CentroidShortlist(centroids, dimensions, parallel), labels, parallel);
            int[] members = KMeans.GroupByLabel(labels, centroids.Length / dimensions, out int[] offsets);
            UpdateMeans(centroids, members, offsets);
            bool restarted = Restart(centroids, members, offsets, onlyEmpty: round >= rounds - 3);
            onProgress?.Invoke((round + 1.0) / rounds);
            int moved = 0;
            for (int i = 0; i < _count; i++)
                moved += labels[i] != previous[i] ? 1 : 0;
            if (round > 0 && !restarted && moved * 1000L < _count)
                break;
            (labels, previous) = (previous, labels);
        }
    }

    /// <summary>Means of each cluster's members: summed in row order, so that threads do not matter; in double beyond 256 rows.</summary>
    private void UpdateMeans(float[] centroids, int[] members, int[] offsets)
    {
        ParallelLoop.Run(offsets.Length - 1, parallel, c =>
        {
            ReadOnlySpan<int> rows = members.AsSpan(offsets[c], offsets[c + 1] - offsets[c]);
            if (rows.IsEmpty)
                return;
            double[] total = new double[dimensions];
            float[] sum = new float[dimensions];
            for (int start = 0; start < rows.Length; start += 256)
            {
                Array.Clear(sum);
                foreach (int row in rows.Slice(start, Math.Min(256, rows.Length - start)))
                    SpanMath.Add(sum, vectors.Span.Slice(row * dimensions, dimensions), sum);
                for (int i = 0; i < dimensions; i++)
                    total[i] += sum[i];
            }

            for (int i = 0; i < dimensions; i++)
                centroids[(c * dimensions) + i] = (float)(total[i] / rows.Length);
        });
    }

    private bool Restart(float[] centroids, int[] members, int[] offsets, bool onlyEmpty)
    {
        int clusters = offsets.Length - 1, average = Math.Max(1, members.Length / clusters);
        int[] sizes = new int[clusters], bySize = new int[clusters];
        for (int c = 0; c < clusters; c++)
            (sizes[c], bySize[c]) = (offsets[c + 1] - offsets[c], c);
        int[] original = [.. sizes];
        Array.Sort(bySize, (a, b) => original[a] != original[b] ? original[a].CompareTo(original[b]) : a.CompareTo(b));
        var largest = new PriorityQueue<int, (int, int)>(clusters);
        foreach (int c in bySize)
            largest.Enqueue(c, (-sizes[c], c));

        bool restarted = false;
        foreach (int small in bySize)
        {
            int big = largest.Peek();
            bool empty = original[small] == 0 && sizes[big] > 1;
            bool lopsided = !onlyEmpty && sizes[big] > Oversized * average && original[small] < average;
            if (small == big || !(empty || lopsided))
                break;
            int member = members[offsets[big] + random.Next(original[big])];
            vectors.Span.Slice(member * dimensions, dimensions).CopyTo(centroids.AsSpan(small * dimensions));
            // The newcomer takes about half of the largest cluster.
            sizes[big] /= 2;
            largest.DequeueEnqueue(big, (-sizes[big], big));
            restarted = true;
        }

        return restarted;
    }
}

using VectorEngine.Kernels;
using VectorEngine.Numerics;

namespace VectorEngine.Clustering;

/// <summary>
/// Lloyd's k-means on a sample, started from distinct random vectors. In every round but the last ones an empty cluster, or a very small
/// one while another is far larger than the average, restarts at a random member of the largest. Results depend on the seed, not on the
/// threads.
/// </summary>
internal static class KMeans
{
    private const int MaxRounds = 10;

    /// <summary>A cluster of more than this many times the average takes over the place of the smallest.</summary>
    private const int Oversized = 6;

    /// <summary>Vectors to train on: 256 per cluster, fewer (down to 64) where that would exceed 2^18.</summary>
    public static int SampleSize(long count, int clusters) =>
        (int)Math.Min(count, (long)clusters * Math.Clamp((1 << 18) / clusters, 64, 256));

    /// <summary>Trains centroids.</summary>
    /// <param name="vectors">The sample, row-major, at least <paramref name="clusters"/> rows.</param>
    /// <param name="dimensions">Dimensions.</param>
    /// <param name="clusters">Number of centroids.</param>
    /// <param name="random">Draws starts and restarts.</param>
    /// <param name="parallel">Degree of parallelism and cancellation.</param>
    /// <param name="onRound">Told the fraction done after each round.</param>
    /// <returns>Row-major centroids, neighbours in space near each other in order.</returns>
    public static float[] Train(
        ReadOnlyMemory<float> vectors, int dimensions, int clusters, SeededRandom random, ParallelOptions parallel,
        Action<double>? onRound = null)
    {
        int count = vectors.Length / dimensions;
        float[] centroids = new float[clusters * dimensions];
        int[] starts = random.Sample(count, clusters);
        for (int c = 0; c < clusters; c++)
            vectors.Span.Slice(starts[c] * dimensions, dimensions).CopyTo(centroids.AsSpan(c * dimensions));

        int[] labels = new int[count], previous = new int[count];
        for (int round = 0; round < MaxRounds; round++)
        {
            Assign(vectors, dimensions, centroids, labels, parallel);
            int[] members = GroupByLabel(labels, clusters, out int[] offsets);
            UpdateMeans(vectors, dimensions, centroids, members, offsets, parallel);
            bool restarted = Restart(vectors.Span, dimensions, centroids, members, offsets, random, onlyEmpty: round >= MaxRounds - 3);
            onRound?.Invoke((round + 1.0) / MaxRounds);
            int moved = 0;
            for (int i = 0; i < count; i++)
                moved += labels[i] != previous[i] ? 1 : 0;
            if (round > 0 && !restarted && moved * 1000L < count)
                break;
            (labels, previous) = (previous, labels);
        }

        return ClusterOrder.Sort(centroids, dimensions);
    }

    /// <summary>Labels vectors with their nearest centroid.</summary>
    public static void Assign(
        ReadOnlyMemory<float> vectors, int dimensions, ReadOnlySpan<float> centroids, int[] labels, ParallelOptions parallel)
    {
        var nearest = new NearestCentroid(centroids, dimensions);
        int blocks = (labels.Length + NearestCentroid.BlockRows - 1) / NearestCentroid.BlockRows;
        ParallelLoop.Run(blocks, parallel, block =>
        {
            int start = block * NearestCentroid.BlockRows, rows = Math.Min(NearestCentroid.BlockRows, labels.Length - start);
            var action = new AssignBlock
            {
                Nearest = nearest,
                Rows = vectors.Span.Slice(start * dimensions, rows * dimensions),
                Labels = labels.AsSpan(start, rows),
            };
            KernelDispatch.Run(ref action);
        });
    }

    /// <summary>Row numbers ordered by label, ascending within each.</summary>
    /// <param name="labels">A label per row.</param>
    /// <param name="clusters">Number of labels.</param>
    /// <param name="offsets">Receives where each label's rows start, and the count at the end.</param>
    public static int[] GroupByLabel(ReadOnlySpan<int> labels, int clusters, out int[] offsets)
    {
        offsets = new int[clusters + 1];
        foreach (int label in labels)
            offsets[label + 1]++;
        for (int c = 0; c < clusters; c++)
            offsets[c + 1] += offsets[c];
        int[] next = offsets[..clusters], members = new int[labels.Length];
        for (int i = 0; i < labels.Length; i++)
            members[next[labels[i]]++] = i;
        return members;
    }

    /// <summary>Means of each cluster's members: summed in row order, so that threads do not matter; in double beyond 256 rows.</summary>
    private static void UpdateMeans(
        ReadOnlyMemory<float> vectors, int dimensions, float[] centroids, int[] members, int[] offsets, ParallelOptions parallel)
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

    private static bool Restart(
        ReadOnlySpan<float> vectors, int dimensions, float[] centroids, int[] members, int[] offsets, SeededRandom random, bool onlyEmpty)
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
            vectors.Slice(member * dimensions, dimensions).CopyTo(centroids.AsSpan(small * dimensions));
            // The newcomer takes about half of the largest cluster.
            sizes[big] /= 2;
            largest.DequeueEnqueue(big, (-sizes[big], big));
            restarted = true;
        }

        return restarted;
    }

    private ref struct AssignBlock : IKernelAction
    {
        public NearestCentroid Nearest;
        public ReadOnlySpan<float> Rows;
        public Span<int> Labels;

        public readonly void Run<K>() where K : struct, IKernels => Nearest.Assign<K>(Rows, Labels);
    }
}

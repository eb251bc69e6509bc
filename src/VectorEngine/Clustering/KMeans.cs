using VectorEngine.Kernels;
using VectorEngine.Numerics;

namespace VectorEngine.Clustering;

/// <summary>
/// k-means on a sample. Few clusters are trained at once (<see cref="Lloyd"/>); many in two levels, first about sqrt(k) coarse clusters and
/// the rest within each, after which a few rounds over all of them mend the borders. Results depend on the seed, not on the threads.
/// </summary>
internal static class KMeans
{
    /// <summary>Sample rows per coarse cluster: the first level only has to divide the work.</summary>
    private const int CoarseSample = 256;

    /// <summary>Rounds over all clusters after those within the coarse ones.</summary>
    private const int MendingRounds = 3;

    /// <summary>Vectors to train on: 256 per cluster, fewer (down to 64) where that would exceed 2^18.</summary>
    public static int SampleSize(long count, int clusters) =>
        (int)Math.Min(Math.Min(count, int.MaxValue), Math.Clamp(1 << 18, 64L * clusters, 256L * clusters));

    /// <summary>Trains centroids.</summary>
    /// <param name="vectors">The sample, row-major, at least <paramref name="clusters"/> rows.</param>
    /// <param name="dimensions">Dimensions.</param>
    /// <param name="clusters">Number of centroids.</param>
    /// <param name="random">Draws starts and restarts.</param>
    /// <param name="parallel">Degree of parallelism and cancellation.</param>
    /// <param name="onProgress">Told the fraction done.</param>
    /// <returns>Row-major centroids, neighbours in space near each other in order.</returns>
    public static float[] Train(
        ReadOnlyMemory<float> vectors, int dimensions, int clusters, SeededRandom random, ParallelOptions parallel,
        Action<double>? onProgress = null)
    {
        var lloyd = new Lloyd(vectors, dimensions, random, parallel);
        float[] centroids;
        if (clusters <= CentroidShortlist.MaxExact)
        {
            centroids = lloyd.Start(clusters);
            lloyd.Improve(centroids, Lloyd.MaxRounds, onProgress);
        }
        else
        {
            const double WithinCoarse = 0.5;
            centroids = TrainWithinCoarse(
                vectors, dimensions, clusters, random, parallel, done => onProgress?.Invoke(WithinCoarse * done));
            lloyd.Improve(centroids, MendingRounds, done => onProgress?.Invoke(WithinCoarse + ((1 - WithinCoarse) * done)));
        }

        return ClusterOrder.Sort(centroids, dimensions);
    }

    /// <summary>Labels vectors with their nearest centroid, comparing all.</summary>
    public static void Assign(
        ReadOnlyMemory<float> vectors, int dimensions, ReadOnlyMemory<float> centroids, int[] labels, ParallelOptions parallel) =>
        Assign(vectors, dimensions, new CentroidShortlist(centroids, dimensions, parallel, maxExact: int.MaxValue), labels, parallel);

    /// <summary>Labels vectors with the nearest centroid that a shortlist finds.</summary>
    public static void Assign(
        ReadOnlyMemory<float> vectors, int dimensions, CentroidShortlist shortlist, int[] labels, ParallelOptions parallel)
    {
        int blocks = (labels.Length + CentroidShortlist.BlockRows - 1) / CentroidShortlist.BlockRows;
        ParallelLoop.Run(blocks, parallel, block =>
        {
            int start = block * CentroidShortlist.BlockRows, rows = Math.Min(CentroidShortlist.BlockRows, labels.Length - start);
            var action = new AssignBlock
            {
                Shortlist = shortlist,
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

    /// <summary>Copies rows.</summary>
    public static float[] Gather(ReadOnlySpan<float> vectors, int dimensions, ReadOnlySpan<int> rows)
    {
        float[] gathered = new float[rows.Length * dimensions];
        for (int i = 0; i < rows.Length; i++)
            vectors.Slice(rows[i] * dimensions, dimensions).CopyTo(gathered.AsSpan(i * dimensions));
        return gathered;
    }

    private static float[] TrainWithinCoarse(
        ReadOnlyMemory<float> vectors, int dimensions, int clusters, SeededRandom random, ParallelOptions parallel,
        Action<double> onProgress)
    {
        int count = vectors.Length / dimensions, coarse = (int)Math.Sqrt(clusters);
        float[] sample = Gather(vectors.Span, dimensions, random.Sample(count, Math.Min(count, CoarseSample * coarse)));
        float[] centres = Train(sample, dimensions, coarse, random, parallel);
        int[] labels = new int[count];
        Assign(vectors, dimensions, centres, labels, parallel);
        int[] members = GroupByLabel(labels, coarse, out int[] offsets);
        int[] shares = Apportion(offsets, clusters);
        int[] starts = new int[coarse + 1];
        ulong[] seeds = new ulong[coarse];
        for (int group = 0; group < coarse; group++)
            (starts[group + 1], seeds[group]) = (starts[group] + shares[group], random.NextBits());

        float[] centroids = new float[clusters * dimensions];
        var single = new ParallelOptions { MaxDegreeOfParallelism = 1, CancellationToken = parallel.CancellationToken };
        int done = 0;
        ParallelLoop.Run(coarse, parallel, group =>
        {
            if (shares[group] > 0)
            {
                float[] own = Gather(vectors.Span, dimensions, members.AsSpan(offsets[group]..offsets[group + 1]));
                var lloyd = new Lloyd(own, dimensions, new SeededRandom(seeds[group]), single);
                float[] trained = lloyd.Start(shares[group]);
                lloyd.Improve(trained, Lloyd.MaxRounds);
                trained.CopyTo(centroids, starts[group] * dimensions);
            }

            onProgress(Interlocked.Increment(ref done) / (double)coarse);
        });
        return centroids;
    }

    /// <summary>
    /// Divides clusters among groups in proportion to their members: at most one cluster per member, and as many as asked.
    /// </summary>
    /// <param name="offsets">Where each group's members start, and their number at the end.</param>
    /// <param name="clusters">Clusters, no more than members.</param>
    public static int[] Apportion(int[] offsets, int clusters)
    {
        // Rounding a running total never strays by more than one from any group's share, nor beyond its members.
        int[] shares = new int[offsets.Length - 1];
        long given = 0, count = offsets[^1];
        for (int group = 0; group < shares.Length; group++)
        {
            long total = offsets[group + 1] * (long)clusters / count;
            shares[group] = (int)(total - given);
            given = total;
        }

        return shares;
    }

    private ref struct AssignBlock : IKernelAction
    {
        public CentroidShortlist Shortlist;
        public ReadOnlySpan<float> Rows;
        public Span<int> Labels;

        public readonly void Run<K>() where K : struct, IKernels => Shortlist.Assign<K>(Rows, Labels);
    }
}

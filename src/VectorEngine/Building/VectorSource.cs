using VectorEngine.Kernels;
using VectorEngine.Numerics;
using VectorEngine.Quantization;

namespace VectorEngine.Building;

/// <summary>The vectors of a build as they are coded: as they are stored, and of unit length under cosine.</summary>
internal sealed class VectorSource(VectorMatrix vectors, Metric metric, StoredVectors stored)
{
    /// <summary>Rows per work item; sums are taken per item and then in order, so that threads do not matter.</summary>
    private const int BlockRows = 1024;

    /// <summary>Lengths that deviate by less than this share of their mean, in root mean square, count as equal.</summary>
    private const double EqualLengths = 0.02;

    public int Count => vectors.Count;

    public int Dimensions => vectors.Dimensions;

    /// <summary>Copies a row as it is coded.</summary>
    public void Read<K>(int row, Span<float> destination) where K : struct, IKernels
    {
        vectors[row].CopyTo(destination);
        // Bounds from the codes prune vectors whose exact distance is that of the rounded values.
        if (stored == StoredVectors.Float16)
            SpanMath.RoundToHalf(destination);
        if (metric == Metric.Cosine)
            VectorCheck.Normalise<K>(destination, K.Dot(destination, destination), row);
    }

    /// <summary>
    /// Copies a row less the mean, as it is clustered: scores of vectors far from the origin would differ by less than their rounding.
    /// </summary>
    public void ReadCentred<K>(int row, ReadOnlySpan<float> mean, Span<float> destination) where K : struct, IKernels
    {
        Read<K>(row, destination);
        SpanMath.Subtract(destination, mean, destination);
    }

    /// <summary>Copies rows less the mean.</summary>
    public float[] Gather(ReadOnlyMemory<int> rows, float[] mean, ParallelOptions parallel)
    {
        float[] gathered = new float[checked(rows.Length * Dimensions)];
        ForBlocks(rows.Length, parallel, (start, count) =>
        {
            var action = new GatherBlock
            {
                Source = this,
                Mean = mean,
                Rows = rows.Span.Slice(start, count),
                Destination = gathered.AsSpan(start * Dimensions, count * Dimensions),
            };
            KernelDispatch.Run(ref action);
        });
        return gathered;
    }

    /// <summary>
    /// Checks every vector and returns the mean, the mean squared distance from it, and the length that the vectors share; 0 if they share
    /// none.
    /// </summary>
    /// <exception cref="InvalidVectorException">A vector cannot be indexed; the first one is named.</exception>
    public (float[] Mean, double Variance, float CommonLength) Check(ParallelOptions parallel)
    {
        int blocks = (Count + BlockRows - 1) / BlockRows;
        double[][] sums = new double[blocks][];
        var failures = new InvalidVectorException?[blocks];
        ForBlocks(Count, parallel, (start, count) =>
        {
            var action = new CheckBlock
            {
                Source = this,
                Vectors = vectors,
                Stored = stored,
                Start = start,
                Count = count,
                Sums = sums[start / BlockRows] = new double[Dimensions + 2],
            };
            try
            {
                KernelDispatch.Run(ref action);
            }
            catch (InvalidVectorException failure)
            {
                failures[start / BlockRows] = failure;
            }
        });
        if (Array.Find(failures, failure => failure is not null) is { } first)
            throw new InvalidVectorException(first.Row, first.Reason);

        double[] total = new double[Dimensions + 2];
        foreach (double[] sum in sums)
        {
            for (int i = 0; i < total.Length; i++)
                total[i] += sum[i];
        }

        float[] mean = new float[Dimensions];
        double variance = total[^1] / Count, meanLength = total[^2] / Count;
        bool equalLengths = variance - (meanLength * meanLength) <= EqualLengths * EqualLengths * meanLength * meanLength;
        for (int i = 0; i < Dimensions; i++)
        {
            mean[i] = (float)(total[i] / Count);
            variance -= total[i] / Count * (total[i] / Count);
        }

        return (mean, Math.Max(0, variance), equalLengths ? (float)meanLength : 0);
    }

    /// <summary>Runs over blocks of rows in parallel.</summary>
    public static void ForBlocks(int count, ParallelOptions parallel, Action<int, int> block) =>
        ParallelLoop.Run(
            (count + BlockRows - 1) / BlockRows, parallel, i => block(i * BlockRows, Math.Min(BlockRows, count - (i * BlockRows))));

    private ref struct GatherBlock : IKernelAction
    {
        public VectorSource Source;
        public float[] Mean;
        public ReadOnlySpan<int> Rows;
        public Span<float> Destination;

        public readonly void Run<K>() where K : struct, IKernels
        {
            for (int i = 0; i < Rows.Length; i++)
                Source.ReadCentred<K>(Rows[i], Mean, Destination.Slice(i * Source.Dimensions, Source.Dimensions));
        }
    }

    private struct CheckBlock : IKernelAction
    {
        public VectorSource Source;
        public VectorMatrix Vectors;
        public StoredVectors Stored;
        public int Start, Count;
        public double[] Sums;

        public readonly void Run<K>() where K : struct, IKernels
        {
            float[] vector = new float[Source.Dimensions];
            for (int row = Start; row < Start + Count; row++)
            {
                ReadOnlySpan<float> given = Vectors[row];
                if (!(K.Dot(given, given) <= VectorCheck.LargestSquaredNorm))
                    throw new InvalidVectorException(row, VectorCheck.Describe(given));
                if (Stored == StoredVectors.Float16 && given.ContainsAnyExceptInRange(-65504f, 65504f))
                    throw new InvalidVectorException(row, "a value is beyond float16, in which the vectors are to be stored.");
                Source.Read<K>(row, vector);
                double squaredLength = 0;
                for (int i = 0; i < vector.Length; i++)
                {
                    Sums[i] += vector[i];
                    squaredLength += (double)vector[i] * vector[i];
                }

                Sums[^2] += Math.Sqrt(squaredLength);
                Sums[^1] += squaredLength;
            }
        }
    }
}

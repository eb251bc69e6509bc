using VectorEngine.Kernels;
using VectorEngine.Numerics;

namespace VectorEngine.Building;

/// <summary>What the first pass learns: the mean, how far vectors are from it, whether they have one length, and a random sample.</summary>
/// <param name="coding">How rows are coded.</param>
/// <param name="sampleSize">Rows to sample; fewer if there are not so many.</param>
/// <param name="random">Draws the sample.</param>
/// <param name="parallel">Degree of parallelism and cancellation.</param>
internal sealed class InputSurvey(RowCoding coding, int sampleSize, SeededRandom random, ParallelOptions parallel) : IDisposable
{
    /// <summary>Rows per work item; sums are taken per item and then in order, so that threads do not matter.</summary>
    private const int BlockRows = 1024;

    /// <summary>Lengths that deviate by less than this share of their mean, in root mean square, count as equal.</summary>
    private const double EqualLengths = 0.02;

    // The sums of each dimension, of the lengths, and of the squared lengths.
    private readonly double[] _sums = new double[coding.Dimensions + 2];

    // The places of the sampled rows by their random keys, the largest first.
    private readonly PriorityQueue<int, ulong> _places = new(Comparer<ulong>.Create(static (x, y) => y.CompareTo(x)));

    private readonly NativeFloats _sample = new();
    private int[] _sampleRows = [];
    private long _count;

    /// <summary>The mean vector.</summary>
    public float[] Mean { get; } = new float[coding.Dimensions];

    /// <summary>The mean squared distance from the mean.</summary>
    public double Variance { get; private set; }

    /// <summary>The length that the vectors share; 0 if they share none.</summary>
    public float CommonLength { get; private set; }

    /// <summary>Number of sampled rows.</summary>
    public int SampleCount => (int)Math.Min(_count, sampleSize);

    /// <summary>Adds the rows of a chunk.</summary>
    public void Add(RowChunk chunk)
    {
        double[][] sums = new double[(chunk.Count + BlockRows - 1) / BlockRows][];
        ParallelLoop.Run(sums.Length, parallel, block =>
        {
            var action = new SumRows
            {
                Coding = coding,
                Chunk = chunk,
                Start = block * BlockRows,
                End = Math.Min(chunk.Count, (block + 1) * BlockRows),
                Sums = sums[block] = new double[coding.Dimensions + 2],
            };
            KernelDispatch.Run(ref action);
        });
        foreach (double[] sum in sums)
        {
            for (int i = 0; i < _sums.Length; i++)
                _sums[i] += sum[i];
        }

        var sampling = new SampleRows { Survey = this, Chunk = chunk };
        KernelDispatch.Run(ref sampling);
    }

    /// <summary>Computes what is asked of the sums, once all rows were added.</summary>
    public void Finish()
    {
        double variance = _sums[^1] / _count, meanLength = _sums[^2] / _count;
        bool equalLengths = variance - (meanLength * meanLength) <= EqualLengths * EqualLengths * meanLength * meanLength;
        for (int i = 0; i < Mean.Length; i++)
        {
            Mean[i] = (float)(_sums[i] / _count);
            variance -= _sums[i] / _count * (_sums[i] / _count);
        }

        (Variance, CommonLength) = (Math.Max(0, variance), equalLengths ? (float)meanLength : 0);
    }

    /// <summary>Sampled rows less the mean, row-major, in random order, and their ordinals; valid until the survey is disposed.</summary>
    /// <param name="count">How many, at most <see cref="SampleCount"/>; those that a survey of so small a sample would have taken.</param>
    public (Memory<float> Vectors, int[] Ordinals) TakeSample(int count)
    {
        int dimensions = coding.Dimensions;
        int[] order = new int[SampleCount];
        for (int row = order.Length - 1; row >= 0; row--)
            order[row] = _places.Dequeue();
        int[] ordinals = Array.ConvertAll(order[..count], place => _sampleRows[place]);
        Permute(_sample.GetSpan(), dimensions, order);
        for (int row = 0; row < count; row++)
        {
            Span<float> vector = _sample.GetSpan().Slice(row * dimensions, dimensions);
            SpanMath.Subtract(vector, Mean, vector);
        }

        return (_sample.Memory[..(count * dimensions)], ordinals);
    }

    public void Dispose() => ((IDisposable)_sample).Dispose();

    /// <summary>Moves rows in place, along the cycles of the permutation.</summary>
    /// <param name="rows">Row-major.</param>
    /// <param name="dimensions">Values per row.</param>
    /// <param name="order">The row that goes to each place; overwritten.</param>
    private static void Permute(Span<float> rows, int dimensions, int[] order)
    {
        float[] held = new float[dimensions];
        for (int start = 0; start < order.Length; start++)
        {
            if (order[start] == start)
                continue;
            Row(rows, start).CopyTo(held);
            int free = start;
            while (order[free] != start)
            {
                int from = order[free];
                Row(rows, from).CopyTo(Row(rows, free));
                (order[free], free) = (free, from);
            }

            held.CopyTo(Row(rows, free));
            order[free] = free;
        }

        Span<float> Row(Span<float> from, int row) => from.Slice(row * dimensions, dimensions);
    }

    /// <summary>
    /// Keeps the rows with the smallest of random keys: a smaller sample is a part of a larger one, so that it does not matter whether the
    /// size that is needed was known from the start.
    /// </summary>
    private void Sample<K>(RowChunk chunk) where K : struct, IKernels
    {
        int dimensions = coding.Dimensions;
        Reserve((int)Math.Min(sampleSize, _count + chunk.Count));
        for (int row = 0; row < chunk.Count; row++, _count++)
        {
            ulong key = random.NextBits();
            int place = (int)Math.Min(_count, sampleSize);
            if (place < sampleSize)
                _places.Enqueue(place, key);
            else if (_places.TryPeek(out place, out ulong largest) && key < largest)
                _places.DequeueEnqueue(place, key);
            else
                continue;
            coding.Code<K>(chunk.Row(row), _sample.GetSpan().Slice(place * dimensions, dimensions));
            _sampleRows[place] = (int)_count;
        }
    }

    private void Reserve(int rows)
    {
        if (rows <= _sampleRows.Length)
            return;
        rows = (int)Math.Min(sampleSize, Math.Max(rows, 2L * _sampleRows.Length));
        _sample.Grow(rows * coding.Dimensions);
        Array.Resize(ref _sampleRows, rows);
    }

    private struct SumRows : IKernelAction
    {
        public RowCoding Coding;
        public RowChunk Chunk;
        public int Start, End;
        public double[] Sums;

        public readonly void Run<K>() where K : struct, IKernels
        {
            float[] coded = new float[Coding.Dimensions];
            for (int row = Start; row < End; row++)
            {
                Coding.Code<K>(Chunk.Row(row), coded);
                double squaredLength = 0;
                for (int i = 0; i < coded.Length; i++)
                {
                    Sums[i] += coded[i];
                    squaredLength += (double)coded[i] * coded[i];
                }

                Sums[^2] += Math.Sqrt(squaredLength);
                Sums[^1] += squaredLength;
            }
        }
    }

    private struct SampleRows : IKernelAction
    {
        public InputSurvey Survey;
        public RowChunk Chunk;

        public readonly void Run<K>() where K : struct, IKernels => Survey.Sample<K>(Chunk);
    }
}

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

    /// <summary>The sampled rows less the mean, row-major, in random order, and their ordinals; valid until the survey is disposed.</summary>
    public (Memory<float> Vectors, int[] Ordinals) TakeSample()
    {
        int dimensions = coding.Dimensions;
        Span<float> sample = _sample.GetSpan();
        float[] swap = new float[dimensions];
        for (int row = 0; row < SampleCount; row++)
        {
            // Rows that were never replaced stand in the input's order.
            int other = random.Next(row + 1);
            Span<float> a = sample.Slice(row * dimensions, dimensions), b = sample.Slice(other * dimensions, dimensions);
            SpanMath.Subtract(a, Mean, swap);
            b.CopyTo(a);
            swap.CopyTo(b);
            (_sampleRows[row], _sampleRows[other]) = (_sampleRows[other], _sampleRows[row]);
        }

        return (_sample.Memory[..(SampleCount * dimensions)], _sampleRows);
    }

    public void Dispose() => ((IDisposable)_sample).Dispose();

    /// <summary>Keeps each row with equal probability (reservoir sampling, algorithm R of Vitter, 1985).</summary>
    private void Sample<K>(RowChunk chunk) where K : struct, IKernels
    {
        int dimensions = coding.Dimensions;
        Reserve((int)Math.Min(sampleSize, _count + chunk.Count) * dimensions);
        for (int row = 0; row < chunk.Count; row++, _count++)
        {
            int place = _count < sampleSize ? (int)_count : random.Next((int)_count + 1);
            if (place >= sampleSize)
                continue;
            coding.Code<K>(chunk.Row(row), _sample.GetSpan().Slice(place * dimensions, dimensions));
            _sampleRows[place] = (int)_count;
        }
    }

    private void Reserve(int length)
    {
        if (length <= _sampleRows.Length * coding.Dimensions)
            return;
        int rows = (int)Math.Min(sampleSize, Math.Max(length / coding.Dimensions, 2L * _sampleRows.Length));
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

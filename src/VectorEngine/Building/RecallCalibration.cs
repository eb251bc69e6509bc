using VectorEngine.Clustering;
using VectorEngine.Format;
using VectorEngine.Kernels;
using VectorEngine.Numerics;

namespace VectorEngine.Building;

/// <summary>
/// Measures the recall curve: some of the vectors serve as queries, whose exact nearest are found among all the others as these pass by.
/// Memory depends on the queries alone, the outcome not on the threads.
/// </summary>
internal sealed class RecallCalibration
{
    /// <summary>Queries, as far as there are vectors: 1,280 true neighbours at k = 10, for few of a clustering's products.</summary>
    public const int MaxQueries = 128;

    private const int BlockRows = 1024;

    private static readonly int[] Levels = [10, 100, 1000];

    private readonly long[] _queries;
    private readonly float[] _vectors, _distances;
    private readonly double[] _shared;
    private readonly int _dimensions, _columns;
    private readonly Metric _metric;
    private readonly AlignedBuffer<float>[] _panels;
    private readonly PriorityQueue<(long Ordinal, int Label), (float Distance, long Ordinal)>[] _nearest;
    private readonly ParallelOptions _parallel;
    private readonly int _most, _count;

    /// <param name="queries">The rows that serve as queries.</param>
    /// <param name="vectors">These rows less the mean, row-major.</param>
    /// <param name="mean">The mean.</param>
    /// <param name="metric">How distances are measured.</param>
    /// <param name="count">Number of all rows.</param>
    /// <param name="parallel">Degree of parallelism and cancellation.</param>
    public RecallCalibration(
        ReadOnlySpan<int> queries, float[] vectors, ReadOnlySpan<float> mean, Metric metric, int count, ParallelOptions parallel)
    {
        _queries = new long[queries.Length];
        for (int i = 0; i < queries.Length; i++)
            _queries[i] = queries[i];
        _metric = metric;
        _dimensions = mean.Length;
        _parallel = parallel;
        _count = count;
        _most = Array.FindLast(Levels, k => k < count);
        _vectors = vectors;
        _shared = new double[queries.Length];
        if (metric == Metric.InnerProduct)
        {
            // The query itself compares with rows less the mean as with rows: all its products are less by the same.
            for (int i = 0; i < vectors.Length; i++)
            {
                vectors[i] += mean[i % _dimensions];
                _shared[i / _dimensions] -= (double)vectors[i] * mean[i % _dimensions];
            }
        }

        var columns = default(ReadColumns);
        KernelDispatch.Run(ref columns);
        _columns = columns.Result;
        _panels = Pack();
        _distances = new float[_panels.Length * _columns * BlockRows];
        _nearest = new PriorityQueue<(long, int), (float, long)>[queries.Length];
        for (int i = 0; i < _nearest.Length; i++)
            _nearest[i] = new PriorityQueue<(long, int), (float, long)>(Comparer<(float, long)>.Create((x, y) => y.CompareTo(x)));
    }

    /// <summary>Takes notice of the next rows.</summary>
    /// <param name="firstOrdinal">The first row's ordinal.</param>
    /// <param name="rows">As they are coded, less the mean; row-major.</param>
    /// <param name="labels">The cluster of each.</param>
    public void Observe(long firstOrdinal, ReadOnlyMemory<float> rows, ReadOnlyMemory<int> labels)
    {
        if (_most == 0)
            return;
        for (int start = 0; start < labels.Length; start += BlockRows)
        {
            int count = Math.Min(BlockRows, labels.Length - start);
            ReadOnlyMemory<float> block = rows.Slice(start * _dimensions, count * _dimensions);
            ReadOnlyMemory<int> lists = labels.Slice(start, count);
            long first = firstOrdinal + start;
            ParallelLoop.Run((count + 63) / 64, _parallel, part => Measure(block.Span, 64 * part, Math.Min(64, count - (64 * part))));
            ParallelLoop.Run(_queries.Length, _parallel, query => Keep(query, first, lists.Span));
        }
    }

    /// <summary>The curve, once all rows have passed.</summary>
    /// <param name="centroids">The clusters' centroids less the mean, row-major.</param>
    /// <param name="plan">The lists of each cluster; a vector of a cluster that has several is looked for in the first.</param>
    /// <param name="spreads">The mean squared residual of each list.</param>
    /// <param name="commonLength">The length that all vectors have; 0 if they differ.</param>
    public RecallCurve Finish(ReadOnlyMemory<float> centroids, ListPlan plan, double[] spreads, float commonLength)
    {
        int[] levels = [.. Levels.Where(k => k <= _most)];
        var found = new (int Rank, double Slack)[levels.Length][];
        for (int level = 0; level < levels.Length; level++)
            found[level] = new (int, double)[_queries.Length * levels[level]];
        ParallelLoop.Run(_queries.Length, _parallel, query =>
        {
            (double Distance, int Cluster)[] nearest = Drain(query);
            double[] lists = ListDistances(query, centroids.Span, plan.Clusters, spreads, commonLength);
            int[] ranks = Ranks(lists);
            var reach = new ListReach(_metric, commonLength, Scale(query, commonLength), Math.Sqrt(SquaredNorm(query)));
            for (int level = 0; level < levels.Length; level++)
            {
                double farthest = nearest[levels[level] - 1].Distance;
                for (int i = 0; i < levels[level]; i++)
                {
                    int list = plan.ListOf(nearest[i].Cluster, 0);
                    found[level][(query * levels[level]) + i] = (ranks[list], reach.Slack(lists[list], spreads[list], farthest));
                }
            }
        });
        return new RecallCurve(_count, spreads.Length, [.. levels.Select((k, level) => new RecallCurve.Level(
            k, Quantiles(found[level], one => one.Rank + 1), Quantiles(found[level], one => one.Slack)))]);
    }

    private static float[] Quantiles((int Rank, double Slack)[] found, Func<(int Rank, double Slack), double> value)
    {
        double[] sorted = [.. found.Select(value).Order()];
        float[] quantiles = new float[RecallCurve.Steps];
        for (int step = 0; step < quantiles.Length; step++)
            quantiles[step] = (float)sorted[Math.Max(0, (int)Math.Ceiling(RecallCurve.Share(step) * sorted.Length) - 1)];
        return quantiles;
    }

    private static int[] Ranks(double[] distances)
    {
        int[] order = [.. Enumerable.Range(0, distances.Length).OrderBy(list => distances[list]).ThenBy(list => list)];
        int[] ranks = new int[order.Length];
        for (int rank = 0; rank < order.Length; rank++)
            ranks[order[rank]] = rank;
        return ranks;
    }

    /// <summary>Distances of all lists as searches rank them.</summary>
    private double[] ListDistances(
        int query, ReadOnlySpan<float> centroids, ReadOnlySpan<int> clusters, double[] spreads, float commonLength)
    {
        ReadOnlySpan<float> vector = Vector(query);
        double scale = Scale(query, commonLength);
        double[] distances = new double[spreads.Length];
        for (int list = 0; list < distances.Length; list++)
        {
            ReadOnlySpan<float> centroid = centroids.Slice(clusters[list] * _dimensions, _dimensions);
            double sum = 0;
            for (int i = 0; i < vector.Length; i++)
                sum += _metric == Metric.InnerProduct ? -(double)vector[i] * centroid[i] : Square((double)vector[i] - centroid[i]);
            distances[list] = _metric switch
            {
                Metric.SquaredL2 => sum,
                Metric.Cosine => sum / 2,
                _ => (scale * (sum + _shared[query])) - (commonLength > 0 ? spreads[list] / 2 : 0),
            };
        }

        return distances;

        static double Square(double value) => value * value;
    }

    /// <summary>Under the inner product, lists are ranked for a query of the length that all vectors have.</summary>
    private double Scale(int query, float commonLength) =>
        _metric == Metric.InnerProduct && commonLength > 0 ? commonLength / Math.Sqrt(SquaredNorm(query)) : 1;

    /// <summary>The nearest of a query, nearest first.</summary>
    private (double Distance, int Cluster)[] Drain(int query)
    {
        var nearest = new (double, int)[_nearest[query].Count];
        for (int i = nearest.Length - 1; i >= 0; i--)
        {
            _nearest[query].TryDequeue(out (long Ordinal, int Label) row, out (float Distance, long) found);
            nearest[i] = (_metric switch
            {
                Metric.SquaredL2 => Math.Max(0, (2 * found.Distance) + SquaredNorm(query)),
                Metric.Cosine => Math.Max(0, found.Distance + (SquaredNorm(query) / 2)),
                _ => found.Distance + _shared[query],
            }, row.Label);
        }

        return nearest;
    }

    private ReadOnlySpan<float> Vector(int query) => _vectors.AsSpan(query * _dimensions, _dimensions);

    private double SquaredNorm(int query)
    {
        double sum = 0;
        foreach (float value in Vector(query))
            sum += (double)value * value;
        return sum;
    }

    private AlignedBuffer<float>[] Pack()
    {
        var panels = new AlignedBuffer<float>[(_queries.Length + _columns - 1) / _columns];
        for (int panel = 0; panel < panels.Length; panel++)
        {
            panels[panel] = new AlignedBuffer<float>(_dimensions * _columns);
            for (int query = panel * _columns; query < Math.Min(_queries.Length, (panel + 1) * _columns); query++)
            {
                for (int i = 0; i < _dimensions; i++)
                    panels[panel].Span[(i * _columns) + (query % _columns)] = Vector(query)[i];
            }
        }

        return panels;
    }

    /// <summary>Distances of some rows of a block to all queries, less what does not depend on the row.</summary>
    private void Measure(ReadOnlySpan<float> block, int start, int count)
    {
        var action = new MeasureRows { Calibration = this, Rows = block.Slice(start * _dimensions, count * _dimensions), Start = start };
        KernelDispatch.Run(ref action);
    }

    private void Keep(int query, long first, ReadOnlySpan<int> lists)
    {
        PriorityQueue<(long, int), (float Distance, long Ordinal)> nearest = _nearest[query];
        ReadOnlySpan<float> distances = _distances.AsSpan(query * BlockRows, lists.Length);
        float farthest = Farthest();
        for (int row = 0; row < distances.Length; row++)
        {
            long ordinal = first + row;
            if (distances[row] >= farthest || ordinal == _queries[query])
                continue;
            nearest.Enqueue((ordinal, lists[row]), (distances[row], ordinal));
            if (nearest.Count > _most)
                nearest.Dequeue();
            farthest = Farthest();
        }

        float Farthest() => nearest.Count == _most && nearest.TryPeek(out _, out (float Distance, long) last)
            ? last.Distance
            : float.PositiveInfinity;
    }

    private ref struct MeasureRows : IKernelAction
    {
        public RecallCalibration Calibration;
        public ReadOnlySpan<float> Rows;
        public int Start;

        public readonly void Run<K>() where K : struct, IKernels
        {
            int dimensions = Calibration._dimensions, columns = Calibration._columns, count = Rows.Length / dimensions;
            Span<float> products = stackalloc float[4 * columns], halves = stackalloc float[4];
            float[] last = new float[4 * dimensions];
            for (int row = 0; row < count; row += 4)
            {
                ReadOnlySpan<float> four = Rows[(row * dimensions)..];
                if (row + 4 > count)
                {
                    four.CopyTo(last);
                    four = last;
                }

                for (int r = 0; r < 4; r++)
                {
                    ReadOnlySpan<float> vector = four.Slice(r * dimensions, dimensions);
                    halves[r] = Calibration._metric == Metric.InnerProduct ? 0 : K.Dot(vector, vector) / 2;
                }

                for (int panel = 0; panel < Calibration._panels.Length; panel++)
                {
                    K.DotTile(four[..(4 * dimensions)], Calibration._panels[panel].Span, products);
                    for (int i = 0; i < Math.Min(4, count - row) * columns; i++)
                        Calibration._distances[(((panel * columns) + (i % columns)) * BlockRows) + Start + row + (i / columns)]
                            = halves[i / columns] - products[i];
                }
            }
        }
    }

    private struct ReadColumns : IKernelAction
    {
        public int Result;

        public void Run<K>() where K : struct, IKernels => Result = K.TileColumns;
    }
}

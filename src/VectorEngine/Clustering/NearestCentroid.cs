using System.Runtime.Intrinsics;
using VectorEngine.Kernels;
using VectorEngine.Numerics;

namespace VectorEngine.Clustering;

/// <summary>
/// Finds the nearest of many centroids (squared L2) for blocks of vectors: a blocked matrix product, since
/// |x - c|^2 is smallest where |c|^2 / 2 - &lt;x, c&gt; is. Ties go to the lower centroid.
/// </summary>
internal sealed class NearestCentroid
{
    /// <summary>Vectors per block: with a panel of centroids they fill half of a 1 MiB second-level cache at 768 dimensions.</summary>
    public const int BlockRows = 64;

    private readonly int _dimensions, _columns, _panels;
    private readonly AlignedBuffer<float>[] _panelValues;
    private readonly float[] _halfNorms;

    /// <summary>Packs centroids.</summary>
    /// <param name="centroids">Row-major.</param>
    /// <param name="dimensions">Dimensions.</param>
    public NearestCentroid(ReadOnlySpan<float> centroids, int dimensions)
    {
        _dimensions = dimensions;
        var columns = default(ReadColumns);
        KernelDispatch.Run(ref columns);
        _columns = columns.Result;
        Count = centroids.Length / dimensions;
        _panels = (Count + _columns - 1) / _columns;
        _panelValues = new AlignedBuffer<float>[_panels];
        // Columns beyond the last centroid are never the nearest.
        _halfNorms = new float[_panels * _columns];
        _halfNorms.AsSpan(Count).Fill(float.PositiveInfinity);
        for (int panel = 0; panel < _panels; panel++)
        {
            _panelValues[panel] = new AlignedBuffer<float>(dimensions * _columns);
            Span<float> values = _panelValues[panel].Span;
            for (int c = panel * _columns; c < Math.Min(Count, (panel + 1) * _columns); c++)
            {
                ReadOnlySpan<float> centroid = centroids.Slice(c * dimensions, dimensions);
                double norm = 0;
                for (int i = 0; i < dimensions; i++)
                {
                    values[(i * _columns) + (c % _columns)] = centroid[i];
                    norm += (double)centroid[i] * centroid[i];
                }

                _halfNorms[c] = (float)(norm / 2);
            }
        }
    }

    /// <summary>Number of centroids.</summary>
    public int Count { get; }

    /// <summary>Labels up to <see cref="BlockRows"/> vectors.</summary>
    /// <param name="rows">Row-major vectors.</param>
    /// <param name="labels">Receives each vector's nearest centroid.</param>
    public void Assign<K>(ReadOnlySpan<float> rows, Span<int> labels) where K : struct, IKernels =>
        Assign<K>(rows, labels, stackalloc float[labels.Length]);

    /// <summary>Labels up to <see cref="BlockRows"/> vectors and tells how near their centroids are.</summary>
    /// <param name="rows">Row-major vectors.</param>
    /// <param name="labels">Receives each vector's nearest centroid.</param>
    /// <param name="scores">Receives |c|^2 / 2 - &lt;x, c&gt; for it.</param>
    public void Assign<K>(ReadOnlySpan<float> rows, Span<int> labels, Span<float> scores) where K : struct, IKernels
    {
        Span<float> best = stackalloc float[4 * BlockRows];
        Span<int> bestIndex = stackalloc int[4 * BlockRows];
        Span<float> products = stackalloc float[4 * _columns];
        best.Fill(float.PositiveInfinity);
        bestIndex.Clear();
        ReadOnlySpan<float> last = LastRows(rows, labels.Length, out int whole);
        for (int panel = 0; panel < _panels; panel++)
        {
            ReadOnlySpan<float> values = _panelValues[panel].Span;
            for (int row = 0; row < labels.Length; row += 4)
            {
                K.DotTile(row < whole ? rows.Slice(row * _dimensions, 4 * _dimensions) : last, values, products);
                for (int r = row; r < Math.Min(labels.Length, row + 4); r++)
                    KeepNearest(
                        products.Slice((r - row) * _columns, _columns), panel * _columns, best.Slice(4 * r, 4), bestIndex.Slice(4 * r, 4));
            }
        }

        for (int r = 0; r < labels.Length; r++)
            (labels[r], scores[r]) = Nearest(best.Slice(4 * r, 4), bestIndex.Slice(4 * r, 4));
    }

    /// <summary>Scores up to <see cref="BlockRows"/> vectors against every centroid.</summary>
    /// <param name="rows">Row-major vectors.</param>
    /// <param name="scores">Receives |c|^2 / 2 - &lt;x, c&gt;, row-major: <see cref="Count"/> per vector.</param>
    public void Score<K>(ReadOnlySpan<float> rows, Span<float> scores) where K : struct, IKernels
    {
        Span<float> products = stackalloc float[4 * _columns];
        int count = scores.Length / Count;
        ReadOnlySpan<float> last = LastRows(rows, count, out int whole);
        for (int panel = 0; panel < _panels; panel++)
        {
            ReadOnlySpan<float> values = _panelValues[panel].Span;
            int first = panel * _columns, columns = Math.Min(_columns, Count - first);
            for (int row = 0; row < count; row += 4)
            {
                K.DotTile(row < whole ? rows.Slice(row * _dimensions, 4 * _dimensions) : last, values, products);
                for (int r = row; r < Math.Min(count, row + 4); r++)
                    SpanMath.Subtract(
                        _halfNorms.AsSpan(first, columns), products[((r - row) * _columns)..], scores.Slice((r * Count) + first, columns));
            }
        }
    }

    /// <summary>The rows after the last whole four, filled up to four; empty if there are none.</summary>
    private ReadOnlySpan<float> LastRows(ReadOnlySpan<float> rows, int count, out int whole)
    {
        whole = count & ~3;
        if (whole == count)
            return default;
        float[] last = new float[4 * _dimensions];
        rows[(whole * _dimensions)..(count * _dimensions)].CopyTo(last);
        return last;
    }

    /// <summary>Four running minima per row, one per lane, with the column where each was first seen.</summary>
    private void KeepNearest(ReadOnlySpan<float> products, int firstColumn, Span<float> best, Span<int> bestIndex)
    {
        ReadOnlySpan<float> halfNorms = _halfNorms.AsSpan(firstColumn, products.Length);
        Vector128<float> smallest = Vector128.Create<float>(best);
        Vector128<int> index = Vector128.Create<int>(bestIndex);
        Vector128<int> column = Vector128.Create(firstColumn) + Vector128<int>.Indices;
        for (int i = 0; i < products.Length; i += 4)
        {
            Vector128<float> score = Vector128.Create(halfNorms[i..]) - Vector128.Create(products[i..]);
            Vector128<float> less = Vector128.LessThan(score, smallest);
            smallest = Vector128.ConditionalSelect(less, score, smallest);
            index = Vector128.ConditionalSelect(less.AsInt32(), column, index);
            column += Vector128.Create(4);
        }

        smallest.CopyTo(best);
        index.CopyTo(bestIndex);
    }

    private static (int Index, float Score) Nearest(ReadOnlySpan<float> best, ReadOnlySpan<int> bestIndex)
    {
        int lane = 0;
        for (int i = 1; i < 4; i++)
        {
            if (best[i] < best[lane] || (best[i] == best[lane] && bestIndex[i] < bestIndex[lane]))
                lane = i;
        }

        return (bestIndex[lane], best[lane]);
    }

    private struct ReadColumns : IKernelAction
    {
        public int Result;

        public void Run<K>() where K : struct, IKernels => Result = K.TileColumns;
    }
}

using System.Runtime.InteropServices;
using VectorEngine.Format;
using VectorEngine.Kernels;
using VectorEngine.Loading;
using VectorEngine.Numerics;

namespace VectorEngine.Search;

/// <summary>Compares the query with stored vectors, one chunk of them after the other.</summary>
internal static class FlatSearch
{
    /// <summary>Compares the query with the rows of a chunk.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="scratch">The search.</param>
    /// <param name="first">The chunk's first row.</param>
    /// <param name="bytes">Its rows.</param>
    public static void Run<K>(Segment segment, QueryScratch scratch, int first, ReadOnlySpan<byte> bytes) where K : struct, IKernels
    {
        Metric metric = segment.Root.Description.Metric;
        StoredVectors type = segment.Root.Description.StoredVectors;
        int rowBytes = segment.Root.Description.RowBytes;
        Span<float> distances = scratch.Distances.AsSpan(0, bytes.Length / rowBytes);
        if (type == StoredVectors.Float32 && metric == Metric.SquaredL2)
        {
            K.SquaredL2Rows(scratch.Query, MemoryMarshal.Cast<byte, float>(bytes), distances);
        }
        else if (type == StoredVectors.Float32 && metric == Metric.InnerProduct)
        {
            K.DotRows(scratch.Query, MemoryMarshal.Cast<byte, float>(bytes), distances);
            SpanMath.Scale(distances, -1, distances);
        }
        else
        {
            for (int row = 0; row < distances.Length; row++)
                distances[row] = ExactDistance.Compute<K>(metric, type, scratch.Query, bytes.Slice(row * rowBytes, rowBytes));
        }

        for (int row = 0; row < distances.Length; row++)
            scratch.Results.Offer(distances[row], (uint)(first + row), 0);
        scratch.Scanned += distances.Length;
    }

    /// <summary>Compares the query with rows that lie anywhere.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="scratch">The search.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="bytes">Their bytes.</param>
    public static void Run<K>(Segment segment, QueryScratch scratch, ReadOnlySpan<int> rows, ReadOnlySpan<ReadOnlyMemory<byte>> bytes)
        where K : struct, IKernels
    {
        SegmentDescription description = segment.Root.Description;
        for (int i = 0; i < rows.Length; i++)
        {
            float distance = ExactDistance.Compute<K>(description.Metric, description.StoredVectors, scratch.Query, bytes[i].Span);
            scratch.Results.Offer(distance, (uint)rows[i], 0);
        }

        scratch.Scanned += rows.Length;
    }
}

using System.Runtime.InteropServices;
using VectorEngine.Format;
using VectorEngine.Kernels;
using VectorEngine.Loading;
using VectorEngine.Numerics;

namespace VectorEngine.Search;

/// <summary>Compares the query with stored vectors, one chunk of them after the other.</summary>
internal static class FlatSearch
{
    public static void Run<K>(Segment segment, QueryScratch scratch, int chunk) where K : struct, IKernels
    {
        VectorRows rows = segment.Vectors!;
        Metric metric = segment.Root.Description.Metric;
        StoredVectors type = segment.Root.Description.StoredVectors;
        int rowBytes = segment.Root.Description.RowBytes;
        ReadOnlySpan<byte> bytes = rows.Chunk(chunk).Span;
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
            scratch.Results.Offer(distances[row], (uint)((chunk * rows.ChunkRows) + row), 0);
        scratch.Scanned += distances.Length;
    }

    /// <summary>Compares the query with the rows that a filter selects, and no others.</summary>
    public static void RunSelected<K>(Segment segment, QueryScratch scratch) where K : struct, IKernels
    {
        SegmentDescription description = segment.Root.Description;
        SegmentFilter filter = scratch.Plan.Filter!;
        for (int row = filter.Next(0, description.Count); row >= 0; row = filter.Next(row + 1, description.Count))
        {
            float distance = ExactDistance.Compute<K>(
                description.Metric, description.StoredVectors, scratch.Query, segment.Vectors!.Row((uint)row));
            scratch.Results.Offer(distance, (uint)row, 0);
        }

        scratch.Scanned += filter.Count;
    }
}

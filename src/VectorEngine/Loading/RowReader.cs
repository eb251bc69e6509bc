using VectorEngine.Arrow;

namespace VectorEngine.Loading;

/// <summary>Reads single rows of an index, in any order and from any of its segments.</summary>
internal static class RowReader
{
    /// <summary>Reads stored vectors; every segment has some.</summary>
    /// <returns>The vectors, one after the other.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such vector.</exception>
    public static async ValueTask<float[]> ReadVectorsAsync(
        IndexSegments segments, ReadOnlyMemory<long> ordinals, ReadScope scope, CancellationToken cancellationToken)
    {
        int dimensions = segments.Items[0].Root.Description.Dimensions;
        var wanted = new (int Segment, int Row, int Target)[ordinals.Length];
        for (int i = 0; i < wanted.Length; i++)
        {
            (int segment, int row) = segments.Locate(ordinals.Span[i]);
            wanted[i] = (segment, row, i);
        }

        Array.Sort(wanted);
        float[] vectors = new float[checked(ordinals.Length * dimensions)];
        for (int start = 0, end; start < wanted.Length; start = end)
        {
            Segment segment = segments.Items[wanted[start].Segment];
            int most = segment.Vectors!.RowsAtATime;
            for (end = start + 1; end < wanted.Length && end - start < most && wanted[end].Segment == wanted[start].Segment;)
                end++;
            int[] rows = [.. wanted[start..end].Select(row => row.Row)];
            var bytes = new ReadOnlyMemory<byte>[rows.Length];
            scope.NextRound();
            await segment.Vectors.ReadAsync(rows, bytes, scope, cancellationToken).ConfigureAwait(false);
            for (int i = 0; i < rows.Length; i++)
                segment.Vectors.CopyTo(rows[i], bytes[i].Span, vectors.AsSpan(wanted[start + i].Target * dimensions, dimensions));
        }

        return vectors;
    }

    /// <summary>Reads rows of the metadata, in the order of <paramref name="ordinals"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row.</exception>
    public static async ValueTask<RecordBatch> ReadMetadataAsync(
        IndexSegments segments, ReadOnlyMemory<long> ordinals, IReadOnlyList<string>? columns, ReadScope scope,
        CancellationToken cancellationToken)
    {
        (int Segment, long Row)[] wanted = new (int, long)[ordinals.Length];
        for (int i = 0; i < wanted.Length; i++)
            wanted[i] = segments.Locate(ordinals.Span[i]);
        var parts = new List<RecordBatch>();
        int[] places = new int[wanted.Length];
        int taken = 0;
        foreach (IGrouping<int, int> own in Enumerable.Range(0, wanted.Length).GroupBy(i => wanted[i].Segment))
        {
            long[] rows = [.. own.Select(i => wanted[i].Row)];
            parts.Add(await segments.Items[own.Key].TakeAsync(rows, columns, scope, cancellationToken).ConfigureAwait(false));
            foreach (int i in own)
                places[i] = taken++;
        }

        return parts.Count switch
        {
            0 => await segments.Items[0].TakeAsync(default, columns, scope, cancellationToken).ConfigureAwait(false),
            1 => parts[0],
            _ => RecordBatch.Concat(parts).Take(places),
        };
    }
}

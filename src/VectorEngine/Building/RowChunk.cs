using VectorEngine.Arrow;

namespace VectorEngine.Building;

/// <summary>Consecutive good rows of the input, held in memory that is reused for later rows.</summary>
internal sealed class RowChunk(int capacity, int dimensions)
{
    private float[] _values = [];
    private readonly List<RecordBatch> _metadata = [];

    /// <summary>The ordinal of the first row.</summary>
    public long FirstOrdinal { get; set; }

    /// <summary>Number of rows.</summary>
    public int Count { get; private set; }

    /// <summary>Room for rows.</summary>
    public int Capacity => capacity;

    /// <summary>The rows as they were given.</summary>
    public VectorMatrix Rows => new(_values.AsMemory(0, Count * dimensions), dimensions);

    /// <summary>Their metadata; null if there is none.</summary>
    public RecordBatch? Metadata => MetadataFrom(0);

    public Span<float> Row(int row) => _values.AsSpan(row * dimensions, dimensions);

    /// <summary>Appends as many of a batch's rows as fit, from a given one on.</summary>
    /// <returns>How many were appended.</returns>
    public int Append(VectorMatrix rows, RecordBatch? metadata, int start)
    {
        int count = Math.Min(capacity - Count, rows.Count - start), length = (Count + count) * dimensions;
        // Small inputs take little memory.
        if (length > _values.Length)
            Array.Resize(ref _values, (int)Math.Min(Math.Max(length, 2L * _values.Length), (long)capacity * dimensions));
        rows.Slice(start, count).Values.Span.CopyTo(_values.AsSpan(Count * dimensions));
        if (metadata is not null)
            _metadata.Add(count == metadata.RowCount ? metadata : metadata.Slice(start, count));
        Count += count;
        return count;
    }

    public void Clear()
    {
        Count = 0;
        _metadata.Clear();
    }

    /// <summary>The metadata of the last rows; null if there is none.</summary>
    /// <param name="start">The first of these rows, which was the first of an append.</param>
    public RecordBatch? MetadataFrom(int start)
    {
        int first = 0;
        for (int row = 0; row < start && first < _metadata.Count; first++)
            row += _metadata[first].RowCount;
        int pieces = _metadata.Count - first;
        if (pieces > 1)
        {
            RecordBatch joined = RecordBatch.Concat(_metadata.GetRange(first, pieces));
            _metadata.RemoveRange(first, pieces);
            _metadata.Add(joined);
        }

        return pieces == 0 ? null : _metadata[first];
    }

    /// <summary>Drops some of the last rows; those that stay move together.</summary>
    /// <param name="start">The first row that may go, which was the first of an append.</param>
    /// <param name="bad">True where a row goes, from that one on.</param>
    public void Drop(int start, bool[] bad)
    {
        int[] stay = [.. Enumerable.Range(0, bad.Length).Where(row => !bad[row])];
        RecordBatch? metadata = MetadataFrom(start);
        for (int row = 0; row < stay.Length; row++)
            Row(start + stay[row]).CopyTo(Row(start + row));
        Count = start + stay.Length;
        if (metadata is null)
            return;
        _metadata.RemoveAt(_metadata.Count - 1);
        if (stay.Length > 0)
            _metadata.Add(metadata.Take(stay));
    }
}

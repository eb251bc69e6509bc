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
    public int Count { get; set; }

    /// <summary>Room for rows.</summary>
    public int Capacity => capacity;

    /// <summary>The rows as they were given.</summary>
    public VectorMatrix Rows => new(_values.AsMemory(0, Count * dimensions), dimensions);

    /// <summary>Their metadata; null if there is none.</summary>
    public RecordBatch? Metadata => _metadata.Count == 0 ? null : _metadata.Count == 1 ? _metadata[0] : Join();

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

    /// <summary>Drops rows; those that stay move together.</summary>
    /// <param name="bad">True where a row goes.</param>
    public void Drop(bool[] bad)
    {
        int[] stay = [.. Enumerable.Range(0, Count).Where(row => !bad[row])];
        for (int row = 0; row < stay.Length; row++)
            Row(stay[row]).CopyTo(Row(row));
        Count = stay.Length;
        if (Metadata is { } metadata)
        {
            _metadata.Clear();
            _metadata.Add(metadata.Take(stay));
        }
    }

    private RecordBatch Join()
    {
        RecordBatch joined = RecordBatch.Concat(_metadata);
        _metadata.Clear();
        _metadata.Add(joined);
        return joined;
    }
}

namespace VectorEngine.Arrow;

/// <summary>Where the values of a column lie of which none is missing: in each record batch, one behind the other.</summary>
internal sealed class RowBatches
{
    private readonly long[] _offsets;

    // The first row of each batch, and the number of all rows.
    private readonly long[] _starts;

    // Of the first rows, all bits.
    private readonly long _startBits;

    /// <param name="rowLength">Bytes per value.</param>
    /// <param name="batches">First byte of each batch's first value, from the file's start, and number of its rows, at least 1.</param>
    public RowBatches(long rowLength, IReadOnlyList<(long Offset, long RowCount)> batches)
    {
        RowLength = rowLength;
        _offsets = new long[batches.Count];
        _starts = new long[batches.Count + 1];
        for (int i = 0; i < batches.Count; i++)
        {
            _offsets[i] = batches[i].Offset;
            _startBits |= _starts[i];
            _starts[i + 1] = _starts[i] + batches[i].RowCount;
        }
    }

    /// <summary>Bytes per value.</summary>
    public long RowLength { get; }

    /// <summary>Rows of the file.</summary>
    public long RowCount => _starts[^1];

    /// <summary>Number of batches that have rows.</summary>
    public int Count => _offsets.Length;

    /// <summary>Where a batch's values begin, and how many they are.</summary>
    public (long Offset, long RowCount) this[int batch] => (_offsets[batch], _starts[batch + 1] - _starts[batch]);

    /// <summary>First byte of the value in a row, from the file's start.</summary>
    public long OffsetOf(long row)
    {
        // Mostly all batches but the last have as many rows as the first.
        int batch = (int)(row / _starts[1]);
        if (batch >= Count || row < _starts[batch] || row >= _starts[batch + 1])
        {
            int found = Array.BinarySearch(_starts, row);
            batch = found < 0 ? ~found - 1 : found;
        }

        return _offsets[batch] + ((row - _starts[batch]) * RowLength);
    }

    /// <summary>Whether every batch begins at a multiple of so many rows, a power of two.</summary>
    public bool AreAligned(int rows) => (_startBits & (rows - 1)) == 0;
}

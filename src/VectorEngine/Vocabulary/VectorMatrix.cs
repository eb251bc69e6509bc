namespace VectorEngine;

/// <summary>A read-only, row-major matrix of float32 vectors: a view of memory that the caller owns.</summary>
public readonly struct VectorMatrix
{
    /// <summary>Views <paramref name="values"/> as rows of <paramref name="dimensions"/> floats.</summary>
    /// <param name="values">Row-major values; the length is a multiple of <paramref name="dimensions"/>.</param>
    /// <param name="dimensions">Floats per row, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="dimensions"/> is less than 1.</exception>
    /// <exception cref="ArgumentException">The values do not fill whole rows.</exception>
    public VectorMatrix(ReadOnlyMemory<float> values, int dimensions)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimensions, 1);
        if (values.Length % dimensions != 0)
            throw new ArgumentException($"{values.Length} values do not fill rows of {dimensions} dimensions.", nameof(values));
        Values = values;
        Dimensions = dimensions;
        Count = values.Length / dimensions;
    }

    /// <summary>All values, row after row.</summary>
    public ReadOnlyMemory<float> Values { get; }

    /// <summary>Floats per row.</summary>
    public int Dimensions { get; }

    /// <summary>Number of rows.</summary>
    public int Count { get; }

    /// <summary>The vector in row <paramref name="row"/>.</summary>
    /// <param name="row">From 0 to <see cref="Count"/> - 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row.</exception>
    public ReadOnlySpan<float> this[int row] => Values.Span.Slice(checked(row * Dimensions), Dimensions);

    /// <summary>Rows <paramref name="start"/> to <paramref name="start"/> + <paramref name="count"/> - 1, without copying.</summary>
    /// <param name="start">First row.</param>
    /// <param name="count">Number of rows.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the matrix.</exception>
    public VectorMatrix Slice(int start, int count) =>
        new(Values.Slice(checked(start * Dimensions), checked(count * Dimensions)), Dimensions);
}

using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;

namespace VectorEngine.Input;

/// <summary>Rows of one length at a fixed distance in a file, read in order.</summary>
/// <param name="Path">The file.</param>
/// <param name="Offset">Where the first row starts.</param>
/// <param name="Count">Number of rows.</param>
/// <param name="Dimensions">Values per row.</param>
/// <param name="Type">What the values are.</param>
/// <param name="PrefixBytes">Bytes before each row's values: an int32 that repeats the dimensions, or none.</param>
internal sealed record FixedRowReader(string Path, long Offset, long Count, int Dimensions, ValueType Type, int PrefixBytes)
{
    private const int BatchBytes = 4 << 20;

    private int RowBytes => PrefixBytes + (Dimensions * Type.Size());

    /// <summary>Reads all rows; each batch reuses the memory of the one before.</summary>
    /// <exception cref="InvalidInputException">A row has other dimensions, or the file became shorter.</exception>
    public async IAsyncEnumerable<VectorBatch> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using SafeFileHandle file = File.OpenHandle(Path, options: FileOptions.Asynchronous | FileOptions.SequentialScan);
        int rowsPerBatch = (int)Math.Min(Count, Math.Max(1, BatchBytes / RowBytes));
        byte[] bytes = new byte[rowsPerBatch * RowBytes];
        float[] values = new float[rowsPerBatch * Dimensions];
        for (long first = 0; first < Count; first += rowsPerBatch)
        {
            int rows = (int)Math.Min(rowsPerBatch, Count - first);
            await FillAsync(file, bytes.AsMemory(0, rows * RowBytes), first, cancellationToken).ConfigureAwait(false);
            for (int row = 0; row < rows; row++)
                Convert(bytes.AsSpan(row * RowBytes, RowBytes), values.AsSpan(row * Dimensions, Dimensions), first + row);
            yield return new VectorBatch(new VectorMatrix(values.AsMemory(0, rows * Dimensions), Dimensions));
        }
    }

    private async ValueTask FillAsync(SafeFileHandle file, Memory<byte> destination, long firstRow, CancellationToken cancellationToken)
    {
        long offset = Offset + (firstRow * RowBytes);
        while (!destination.IsEmpty)
        {
            int read = await RandomAccess.ReadAsync(file, destination, offset, cancellationToken).ConfigureAwait(false);
            if (read == 0)
                throw new InvalidInputException(Path, (offset - Offset) / RowBytes, "the file ends within it");
            destination = destination[read..];
            offset += read;
        }
    }

    private void Convert(ReadOnlySpan<byte> row, Span<float> values, long number)
    {
        if (PrefixBytes > 0 && BitConverter.ToInt32(row) != Dimensions)
            throw new InvalidInputException(Path, number, $"it has {BitConverter.ToInt32(row)} dimensions, the first row {Dimensions}");
        Type.Convert(row[PrefixBytes..], values);
    }
}

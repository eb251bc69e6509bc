using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VectorEngine.Arrow;

namespace VectorEngine.Input;

/// <summary>An Arrow IPC file: one column has the vectors, the others are metadata.</summary>
internal class ArrowFileSource(string path, string? column) : VectorSource
{
    private const int BatchBytes = 4 << 20;

    internal override string? Name => path;

    internal override async ValueTask<long?> CountAsync(CancellationToken cancellationToken)
    {
        using ArrowFileReader reader = await OpenAsync(cancellationToken).ConfigureAwait(false);
        return await reader.CountRowsAsync(cancellationToken).ConfigureAwait(false);
    }

    public override async IAsyncEnumerable<VectorBatch> ReadAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using ArrowFileReader reader = await OpenAsync(cancellationToken).ConfigureAwait(false);
        ArrowField vectors = FindVectors(reader.Schema);
        string[] columns = [vectors.Name, .. reader.Schema.Fields
            .Where(field => field != vectors && field.Type.Kind != ArrowTypeKind.Unsupported).Select(field => field.Name)];
        if (columns.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1) is { } repeated)
            throw new InvalidInputException(path, null, $"several of its columns are called '{repeated.Key}'");
        int dimensions = CheckDimensions(path, vectors.Type.ListSize);
        long count = await reader.CountRowsAsync(cancellationToken).ConfigureAwait(false);
        int rowsPerBatch = Math.Clamp(BatchBytes / (sizeof(float) * dimensions), 1, 65536);
        float[] values = new float[Math.Min(rowsPerBatch, count) * dimensions];
        for (long first = 0; first < count; first += rowsPerBatch)
        {
            long[] rows = new long[Math.Min(rowsPerBatch, count - first)];
            for (int i = 0; i < rows.Length; i++)
                rows[i] = first + i;
            RecordBatch batch = await reader.TakeAsync(rows, columns, cancellationToken).ConfigureAwait(false);
            Convert(batch.Columns[0], values);
            var metadata = columns.Length == 1 ? null : new RecordBatch(
                new ArrowSchema(batch.Schema.Fields.Skip(1)), [.. batch.Columns.Skip(1)]);
            yield return new VectorBatch(new VectorMatrix(values.AsMemory(0, rows.Length * dimensions), dimensions), metadata);
        }
    }

    private protected virtual ValueTask<ArrowFileReader> OpenAsync(CancellationToken cancellationToken) =>
        ArrowFile.OpenAsync(path, cancellationToken);

    private protected ArrowField FindVectors(ArrowSchema schema)
    {
        try
        {
            return schema.FindVectors(column);
        }
        catch (Exception failure) when (failure is KeyNotFoundException or ArgumentException)
        {
            throw new InvalidInputException(path, null, failure.Message.TrimEnd('.'));
        }
    }

    /// <summary>Copies vectors; those that are missing become NaN, which no index takes.</summary>
    private static void Convert(ArrowArray vectors, float[] values)
    {
        int size = vectors.Type.ListSize;
        if (vectors is FixedSizeListArray<float> wide)
            wide.Values.CopyTo(values);
        else
            ValueType.Float16.Convert(
                MemoryMarshal.AsBytes(((FixedSizeListArray<Half>)vectors).Values), values.AsSpan(0, vectors.Length * size));
        for (int row = 0; vectors.NullCount > 0 && row < vectors.Length; row++)
        {
            if (vectors.IsNull(row))
                values.AsSpan(row * size, size).Fill(float.NaN);
        }
    }
}

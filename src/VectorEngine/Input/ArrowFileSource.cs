using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VectorEngine.Arrow;

namespace VectorEngine.Input;

/// <summary>An Arrow IPC file: one column has the vectors, the others are metadata.</summary>
internal sealed class ArrowFileSource(string path, string? column) : VectorSource
{
    private const int BatchBytes = 4 << 20;

    internal override string? Name => path;

    internal override async ValueTask<long?> CountAsync(CancellationToken cancellationToken)
    {
        using var file = new FileRange(path);
        ArrowFileReader reader = await ArrowFileReader.OpenAsync(path, file, cancellationToken).ConfigureAwait(false);
        return await reader.CountRowsAsync(cancellationToken).ConfigureAwait(false);
    }

    public override async IAsyncEnumerable<VectorBatch> ReadAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var file = new FileRange(path);
        ArrowFileReader reader = await ArrowFileReader.OpenAsync(path, file, cancellationToken).ConfigureAwait(false);
        ArrowField vectors = FindVectors(reader.Schema);
        string[] others = [.. reader.Schema.Fields
            .Where(field => field != vectors && field.Type.Kind != ArrowTypeKind.Unsupported).Select(field => field.Name)];
        long count = await reader.CountRowsAsync(cancellationToken).ConfigureAwait(false);
        int rowsPerBatch = (int)Math.Clamp(BatchBytes * 8L / Math.Max(1, vectors.Type.BitWidth), 1, 65536);
        float[] values = new float[rowsPerBatch * vectors.Type.ListSize];
        for (long first = 0; first < count; first += rowsPerBatch)
        {
            long[] rows = new long[Math.Min(rowsPerBatch, count - first)];
            for (int i = 0; i < rows.Length; i++)
                rows[i] = first + i;
            RecordBatch batch = await reader.TakeAsync(rows, [vectors.Name, .. others], cancellationToken).ConfigureAwait(false);
            Convert(batch.Columns[0], values);
            var metadata = others.Length == 0 ? null : new RecordBatch(
                new ArrowSchema(batch.Schema.Fields.Skip(1)), [.. batch.Columns.Skip(1)]);
            var matrix = new VectorMatrix(values.AsMemory(0, rows.Length * vectors.Type.ListSize), vectors.Type.ListSize);
            yield return new VectorBatch(matrix, metadata);
        }
    }

    private ArrowField FindVectors(ArrowSchema schema)
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
            ValueType.Float16.Convert(MemoryMarshal.AsBytes(((FixedSizeListArray<Half>)vectors).Values), values.AsSpan(0, vectors.Length * size));
        for (int row = 0; vectors.NullCount > 0 && row < vectors.Length; row++)
        {
            if (vectors.IsNull(row))
                values.AsSpan(row * size, size).Fill(float.NaN);
        }
    }

    /// <summary>The file's bytes by range.</summary>
    private sealed class FileRange(string path) : IRangeSource, IDisposable
    {
        private readonly SafeFileHandle _file = File.OpenHandle(path, options: FileOptions.Asynchronous);

        public long Length => RandomAccess.GetLength(_file);

        public async ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
        {
            while (!destination.IsEmpty)
            {
                int read = await RandomAccess.ReadAsync(_file, destination, offset, cancellationToken).ConfigureAwait(false);
                if (read == 0)
                    throw new CorruptDataException(path, offset, destination.Length, "the file ends before the range does");
                destination = destination[read..];
                offset += read;
            }
        }

        public void Dispose() => _file.Dispose();
    }
}

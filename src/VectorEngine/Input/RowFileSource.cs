using System.Buffers.Binary;

namespace VectorEngine.Input;

/// <summary>Rows that each start with their dimension as int32: .fvecs and .bvecs (http://corpus-texmex.irisa.fr).</summary>
internal sealed class RowFileSource : VectorSource
{
    private readonly FixedRowReader _rows;

    public RowFileSource(string path, ValueType type)
    {
        using FileStream file = File.OpenRead(path);
        Span<byte> head = stackalloc byte[sizeof(int)];
        if (file.ReadAtLeast(head, sizeof(int), throwOnEndOfStream: false) < sizeof(int))
            throw new InvalidInputException(path, null, file.Length == 0 ? "it is empty" : "it ends within the first row");
        int dimensions = CheckDimensions(path, BinaryPrimitives.ReadInt32LittleEndian(head));
        int rowBytes = sizeof(int) + (dimensions * type.Size());
        (long count, long rest) = Math.DivRem(file.Length, rowBytes);
        if (rest != 0)
            throw new InvalidInputException(
                path, count, $"of its {rowBytes} bytes the file has {rest}: it is truncated, or its rows differ in length");
        _rows = new FixedRowReader(path, 0, count, dimensions, type, sizeof(int));
    }

    internal override string? Name => _rows.Path;

    internal override ValueTask<long?> CountAsync(CancellationToken cancellationToken) => ValueTask.FromResult<long?>(_rows.Count);

    public override IAsyncEnumerable<VectorBatch> ReadAsync(CancellationToken cancellationToken = default) =>
        _rows.ReadAsync(cancellationToken);
}

using System.Buffers.Binary;
using VectorEngine.Arrow;

namespace VectorEngine.Format;

/// <summary>The section that tells where the rows of the stored vectors lie in their Arrow file.</summary>
internal static class VectorBatches
{
    /// <summary>In files that are written here, batches have a multiple of this many rows: a chunk of rows never spans two.</summary>
    public const int RowAlignment = 1024;

    /// <summary>Most batches of a file that somebody else has written: they take a MiB of the root.</summary>
    public const int MaxCount = 65536;

    private const int EntryLength = 16;

    public static byte[] ToBytes(RowBatches rows)
    {
        byte[] bytes = new byte[rows.Count * EntryLength];
        for (int i = 0; i < rows.Count; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(i * EntryLength), rows[i].Offset);
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan((i * EntryLength) + 8), rows[i].RowCount);
        }

        return bytes;
    }

    /// <summary>Reads and checks the section.</summary>
    /// <exception cref="CorruptDataException">A row would lie outside the object or over another.</exception>
    public static RowBatches Read(Container root, SegmentDescription description)
    {
        ReadOnlySpan<byte> bytes = root.Section(SectionKind.VectorBatches).Span;
        if (bytes.Length % EntryLength != 0)
            throw root.Corrupt(SectionKind.VectorBatches, $"{bytes.Length} bytes");
        var batches = new (long Offset, long RowCount)[bytes.Length / EntryLength];
        long end = 0, total = 0;
        for (int i = 0; i < batches.Length; i++)
        {
            long offset = BinaryPrimitives.ReadInt64LittleEndian(bytes[(i * EntryLength)..]);
            long rows = BinaryPrimitives.ReadInt64LittleEndian(bytes[((i * EntryLength) + 8)..]);
            if (offset < end || rows < 1 || rows > description.Count - total)
                throw root.Corrupt(SectionKind.VectorBatches, $"a batch of {rows} rows at {offset}");
            // Nothing overflows: rows have at most 31 bits, and a row's bytes 15.
            if (offset > description.VectorsLength - (rows * description.RowBytes))
                throw root.Corrupt(SectionKind.VectorBatches, "a row would lie outside the object");
            batches[i] = (offset, rows);
            end = offset + (rows * description.RowBytes);
            total += rows;
        }

        if (total != description.Count)
            throw root.Corrupt(SectionKind.VectorBatches, $"{total} rows for {description.Count} vectors");
        return new RowBatches(description.RowBytes, batches);
    }
}

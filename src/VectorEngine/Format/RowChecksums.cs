using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace VectorEngine.Format;

/// <summary>The pages of checksums of vector rows: where they lie and whether they are intact.</summary>
internal static class RowChecksums
{
    /// <summary>Rows per page.</summary>
    public const int PageRows = 1024;

    /// <summary>Number of pages for <paramref name="rows"/> rows.</summary>
    public static int PageCount(int rows) => (int)(((uint)rows + PageRows - 1) / PageRows);

    /// <summary>Length of the object for <paramref name="rows"/> rows.</summary>
    public static long ObjectLength(int rows) => ObjectHeader.Length + (4L * rows) + (4L * PageCount(rows));

    /// <summary>Where a page lies.</summary>
    public static (long Offset, int Length) Page(int rows, int page) =>
        (ObjectHeader.Length + ((long)page * 4 * (PageRows + 1)), 4 * (Math.Min(PageRows, rows - (page * PageRows)) + 1));

    /// <summary>True if a page has the checksum at its end.</summary>
    public static bool IsIntact(ReadOnlySpan<byte> page) =>
        Crc32C.Compute(page[..^4]) == BinaryPrimitives.ReadUInt32LittleEndian(page[^4..]);

    /// <summary>The checksums of a page's rows.</summary>
    public static ReadOnlySpan<uint> Rows(ReadOnlySpan<byte> page) => MemoryMarshal.Cast<byte, uint>(page[..^4]);

    /// <summary>The whole object from one checksum per row.</summary>
    public static byte[] ToBytes(ReadOnlySpan<uint> checksums)
    {
        byte[] bytes = new byte[ObjectLength(checksums.Length)];
        ObjectHeader.Write(bytes, ObjectKind.Checksums, bytes.Length);
        for (int page = 0; page < PageCount(checksums.Length); page++)
        {
            (long offset, int length) = Page(checksums.Length, page);
            Span<byte> span = bytes.AsSpan((int)offset, length);
            MemoryMarshal.AsBytes(checksums.Slice(page * PageRows, (length / 4) - 1)).CopyTo(span);
            BinaryPrimitives.WriteUInt32LittleEndian(span[^4..], Crc32C.Compute(span[..^4]));
        }

        return bytes;
    }
}

using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace VectorEngine.Format;

/// <summary>The pages of checksums of vector rows: where they lie and whether they are intact.</summary>
internal static class RowChecksums
{
    /// <summary>Rows per page.</summary>
    public const int PageRows = 1024;

    /// <summary>Length of a whole page.</summary>
    public const int PageLength = 4 * (PageRows + 1);

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

    /// <summary>A page from the checksums of its rows.</summary>
    public static byte[] PageBytes(ReadOnlySpan<uint> checksums)
    {
        byte[] bytes = new byte[4 * (checksums.Length + 1)];
        MemoryMarshal.AsBytes(checksums).CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(^4..), Crc32C.Compute(bytes.AsSpan(..^4)));
        return bytes;
    }
}

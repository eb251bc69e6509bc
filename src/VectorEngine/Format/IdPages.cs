using System.Buffers.Binary;
using System.Security.Cryptography;
using VectorEngine.Arrow;

namespace VectorEngine.Format;

/// <summary>A vector's id as it is looked up.</summary>
/// <param name="Key">What stands for the id; keys are in the order of their bytes.</param>
/// <param name="Ordinal">The vector's row in the segment.</param>
internal readonly record struct IdEntry(UInt128 Key, uint Ordinal);

/// <summary>What stands for an id: the first 16 bytes of the SHA-256 of its own bytes, so that keys are uniform whatever ids are.</summary>
internal static class IdKey
{
    /// <summary>Whether a column of this type can hold ids.</summary>
    public static bool IsSupported(ArrowType type) => type.Kind is ArrowTypeKind.Int64 or ArrowTypeKind.Utf8;

    /// <summary>The key of the id in a row of a column of a supported type, where none is missing.</summary>
    public static UInt128 Of(ArrowArray ids, int row)
    {
        Span<byte> number = stackalloc byte[sizeof(long)], hash = stackalloc byte[SHA256.HashSizeInBytes];
        if (ids is Utf8Array texts)
        {
            SHA256.HashData(texts.GetBytes(row), hash);
        }
        else
        {
            BinaryPrimitives.WriteInt64LittleEndian(number, ((PrimitiveArray<long>)ids).Values[row]);
            SHA256.HashData(number, hash);
        }

        return BinaryPrimitives.ReadUInt128BigEndian(hash);
    }

    /// <summary>An id for messages.</summary>
    public static string Describe(ArrowArray ids, int row) =>
        ids is Utf8Array texts ? $"'{texts.GetString(row)}'" : $"{((PrimitiveArray<long>)ids).Values[row]}";
}

/// <summary>The pages of an id table: where they lie, whether they are intact, and what is in them.</summary>
internal static class IdPages
{
    /// <summary>Entries of a page; the last may have fewer.</summary>
    public const int PageEntries = 512;

    private const int EntryBytes = 20;

    /// <summary>Number of pages for <paramref name="rows"/> rows.</summary>
    public static int PageCount(int rows) => (int)(((uint)rows + PageEntries - 1) / PageEntries);

    /// <summary>Length of the object for <paramref name="rows"/> rows.</summary>
    public static long ObjectLength(int rows) => ObjectHeader.Length + ((long)EntryBytes * rows) + (4L * PageCount(rows));

    /// <summary>Where a page lies.</summary>
    public static (long Offset, int Length) Page(int rows, int page) => (
        ObjectHeader.Length + ((long)page * ((EntryBytes * PageEntries) + 4)),
        (EntryBytes * Math.Min(PageEntries, rows - (page * PageEntries))) + 4);

    /// <summary>Writes a page into a buffer of its length.</summary>
    public static void Write(ReadOnlySpan<IdEntry> entries, Span<byte> page)
    {
        for (int i = 0; i < entries.Length; i++)
        {
            BinaryPrimitives.WriteUInt128BigEndian(page[(i * EntryBytes)..], entries[i].Key);
            BinaryPrimitives.WriteUInt32LittleEndian(page[((i * EntryBytes) + 16)..], entries[i].Ordinal);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(page[^4..], Crc32C.Compute(page[..^4]));
    }

    /// <summary>True if a page has the checksum at its end.</summary>
    public static bool IsIntact(ReadOnlySpan<byte> page) =>
        Crc32C.Compute(page[..^4]) == BinaryPrimitives.ReadUInt32LittleEndian(page[^4..]);

    /// <summary>Entries in a page.</summary>
    public static int Count(ReadOnlySpan<byte> page) => page.Length / EntryBytes;

    /// <summary>One entry of a page.</summary>
    public static IdEntry Entry(ReadOnlySpan<byte> page, int entry) => new(
        BinaryPrimitives.ReadUInt128BigEndian(page[(entry * EntryBytes)..]),
        BinaryPrimitives.ReadUInt32LittleEndian(page[((entry * EntryBytes) + 16)..]));
}

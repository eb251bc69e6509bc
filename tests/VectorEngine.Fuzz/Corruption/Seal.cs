using System.Buffers.Binary;
using VectorEngine.Format;
using VectorEngine.Quantization;

namespace VectorEngine.Fuzz.Corruption;

/// <summary>Makes the checksums of damaged objects right, as someone would who forges them: what lies behind is to be tested, too.</summary>
internal sealed class Seal
{
    private readonly SortedDictionary<string, byte[]> _objects;
    private readonly string _segment;
    private readonly DamagedContainer _root;
    private readonly HashSet<string> _known;

    private Seal(SortedDictionary<string, byte[]> objects, string segment, byte[] root) =>
        (_objects, _segment, _root, _known) = (objects, segment, new DamagedContainer(root), [$"{segment}/root"]);

    /// <summary>Seals everything, from the leaves to the pointer. What is intact stays as it is.</summary>
    /// <param name="objects">The objects, by short name.</param>
    /// <param name="link">Let pointer and version name these roots: false keeps what they say.</param>
    /// <exception cref="InvalidOperationException">There is an object that nothing here knows.</exception>
    public static void All(SortedDictionary<string, byte[]> objects, bool link)
    {
        DamagedContainer[] pointers = [.. objects.Where(o => IntactIndex.IsPointer(o.Key)).Select(o => new DamagedContainer(o.Value))];
        for (int segment = 0; segment < IntactIndex.MaxSegments; segment++)
        {
            if (!objects.TryGetValue($"{segment}/root", out byte[]? root))
                continue;
            new Seal(objects, $"{segment}", root).Leaves();
            foreach (DamagedContainer pointer in link ? pointers : [])
                Link(pointer, segment, root);
        }

        foreach (DamagedContainer pointer in pointers)
            pointer.Seal();
    }

    /// <summary>Lets the pointer name a root.</summary>
    private static void Link(DamagedContainer pointer, int segment, byte[] root)
    {
        Span<byte> manifest = pointer.Bytes.AsSpan()[pointer.Section(SectionKind.Manifest)];
        if (manifest.Length < 40 + (32 * (segment + 1)))
            return;
        Span<byte> entry = manifest[(40 + (32 * segment))..];
        BinaryPrimitives.WriteInt64LittleEndian(entry[16..], root.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[24..], Crc32C.Compute(root));
    }

    /// <summary>What the root or an object of its own holds of checksums: a line for each object.</summary>
    private void Leaves()
    {
        Lists("sign", at: 4, (layout, count) => layout.SignListLength(count));
        Lists("ex", at: 8, (layout, count) => layout.ExListLength(count));
        Rows("vectors", "checksums");
        Chunks("metadata", SectionKind.MetadataChecksums);
        Zones("zones");
        Ids("ids");
        _root.Seal();
        if (_objects.Keys.FirstOrDefault(name => name[0] == _segment[0] && !_known.Contains(name)) is { } unknown)
            throw new InvalidOperationException($"No line seals '{unknown}'.");
    }

    private Span<byte> Section(SectionKind kind) => _root.Bytes.AsSpan()[_root.Section(kind)];

    /// <summary>What is used of an object: its copy in the root, where there is one.</summary>
    private Span<byte> Object(string name)
    {
        _known.Add($"{_segment}/{name}");
        Span<byte> copies = Section(SectionKind.Copies);
        if (copies.IsEmpty)
            return _objects.GetValueOrDefault($"{_segment}/{name}");
        foreach (string copied in (string[])["sign", "ex", "vectors", "checksums", "metadata", "ids", "zones"])
        {
            // Only where the objects still have their lengths: otherwise these are not their copies.
            int length = _objects.GetValueOrDefault($"{_segment}/{copied}")?.Length ?? 0, padded = (length + 63) & ~63;
            if (padded > copies.Length)
                return default;
            if (copied == name)
                return copies[..length];
            copies = copies[padded..];
        }

        return default;
    }

    private void Lists(string name, int at, Func<CodeLayout, int, long> length)
    {
        Span<byte> table = Section(SectionKind.ListTable), bytes = Object(name);
        if (Description() is not { } description || description.Dimensions < CodeLayout.MinDimensions)
            return;
        var layout = new CodeLayout(description.Dimensions);
        long offset = 64;
        for (; table.Length >= 12; table = table[12..])
        {
            int count = BinaryPrimitives.ReadInt32LittleEndian(table);
            if (count < 0)
                return;
            SealRange(bytes, offset, length(layout, count), table[at..]);
            offset += length(layout, count);
        }
    }

    /// <summary>Checksums of rows, in pages that have checksums of their own.</summary>
    private void Rows(string rows, string checksums)
    {
        const int PageRows = 1024;
        Span<byte> batches = Section(SectionKind.VectorBatches), bytes = Object(rows), pages = Object(checksums);
        if (Description() is not { } description || batches.Length < 16 || pages.Length <= 64)
            return;
        long first = BinaryPrimitives.ReadInt64LittleEndian(batches);
        pages = pages[64..];
        for (long row = 0; row < description.Count && pages.Length >= 8; row += PageRows)
        {
            int count = (int)Math.Min(Math.Min(PageRows, description.Count - row), (pages.Length / 4) - 1);
            // The indexes here have one batch each.
            for (int i = 0; i < count; i++)
                SealRange(bytes, unchecked(first + ((row + i) * description.RowBytes)), description.RowBytes, pages[(4 * i)..]);

            BinaryPrimitives.WriteUInt32LittleEndian(pages[(4 * count)..], Crc32C.Compute(pages[..(4 * count)]));
            pages = pages[(4 * (count + 1))..];
        }
    }

    /// <summary>Checksums of chunks of 64 KiB, in a section of the root.</summary>
    private void Chunks(string name, SectionKind checksums)
    {
        const int Chunk = 65536;
        Span<byte> bytes = Object(name), section = Section(checksums);
        if (Description() is not { } description)
            return;
        long end = Math.Clamp(description.MetadataLength, 0, bytes.Length);
        for (long offset = 0; section.Length >= 4; offset += Chunk, section = section[4..])
            SealRange(bytes, offset, Math.Min(Chunk, end - offset), section);
    }

    /// <summary>Checksums of the columns' zones, in a section of the root.</summary>
    private void Zones(string name)
    {
        Span<byte> bytes = Object(name), table = Section(SectionKind.ZoneTable);
        long offset = 64;
        for (; table.Length >= 16; table = table[16..])
        {
            long length = BinaryPrimitives.ReadInt64LittleEndian(table[8..]);
            SealRange(bytes, offset, length, table[4..]);
            offset = unchecked(offset + length);
        }
    }

    /// <summary>Checksums of pages, behind each.</summary>
    private void Ids(string name)
    {
        const int EntryBytes = 20, PageBytes = 512 * EntryBytes;
        Span<byte> pages = Object(name);
        if (Description() is not { } description || pages.Length <= 64)
            return;
        pages = pages[64..];
        for (long rest = EntryBytes * description.Count; rest > 0 && pages.Length > 4; rest -= PageBytes)
        {
            int length = (int)Math.Min(Math.Min(PageBytes, rest), pages.Length - 4);
            SealRange(pages, 0, length, pages[length..]);
            pages = pages[(length + 4)..];
        }
    }

    /// <summary>Writes the checksum of a range, if it is one.</summary>
    private static void SealRange(ReadOnlySpan<byte> bytes, long offset, long length, Span<byte> checksum)
    {
        if (offset >= 0 && length >= 0 && offset <= bytes.Length && length <= bytes.Length - offset)
            BinaryPrimitives.WriteUInt32LittleEndian(checksum, Crc32C.Compute(bytes.Slice((int)offset, (int)length)));
    }

    /// <summary>What the description says that matters here; null if it makes no sense.</summary>
    private (int Dimensions, long Count, int RowBytes, long MetadataLength)? Description()
    {
        Span<byte> bytes = Section(SectionKind.Description);
        if (bytes.Length < 128)
            return null;
        int dimensions = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]), stored = BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]);
        if (dimensions is < 1 or > CodeLayout.MaxDimensions)
            return null;
        return (
            dimensions, BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]), stored == 2 ? 2 * dimensions : 4 * dimensions,
            BinaryPrimitives.ReadInt64LittleEndian(bytes[64..]));
    }
}

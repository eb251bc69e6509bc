using System.Buffers.Binary;
using VectorEngine.Format;
using VectorEngine.Quantization;

namespace VectorEngine.Fuzz.Corruption;

/// <summary>Makes the checksums of damaged objects right, as someone would who forges them: what lies behind is to be tested, too.</summary>
internal sealed class Seal
{
    private readonly SortedDictionary<string, byte[]> _objects;
    private readonly DamagedContainer _root;
    private readonly HashSet<string> _known = ["pointer", "root"];

    private Seal(SortedDictionary<string, byte[]> objects, byte[] root) => (_objects, _root) = (objects, new DamagedContainer(root));

    /// <summary>Seals everything, from the leaves to the pointer. What is intact stays as it is.</summary>
    /// <param name="objects">The objects, by short name.</param>
    /// <param name="link">Let the pointer name this root: false keeps what it says.</param>
    /// <exception cref="InvalidOperationException">There is an object that nothing here knows.</exception>
    public static void All(SortedDictionary<string, byte[]> objects, bool link)
    {
        if (objects.TryGetValue("root", out byte[]? root))
            new Seal(objects, root).Leaves();
        if (!objects.TryGetValue("pointer", out byte[]? pointer))
            return;
        var container = new DamagedContainer(pointer);
        Span<byte> manifest = pointer.AsSpan()[container.Section(SectionKind.Manifest)];
        if (link && root is not null && manifest.Length >= 72)
        {
            BinaryPrimitives.WriteInt64LittleEndian(manifest[56..], root.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(manifest[64..], Crc32C.Compute(root));
        }

        container.Seal();
    }

    /// <summary>What the root or an object of its own holds of checksums: a line for each object.</summary>
    private void Leaves()
    {
        Lists("sign", at: 4, (layout, count) => layout.SignListLength(count));
        Lists("ex", at: 8, (layout, count) => layout.ExListLength(count));
        Rows("vectors", "checksums");
        Chunks("metadata", SectionKind.MetadataChecksums);
        _root.Seal();
        if (_objects.Keys.FirstOrDefault(name => !_known.Contains(name)) is { } unknown)
            throw new InvalidOperationException($"No line seals '{unknown}'.");
    }

    private Span<byte> Section(SectionKind kind) => _root.Bytes.AsSpan()[_root.Section(kind)];

    private Span<byte> Object(string name)
    {
        _known.Add(name);
        return _objects.GetValueOrDefault(name);
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
        if (Description() is not { } description || batches.Length < 24 || pages.Length <= 64)
            return;
        long first = BinaryPrimitives.ReadInt64LittleEndian(batches), stride = BinaryPrimitives.ReadInt64LittleEndian(batches[8..]),
            perBatch = BinaryPrimitives.ReadInt64LittleEndian(batches[16..]);
        pages = pages[64..];
        for (long row = 0; row < description.Count && pages.Length >= 8; row += PageRows)
        {
            int count = (int)Math.Min(Math.Min(PageRows, description.Count - row), (pages.Length / 4) - 1);
            for (int i = 0; i < count && perBatch > 0; i++)
            {
                long offset = unchecked(first + ((row + i) / perBatch * stride) + ((row + i) % perBatch * description.RowBytes));
                SealRange(bytes, offset, description.RowBytes, pages[(4 * i)..]);
            }

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

using System.Buffers.Binary;

namespace VectorEngine.Format;

/// <summary>What an object is; the numbers are on disk.</summary>
internal enum ObjectKind : uint
{
    Root = 1,
    Pointer = 2,
    Sign = 3,
    Ex = 4,
    Checksums = 5,
    Ids = 6,
    Zones = 7,
}

/// <summary>What a section holds; the numbers are on disk.</summary>
internal enum SectionKind : uint
{
    Description = 1,
    Mean = 2,
    RotationSigns = 3,
    DirectorySign = 4,
    DirectoryEx = 5,
    ListTable = 6,
    VectorBatches = 7,
    MetadataFooter = 8,
    MetadataChecksums = 9,
    MetadataRows = 10,
    RecallCurve = 11,
    Spreads = 12,
    ZoneTable = 13,
    MetadataMessages = 14,
    VectorsKey = 15,
    IdColumn = 16,
    Copies = 17,
    Manifest = 32,
}

/// <summary>The header that all of our own objects start with.</summary>
internal static class ObjectHeader
{
    public const int Length = 64;
    public const uint Version = 1;

    public static ReadOnlySpan<byte> Magic => "VECTENG\n"u8;

    /// <summary>The header of an object whose content describes itself elsewhere.</summary>
    public static byte[] Create(ObjectKind kind, long length)
    {
        byte[] header = new byte[Length];
        Write(header, kind, length);
        return header;
    }

    public static void Write(Span<byte> header, ObjectKind kind, long length)
    {
        Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(header[12..], (uint)kind);
        BinaryPrimitives.WriteInt64LittleEndian(header[16..], length);
    }
}

/// <summary>Builds a container: sections, each with a checksum.</summary>
internal sealed class ContainerWriter
{
    private readonly List<(SectionKind Kind, ReadOnlyMemory<byte> Content)> _sections = [];

    public void Add(SectionKind kind, ReadOnlyMemory<byte> content) => _sections.Add((kind, content));

    public byte[] ToBytes(ObjectKind kind)
    {
        int tableEnd = ObjectHeader.Length + (_sections.Count * Container.EntryLength);
        long length = Container.Align(tableEnd);
        foreach ((_, ReadOnlyMemory<byte> content) in _sections)
            length = Container.Align(length + content.Length);
        byte[] bytes = new byte[checked((int)length)];
        ObjectHeader.Write(bytes, kind, length);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(24), _sections.Count);
        int offset = (int)Container.Align(tableEnd);
        for (int i = 0; i < _sections.Count; i++)
        {
            (SectionKind sectionKind, ReadOnlyMemory<byte> content) = _sections[i];
            Span<byte> entry = bytes.AsSpan(ObjectHeader.Length + (i * Container.EntryLength));
            BinaryPrimitives.WriteUInt32LittleEndian(entry, (uint)sectionKind);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], Crc32C.Compute(content.Span));
            BinaryPrimitives.WriteInt64LittleEndian(entry[8..], offset);
            BinaryPrimitives.WriteInt64LittleEndian(entry[16..], content.Length);
            content.Span.CopyTo(bytes.AsSpan(offset));
            offset = (int)Container.Align(offset + content.Length);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(28), Crc32C.Compute(bytes.AsSpan(0, tableEnd)));
        return bytes;
    }
}

/// <summary>Reads a container and distrusts it: nothing is returned before its bounds and checksum are verified.</summary>
internal sealed class Container
{
    public const int EntryLength = 32;
    private const int MaxSections = 64;

    private readonly Entry[] _sections;
    private readonly ReadOnlyMemory<byte> _bytes;

    /// <summary>Verifies header, section table and every section's checksum.</summary>
    /// <exception cref="CorruptDataException">Anything is not as FORMAT.md says.</exception>
    /// <exception cref="NotSupportedException">It is intact, and of another version of the format.</exception>
    public Container(string key, ReadOnlyMemory<byte> bytes, ObjectKind kind)
    {
        Key = key;
        _bytes = bytes;
        ReadOnlySpan<byte> header = bytes.Span;
        if (header.Length < ObjectHeader.Length)
            throw Corrupt(0, header.Length, "too short for a header");
        if (!header.StartsWith(ObjectHeader.Magic))
            throw Corrupt(0, 8, "not an object of a vector index");
        uint count = BinaryPrimitives.ReadUInt32LittleEndian(header[24..]);
        if (count > MaxSections || ObjectHeader.Length + ((int)count * EntryLength) > header.Length)
            throw Corrupt(24, 4, $"{count} sections");
        int tableEnd = ObjectHeader.Length + ((int)count * EntryLength);
        if (HeaderChecksum(header[..tableEnd]) != BinaryPrimitives.ReadUInt32LittleEndian(header[28..]))
            throw Corrupt(0, tableEnd, "wrong checksum");
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(header[8..]);
        if (version != ObjectHeader.Version)
            throw new NotSupportedException($"'{key}' is of format version {version}; this library reads version {ObjectHeader.Version}.");
        if (BinaryPrimitives.ReadUInt32LittleEndian(header[12..]) != (uint)kind)
            throw Corrupt(12, 4, $"not of kind {kind}");
        if (BinaryPrimitives.ReadInt64LittleEndian(header[16..]) != header.Length)
            throw Corrupt(16, 8, "its length is not the one it states");
        _sections = new Entry[count];
        long previousEnd = tableEnd;
        for (int i = 0; i < count; i++)
        {
            _sections[i] = ReadEntry(header, ObjectHeader.Length + (i * EntryLength), previousEnd);
            previousEnd = _sections[i].Offset + _sections[i].Length;
        }
    }

    /// <summary>The object's key, for error messages.</summary>
    public string Key { get; }

    public static long Align(long offset) => (offset + 63) & ~63L;

    /// <summary>Whether there is a section of this kind.</summary>
    public bool Has(SectionKind kind) => TryFind(kind, out _);

    /// <summary>The content of a section that must be there with a given length.</summary>
    /// <exception cref="CorruptDataException">It is missing or has another length.</exception>
    public ReadOnlyMemory<byte> Section(SectionKind kind, long length)
    {
        ReadOnlyMemory<byte> section = Section(kind);
        return section.Length == length ? section : throw Corrupt(kind, $"it should have {length} bytes");
    }

    /// <summary>The content of a section that must be there.</summary>
    /// <exception cref="CorruptDataException">It is missing.</exception>
    public ReadOnlyMemory<byte> Section(SectionKind kind) => TryFind(kind, out Entry found)
        ? _bytes.Slice(found.Offset, found.Length)
        : throw Corrupt(0, 0, $"section {kind} is missing");

    /// <summary>A <see cref="CorruptDataException"/> about a section.</summary>
    public CorruptDataException Corrupt(SectionKind kind, string reason)
    {
        _ = TryFind(kind, out Entry found);
        return Corrupt(found.Offset, found.Length, $"section {kind}: {reason}");
    }

    private static uint HeaderChecksum(ReadOnlySpan<byte> headerAndTable)
    {
        Span<byte> zero = stackalloc byte[4];
        zero.Clear();
        uint state = Crc32C.Append(~0u, headerAndTable[..28]);
        state = Crc32C.Append(state, zero);
        return ~Crc32C.Append(state, headerAndTable[32..]);
    }

    private Entry ReadEntry(ReadOnlySpan<byte> bytes, int at, long previousEnd)
    {
        ReadOnlySpan<byte> entry = bytes.Slice(at, EntryLength);
        var kind = (SectionKind)BinaryPrimitives.ReadUInt32LittleEndian(entry);
        long offset = BinaryPrimitives.ReadInt64LittleEndian(entry[8..]), length = BinaryPrimitives.ReadInt64LittleEndian(entry[16..]);
        if (kind is not (SectionKind.Manifest or (>= SectionKind.Description and <= SectionKind.Copies)))
            throw Corrupt(at, EntryLength, $"unknown section kind {(uint)kind}");
        if (offset < previousEnd || offset % 64 != 0 || length < 0 || offset > bytes.Length || length > bytes.Length - offset)
            throw Corrupt(at, EntryLength, $"section {kind} lies outside the object or over another");
        if (Crc32C.Compute(bytes.Slice((int)offset, (int)length)) != BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]))
            throw Corrupt(offset, length, $"section {kind} has a wrong checksum");
        if (Has(kind))
            throw Corrupt(at, EntryLength, $"section {kind} appears twice");
        return new Entry(kind, (int)offset, (int)length);
    }

    private bool TryFind(SectionKind kind, out Entry found)
    {
        foreach (Entry section in _sections)
        {
            found = section;
            if (section.Kind == kind)
                return true;
        }

        found = default;
        return false;
    }

    private CorruptDataException Corrupt(long offset, long length, string reason) => new(Key, offset, length, reason);

    private readonly struct Entry(SectionKind kind, int offset, int length)
    {
        public SectionKind Kind => kind;

        public int Offset => offset;

        public int Length => length;
    }
}

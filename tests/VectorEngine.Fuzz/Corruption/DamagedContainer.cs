using System.Buffers.Binary;
using VectorEngine.Format;

namespace VectorEngine.Fuzz.Corruption;

/// <summary>A pointer or root whose sections are found as far as its table still makes sense; written against FORMAT.md.</summary>
internal sealed class DamagedContainer(byte[] bytes)
{
    public const int HeaderLength = 64, EntryLength = 32;

    public byte[] Bytes => bytes;

    /// <summary>Number of sections that the table has room for, at most as many as it says.</summary>
    public int SectionCount => bytes.Length < HeaderLength
        ? 0
        : (int)Math.Min(BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(24)), (uint)(bytes.Length - HeaderLength) / EntryLength);

    /// <summary>An entry of the section table.</summary>
    public Span<byte> Entry(int section) => bytes.AsSpan(HeaderLength + (section * EntryLength), EntryLength);

    /// <summary>Where a section lies; empty if that is not within the object.</summary>
    public Range Section(int section)
    {
        ulong offset = BinaryPrimitives.ReadUInt64LittleEndian(Entry(section)[8..]),
            length = BinaryPrimitives.ReadUInt64LittleEndian(Entry(section)[16..]), end = (ulong)bytes.Length;
        return offset <= end && length <= end - offset ? (int)offset..(int)(offset + length) : default;
    }

    /// <summary>Where the first section of a kind lies; empty if there is none.</summary>
    public Range Section(SectionKind kind)
    {
        for (int section = 0; section < SectionCount; section++)
        {
            if (BinaryPrimitives.ReadUInt32LittleEndian(Entry(section)) == (uint)kind)
                return Section(section);
        }

        return default;
    }

    /// <summary>Makes the stated length and all checksums right.</summary>
    public void Seal()
    {
        if (bytes.Length < HeaderLength)
            return;
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), bytes.Length);
        for (int section = 0; section < SectionCount; section++)
            BinaryPrimitives.WriteUInt32LittleEndian(Entry(section)[4..], Crc32C.Compute(bytes.AsSpan()[Section(section)]));
        Span<byte> head = bytes.AsSpan(0, HeaderLength + (SectionCount * EntryLength));
        BinaryPrimitives.WriteUInt32LittleEndian(head[28..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(head[28..], Crc32C.Compute(head));
    }
}

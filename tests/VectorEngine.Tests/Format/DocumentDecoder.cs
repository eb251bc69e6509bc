using System.Buffers.Binary;
using System.Text;

namespace VectorEngine.Tests.Format;

/// <summary>
/// Decodes containers, their sections, and what lies beside the posting lists as FORMAT.md describes it, without any of the engine's code:
/// the document is what is tested. Posting lists are decoded by <see cref="Quantization.FormatDecoder"/>.
/// </summary>
internal static class DocumentDecoder
{
    public readonly record struct SegmentEntry(string Id, ulong RootLength, uint RootChecksum);

    public readonly record struct HistoryEntry(ulong Version, long Published, string Nonce, uint Segments);

    public sealed record VersionContent(ulong Version, long Published, string Nonce, SegmentEntry[] Segments, HistoryEntry[] History);

    public sealed record Level(uint K, float[] Lists, float[] Slacks);

    public readonly record struct ColumnEntry(uint Kind, uint Checksum, ulong Length);

    /// <summary>A list's zone of a column: of numbers, the bits of the smallest and largest; of texts, these, or null if they are not told.</summary>
    public sealed record Zone(uint Missing, ulong Low, ulong High, uint NaNs, string[]? Texts);

    /// <summary>The header of an object that is no container: all of its 64 bytes.</summary>
    public static void CheckHeader(ReadOnlySpan<byte> bytes, uint kind)
    {
        Assert.True(bytes.StartsWith("VECTENG\n"u8));
        Assert.Equal((1u, kind, (ulong)bytes.Length), (UInt32(bytes[8..]), UInt32(bytes[12..]), UInt64(bytes[16..])));
        Assert.False(bytes[24..64].ContainsAnyExcept((byte)0));
    }

    /// <summary>The sections of a container by kind, after looking at every byte outside of them.</summary>
    public static Dictionary<uint, byte[]> Sections(byte[] bytes, uint kind)
    {
        Assert.True(bytes.AsSpan().StartsWith("VECTENG\n"u8));
        Assert.Equal((1u, kind, (ulong)bytes.Length), (UInt32(bytes.AsSpan(8)), UInt32(bytes.AsSpan(12)), UInt64(bytes.AsSpan(16))));
        int count = (int)UInt32(bytes.AsSpan(24)), end = 64 + (32 * count);
        byte[] head = bytes[..end];
        head.AsSpan(28, 4).Clear();
        Assert.Equal(Crc(head), UInt32(bytes.AsSpan(28)));
        Assert.False(head.AsSpan(32, 32).ContainsAnyExcept((byte)0));
        var sections = new Dictionary<uint, byte[]>();
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> entry = bytes.AsSpan(64 + (32 * i), 32);
            int offset = (int)UInt64(entry[8..]), length = (int)UInt64(entry[16..]);
            Assert.True(offset % 64 == 0 && offset >= end && UInt64(entry[24..]) == 0);
            Assert.False(bytes.AsSpan(end, offset - end).ContainsAnyExcept((byte)0));
            sections.Add(UInt32(entry), bytes[offset..(offset + length)]);
            Assert.Equal(UInt32(entry[4..]), Crc(sections[UInt32(entry)]));
            end = offset + length;
        }

        Assert.False(bytes.AsSpan(end).ContainsAnyExcept((byte)0));
        return sections;
    }

    /// <summary>The version of section 32.</summary>
    public static VersionContent Manifest(ReadOnlySpan<byte> section)
    {
        var segments = new SegmentEntry[UInt32(section[32..])];
        var history = new HistoryEntry[UInt32(section[36..])];
        Assert.Equal(40 + (32 * segments.Length) + (40 * history.Length), section.Length);
        for (int i = 0; i < segments.Length; i++)
        {
            ReadOnlySpan<byte> entry = section[(40 + (32 * i))..];
            segments[i] = new SegmentEntry(Convert.ToHexStringLower(entry[..16]), UInt64(entry[16..]), UInt32(entry[24..]));
            Assert.Equal(0u, UInt32(entry[28..]));
        }

        for (int i = 0; i < history.Length; i++)
        {
            ReadOnlySpan<byte> entry = section[(40 + (32 * segments.Length) + (40 * i))..];
            history[i] = new HistoryEntry(
                UInt64(entry), (long)UInt64(entry[8..]), Convert.ToHexStringLower(entry[16..32]), UInt32(entry[32..]));
            Assert.Equal(0u, UInt32(entry[36..]));
        }

        return new VersionContent(
            UInt64(section), (long)UInt64(section[8..]), Convert.ToHexStringLower(section[16..32]), segments, history);
    }

    /// <summary>The levels of section 11.</summary>
    public static Level[] RecallCurve(ReadOnlySpan<byte> section)
    {
        var levels = new Level[UInt32(section)];
        Assert.Equal((0u, 8 + (520 * levels.Length)), (UInt32(section[4..]), section.Length));
        for (int i = 0; i < levels.Length; i++)
        {
            ReadOnlySpan<byte> level = section.Slice(8 + (520 * i), 520);
            Assert.Equal(0u, UInt32(level[4..]));
            levels[i] = new Level(UInt32(level), Floats(level[8..264]), Floats(level[264..]));
        }

        return levels;
    }

    /// <summary>The objects of section 17, whose lengths are known.</summary>
    public static byte[][] Copies(ReadOnlySpan<byte> section, int[] lengths)
    {
        byte[][] copies = new byte[lengths.Length][];
        for (int i = 0; i < copies.Length; i++)
        {
            int padded = (lengths[i] + 63) / 64 * 64;
            copies[i] = section[..lengths[i]].ToArray();
            Assert.False(section[lengths[i]..padded].ContainsAnyExcept((byte)0));
            section = section[padded..];
        }

        Assert.True(section.IsEmpty);
        return copies;
    }

    /// <summary>The columns of section 13.</summary>
    public static ColumnEntry[] ZoneTable(ReadOnlySpan<byte> section)
    {
        var columns = new ColumnEntry[section.Length / 16];
        for (int i = 0; i < columns.Length; i++)
        {
            ReadOnlySpan<byte> entry = section.Slice(16 * i, 16);
            columns[i] = new ColumnEntry(UInt32(entry), UInt32(entry[4..]), UInt64(entry[8..]));
        }

        return columns;
    }

    /// <summary>The zones of one column.</summary>
    public static Zone[] Zones(ReadOnlySpan<byte> bytes, uint kind, int lists)
    {
        var zones = new Zone[lists];
        for (int list = 0; list < lists; list++)
        {
            if (kind != 4)
            {
                zones[list] = new Zone(UInt32(bytes[16..]), UInt64(bytes), UInt64(bytes[8..]), UInt32(bytes[20..]), null);
                bytes = bytes[24..];
                continue;
            }

            uint missing = UInt32(bytes), count = UInt32(bytes[4..]);
            bytes = bytes[8..];
            string[]? texts = count == 17 ? null : new string[count];
            for (int i = 0; i < texts?.Length; i++)
            {
                int length = (int)UInt32(bytes);
                texts[i] = Encoding.UTF8.GetString(bytes.Slice(4, length));
                bytes = bytes[(4 + length)..];
            }

            zones[list] = new Zone(missing, 0, 0, 0, texts);
        }

        Assert.True(bytes.Length < 8 && !bytes.ContainsAnyExcept((byte)0));
        return zones;
    }

    public static float[] Floats(ReadOnlySpan<byte> bytes)
    {
        float[] values = new float[bytes.Length / 4];
        for (int i = 0; i < values.Length; i++)
            values[i] = BinaryPrimitives.ReadSingleLittleEndian(bytes[(4 * i)..]);
        return values;
    }

    public static uint UInt32(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt32LittleEndian(bytes);

    public static ulong UInt64(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt64LittleEndian(bytes);

    /// <summary>CRC-32C, a bit at a time.</summary>
    public static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = ~0u;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ ((crc & 1) * 0x82F63B78);
        }

        return ~crc;
    }
}

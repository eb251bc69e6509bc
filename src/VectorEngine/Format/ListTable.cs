using System.Buffers.Binary;
using VectorEngine.Numerics;
using VectorEngine.Quantization;

namespace VectorEngine.Format;

/// <summary>Where every posting list lies: offsets follow from the numbers of postings, so no two lists can overlap.</summary>
internal sealed class ListTable
{
    private const int EntryLength = 12;

    /// <summary>Zeros behind the last ex list: kernels load whole registers at its end, also where the file is mapped.</summary>
    public const int ExPadding = 64;

    private readonly int[] _counts;
    private readonly long[] _signOffsets, _exOffsets;
    private readonly uint[] _signChecksums, _exChecksums;

    public ListTable(CodeLayout layout, int[] counts, uint[] signChecksums, uint[] exChecksums)
    {
        _counts = counts;
        _signChecksums = signChecksums;
        _exChecksums = exChecksums;
        _signOffsets = new long[counts.Length + 1];
        _exOffsets = new long[counts.Length + 1];
        _signOffsets[0] = _exOffsets[0] = ObjectHeader.Length;
        for (int list = 0; list < counts.Length; list++)
        {
            _signOffsets[list + 1] = _signOffsets[list] + layout.SignListLength(counts[list]);
            _exOffsets[list + 1] = _exOffsets[list] + layout.ExListLength(counts[list]);
        }
    }

    /// <summary>Number of lists.</summary>
    public int ListCount => _counts.Length;

    /// <summary>Length of the object of the 1-bit layer.</summary>
    public long SignLength => _signOffsets[^1];

    /// <summary>Length of the object of the 3-bit layer.</summary>
    public long ExLength => _exOffsets[^1] + ExPadding;

    /// <summary>Postings in a list.</summary>
    public int Count(int list) => _counts[list];

    /// <summary>A list's range in the 1-bit layer, and its checksum.</summary>
    public Extent Sign(int list) => new(_signOffsets[list], (int)(_signOffsets[list + 1] - _signOffsets[list]), _signChecksums[list]);

    /// <summary>A list's range in the 3-bit layer, and its checksum.</summary>
    public Extent Ex(int list) => new(_exOffsets[list], (int)(_exOffsets[list + 1] - _exOffsets[list]), _exChecksums[list]);

    public byte[] ToBytes()
    {
        byte[] bytes = new byte[_counts.Length * EntryLength];
        for (int list = 0; list < _counts.Length; list++)
        {
            Span<byte> entry = bytes.AsSpan(list * EntryLength);
            BinaryPrimitives.WriteInt32LittleEndian(entry, _counts[list]);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], _signChecksums[list]);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[8..], _exChecksums[list]);
        }

        return bytes;
    }

    /// <summary>Reads and checks the table.</summary>
    /// <exception cref="CorruptDataException">The lists do not add up to the segment.</exception>
    public static ListTable Read(Container root, SegmentDescription description, CodeLayout layout)
    {
        ReadOnlySpan<byte> bytes = root.Section(SectionKind.ListTable, (long)description.ListCount * EntryLength).Span;
        int[] counts = new int[description.ListCount];
        uint[] sign = new uint[counts.Length], ex = new uint[counts.Length];
        long total = 0;
        for (int list = 0; list < counts.Length; list++)
        {
            ReadOnlySpan<byte> entry = bytes[(list * EntryLength)..];
            counts[list] = BinaryPrimitives.ReadInt32LittleEndian(entry);
            sign[list] = BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]);
            ex[list] = BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]);
            total += counts[list];
            // A list is read into one buffer.
            if (counts[list] < 0
                || layout.SignListLength(counts[list]) > MaxListLength
                || layout.ExListLength(counts[list]) > MaxListLength)
                throw root.Corrupt(SectionKind.ListTable, $"list {list} has {counts[list]} postings");
        }

        var table = new ListTable(layout, counts, sign, ex);
        if (total != description.Count || table.SignLength != description.SignLength || table.ExLength != description.ExLength)
            throw root.Corrupt(SectionKind.ListTable, "the lists do not add up to the segment");
        return table;
    }

    /// <summary>The longest list, in bytes of either layer.</summary>
    public static int MaxListLength => AlignedBuffer<byte>.MaxBytes;
}

/// <summary>A range of an object that is read and verified as a whole.</summary>
/// <param name="Offset">From the object's start.</param>
/// <param name="Length">In bytes.</param>
/// <param name="Checksum">CRC-32C of its bytes.</param>
internal readonly record struct Extent(long Offset, int Length, uint Checksum)
{
    /// <summary>Where the next begins.</summary>
    public long End => Offset + Length;
}

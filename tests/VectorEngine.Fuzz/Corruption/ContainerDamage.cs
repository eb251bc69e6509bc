using System.Buffers.Binary;
using VectorEngine.Format;
using VectorEngine.Quantization;

namespace VectorEngine.Fuzz.Corruption;

/// <summary>Ways to damage a pointer or root that take knowing its sections.</summary>
internal static class ContainerDamage
{
    /// <summary>A position in a section, each section as often as the others, or in the header or the table.</summary>
    public static int Place(byte[] bytes, Random random)
    {
        var container = new DamagedContainer(bytes);
        int count = container.SectionCount;
        int section = random.Next(count + 1);
        (int start, int length) = section == count
            ? (0, DamagedContainer.HeaderLength + (count * DamagedContainer.EntryLength))
            : container.Section(section).GetOffsetAndLength(bytes.Length);
        // The front of a section has more meaning than what follows.
        length = random.Next(3) == 0 ? Math.Min(length, 64) : length;
        return length == 0 ? random.Next(bytes.Length) : Math.Min(start + random.Next(length), bytes.Length - 1);
    }

    /// <summary>Exchanges, repeats, drops or moves sections.</summary>
    public static byte[] ShuffleSections(byte[] bytes, Random random)
    {
        byte[] damaged = [.. bytes];
        var container = new DamagedContainer(damaged);
        int count = container.SectionCount;
        if (count == 0)
            return damaged;
        Span<byte> first = container.Entry(random.Next(count)), second = container.Entry(random.Next(count));
        byte[] copy = first.ToArray();
        switch (random.Next(5))
        {
            case 0:
                second.CopyTo(first);
                copy.CopyTo(second);
                break;
            case 1: // the contents alone
                second[4..].CopyTo(first[4..]);
                copy.AsSpan(4).CopyTo(second[4..]);
                break;
            case 2:
                copy.CopyTo(second);
                break;
            case 3:
                BinaryPrimitives.WriteInt32LittleEndian(damaged.AsSpan(24), random.Next(count));
                break;
            default:
                BinaryPrimitives.WriteInt32LittleEndian(first, random.Next(40));
                break;
        }

        return damaged;
    }

    /// <summary>
    /// Lets a root claim far more vectors, lists' postings or metadata than there are, so that its numbers agree with each other:
    /// nothing but the objects' true lengths contradicts it.
    /// </summary>
    public static byte[] Inflate(byte[] bytes, Random random)
    {
        byte[] damaged = [.. bytes];
        var container = new DamagedContainer(damaged);
        Span<byte> description = Section(SectionKind.Description), batches = Section(SectionKind.VectorBatches),
            lists = Section(SectionKind.ListTable), rows = Section(SectionKind.MetadataRows);
        if (description.Length < 128)
            return damaged;
        if (random.Next(4) == 0)
            BinaryPrimitives.WriteInt32LittleEndian(description[8..], random.Next(1, CodeLayout.MaxDimensions + 1));
        int dimensions = Math.Clamp(BinaryPrimitives.ReadInt32LittleEndian(description[8..]), 2, CodeLayout.MaxDimensions);
        long count = random.Next(2) == 0 ? int.MaxValue - random.Next(2) : random.NextInt64(1, int.MaxValue);
        if (lists.Length >= 12)
            count = InflateLists(description, lists, new CodeLayout(dimensions), count, random);
        BinaryPrimitives.WriteInt64LittleEndian(description[16..], count);
        if (batches.Length == 16)
        {
            long rowBytes = dimensions * (description[12] == 2 ? 2 : 4);
            BinaryPrimitives.WriteInt64LittleEndian(batches[8..], count);
            BinaryPrimitives.WriteInt64LittleEndian(
                description[48..], BinaryPrimitives.ReadInt64LittleEndian(batches) + (count * rowBytes));
            BinaryPrimitives.WriteInt64LittleEndian(description[56..], RowChecksums.ObjectLength((int)count));
        }

        if (rows.Length >= 8)
        {
            rows.Clear();
            BinaryPrimitives.WriteInt64LittleEndian(rows, count);
            if (random.Next(2) == 0)
                BinaryPrimitives.WriteInt64LittleEndian(description[64..], 0); // without metadata
        }

        return damaged;

        Span<byte> Section(SectionKind kind) => damaged.AsSpan()[container.Section(kind)];
    }

    /// <summary>Fills the list table with as many postings as lists may have.</summary>
    /// <returns>Their sum, at most <paramref name="count"/>.</returns>
    private static long InflateLists(Span<byte> description, Span<byte> table, CodeLayout layout, long count, Random random)
    {
        long most = ListTable.MaxListLength / Math.Max(layout.BlockBytes / 32, layout.ExRecordBytes);
        most = random.Next(2) == 0 ? most - 64 : Math.Max(1, most / random.Next(1, 1000));
        long total = 0, sign = 64, ex = 128;
        for (; table.Length >= 12; table = table[12..])
        {
            int postings = (int)Math.Min(most, count - total);
            BinaryPrimitives.WriteInt32LittleEndian(table, postings);
            total += postings;
            sign += layout.SignListLength(postings);
            ex += layout.ExListLength(postings);
        }

        BinaryPrimitives.WriteInt64LittleEndian(description[32..], sign);
        BinaryPrimitives.WriteInt64LittleEndian(description[40..], ex);
        return total;
    }
}

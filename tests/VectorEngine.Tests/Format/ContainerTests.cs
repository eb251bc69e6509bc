using System.Buffers.Binary;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using VectorEngine.Format;
using VectorEngine.Quantization;

namespace VectorEngine.Tests.Format;

/// <summary>What is written is read back, and lies where FORMAT.md says.</summary>
public sealed class ContainerTests
{
    private static readonly SectionKind[] Kinds = Enum.GetValues<SectionKind>();

    [Fact]
    public void Sections_are_read_back() => Prop.ForAll(Gen.Choose(0, 1 << 30).ToArbitrary(), seed =>
    {
        var random = new Random(seed);
        Dictionary<SectionKind, byte[]> sections = Kinds.Where(_ => random.Next(2) == 0).ToDictionary(kind => kind, _ =>
        {
            byte[] content = new byte[random.Next(4) == 0 ? 0 : random.Next(300)];
            random.NextBytes(content);
            return content;
        });
        var writer = new ContainerWriter();
        foreach ((SectionKind kind, byte[] content) in sections)
            writer.Add(kind, content);
        byte[] bytes = writer.ToBytes(ObjectKind.Root);
        var container = new Container("key", bytes, ObjectKind.Root);
        foreach (SectionKind kind in Kinds)
        {
            if (sections.TryGetValue(kind, out byte[]? content))
            {
                Assert.Equal(content, container.Section(kind).ToArray());
                Assert.Equal(content, container.Section(kind, content.Length).ToArray());
                Assert.Throws<CorruptDataException>(() => container.Section(kind, content.Length + 1));
            }
            else
            {
                Assert.Throws<CorruptDataException>(() => container.Section(kind));
            }
        }

        Assert.Throws<CorruptDataException>(() => new Container("key", bytes, ObjectKind.Pointer));
        AssertLayout(bytes, sections);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Errors_name_the_object_and_the_range()
    {
        var writer = new ContainerWriter();
        writer.Add(SectionKind.Mean, new byte[100]);
        byte[] bytes = writer.ToBytes(ObjectKind.Root);
        bytes[128 + 7] ^= 1;
        CorruptDataException error = Assert.Throws<CorruptDataException>(() => new Container("a/b", bytes, ObjectKind.Root));
        Assert.Equal(("a/b", 128L, 100L), (error.ObjectKey, error.Offset, error.Length));
    }

    [Fact]
    public void Checksums_are_Castagnolis() => Assert.Equal(0xE3069283u, Crc32C.Compute("123456789"u8));

    [Fact]
    public void A_manifest_is_read_back()
    {
        SegmentReference[] segments =
            [.. Enumerable.Range(0, Manifest.MaxSegments).Select(i => new SegmentReference(Guid.NewGuid(), 12_345 + i, 0xDEADBEEF))];
        DateTimeOffset published = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_123);
        VersionEntry[] history = [.. Enumerable.Range(0, Manifest.MaxHistory)
            .Select(i => new VersionEntry(new VersionId(1000 - (2 * i), Guid.NewGuid()), published.AddSeconds(-i), 1 + i))];
        var manifest = new Manifest(new VersionId(1001, Guid.NewGuid()), published, segments, history);
        byte[] pointer = manifest.ToPointer();
        Assert.Equivalent(manifest, Manifest.ReadPointer("p", pointer), strict: true);
        Assert.Equivalent(manifest with { History = [] }, Manifest.ReadToken(manifest.ToToken()), strict: true);
        // The next names this one and all before it but the last, for which there is no room; and no two that follow are equal: their
        // entity tags must differ.
        var next = Manifest.After(manifest, segments);
        Assert.Equal((1002L, new VersionEntry(manifest.Id, published, 1024)), (next.Id.Number, next.History[0]));
        Assert.Equal(history[..^1], next.History.Skip(1));
        Assert.NotEqual(next.ToPointer(), (Manifest.After(manifest, segments) with { Published = next.Published }).ToPointer());
        // "16 bytes ID" in the order in which the key spells it.
        ReadOnlySpan<byte> section = pointer.AsSpan(128);
        for (int i = 0; i < segments.Length; i++)
            Assert.Equal(segments[i].Id.ToString("N"), Convert.ToHexStringLower(section.Slice(40 + (32 * i), 16)));
        Assert.Equal(
            (1001UL, 1024u), (BinaryPrimitives.ReadUInt64LittleEndian(section), BinaryPrimitives.ReadUInt32LittleEndian(section[32..])));
        string key = $"{1001:D20}-{Convert.ToHexStringLower(section.Slice(16, 16))}";
        Assert.Equal((key, manifest.Id), (manifest.Id.ToString(), VersionId.TryParse(key)));
    }

    [Theory]
    [InlineData(0, 0UL)]
    [InlineData(0, ulong.MaxValue)]
    [InlineData(8, ulong.MaxValue)]
    [InlineData(8, (ulong)long.MaxValue)]
    [InlineData(32, 0UL)]
    [InlineData(32, 2UL)]
    [InlineData(56, 0UL)]
    [InlineData(56, ulong.MaxValue)]
    [InlineData(56, (ulong)int.MaxValue)] // more than an array can hold
    [InlineData(56, 1UL << 31)]
    [InlineData(36, 2UL)] // of the two versions before, one is there
    [InlineData(36, ulong.MaxValue)]
    [InlineData(72, 7UL)] // not before 7
    [InlineData(72, 0UL)]
    [InlineData(72, ulong.MaxValue)]
    [InlineData(80, ulong.MaxValue)]
    [InlineData(104, 0UL)]
    [InlineData(104, 1025UL)]
    public void A_manifest_out_of_range_is_corrupt(int offset, ulong value)
    {
        byte[] pointer = new Manifest(
            new VersionId(7, Guid.NewGuid()), DateTimeOffset.UtcNow, [new SegmentReference(Guid.NewGuid(), 12_345, 0)],
            [new VersionEntry(new VersionId(6, Guid.NewGuid()), DateTimeOffset.UtcNow, 1)]).ToPointer();
        BinaryPrimitives.WriteUInt64LittleEndian(pointer.AsSpan(128 + offset), value);
        Seal.Sections(pointer);
        Assert.Throws<CorruptDataException>(() => Manifest.ReadPointer("p", pointer));
    }

    [Fact]
    public void A_list_table_is_read_back()
    {
        const int Dimensions = 20;
        var decoder = new Quantization.FormatDecoder(Dimensions);
        var layout = new CodeLayout(Dimensions);
        int[] counts = [0, 1, 32, 33, 100];
        uint[] sign = [1, 2, 3, 4, 5], ex = [6, 7, 8, 9, 10];
        var table = new ListTable(layout, counts, sign, ex);
        ListTable read = ListTable.Read(Root(table), Description(table, counts.Sum()), layout);
        long signOffset = 64, exOffset = 64;
        for (int list = 0; list < counts.Length; list++)
        {
            Assert.Equal(counts[list], read.Count(list));
            Assert.Equal(new Extent(signOffset, decoder.SignListBytes(counts[list]), sign[list]), read.Sign(list));
            Assert.Equal(new Extent(exOffset, decoder.ExListBytes(counts[list]), ex[list]), read.Ex(list));
            signOffset += decoder.SignListBytes(counts[list]);
            exOffset += decoder.ExListBytes(counts[list]);
        }

        Assert.Equal((signOffset, exOffset + 64), (read.SignLength, read.ExLength));
        Assert.Throws<CorruptDataException>(
            () => ListTable.Read(Root(table), Description(table, counts.Sum()) with { Count = 167 }, layout));
        Assert.Throws<CorruptDataException>(
            () => ListTable.Read(Root(table), Description(table, counts.Sum()) with { SignLength = 64 }, layout));
        Assert.Throws<CorruptDataException>(
            () => ListTable.Read(Root(table), Description(table, counts.Sum()) with { ListCount = 4 }, layout));
    }

    [Fact]
    public void A_description_is_read_back()
    {
        var description = new SegmentDescription
        {
            Kind = SegmentKind.Ivf,
            Metric = Metric.Cosine,
            Dimensions = 100,
            StoredVectors = StoredVectors.Float16,
            Count = 1000,
            ListCount = 10,
            CentroidScale = 0.25f,
            CommonLength = 1,
            SignLength = 1,
            ExLength = 2,
            VectorsLength = 3,
            ChecksumsLength = 64 + (4 * 1000) + 4,
            MetadataLength = 5,
        };
        var writer = new ContainerWriter();
        writer.Add(SectionKind.Description, description.ToBytes());
        Assert.Equal(description, SegmentDescription.Read(new Container("k", writer.ToBytes(ObjectKind.Root), ObjectKind.Root)));
    }

    [Fact]
    public void Pages_of_row_checksums_are_read_back()
    {
        uint[] checksums = [.. Enumerable.Range(0, 2500).Select(i => (uint)i * 77)];
        byte[] bytes = [.. new byte[64], .. checksums.Chunk(RowChecksums.PageRows).SelectMany(page => RowChecksums.PageBytes(page))];
        Assert.Equal(RowChecksums.ObjectLength(2500), bytes.Length);
        Assert.Equal(3, RowChecksums.PageCount(2500));
        var read = new List<uint>();
        for (int page = 0; page < 3; page++)
        {
            (long offset, int length) = RowChecksums.Page(2500, page);
            Span<byte> span = bytes.AsSpan((int)offset, length);
            Assert.True(RowChecksums.IsIntact(span));
            read.AddRange(RowChecksums.Rows(span));
            span[5] ^= 1;
            Assert.False(RowChecksums.IsIntact(span));
        }

        Assert.Equal(checksums, read);
    }

    /// <summary>The container, parsed by FORMAT.md alone.</summary>
    private static void AssertLayout(byte[] bytes, Dictionary<SectionKind, byte[]> sections)
    {
        Assert.Equal("VECTENG\n", Encoding.ASCII.GetString(bytes, 0, 8));
        Assert.Equal([1, 1], new[] { Word(8), Word(12) });
        Assert.Equal((ulong)bytes.Length, BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(16)));
        Assert.Equal((uint)sections.Count, Word(24));
        long end = 64 + (32 * sections.Count);
        for (int i = 0; i < sections.Count; i++)
        {
            int entry = 64 + (32 * i);
            byte[] content = sections[(SectionKind)Word(entry)];
            long offset = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(entry + 8));
            Assert.True(offset % 64 == 0 && offset >= end);
            Assert.Equal(-1, bytes.AsSpan((int)end, (int)(offset - end)).IndexOfAnyExcept((byte)0));
            Assert.Equal(content, bytes.AsSpan((int)offset, content.Length).ToArray());
            Assert.Equal(Crc32C.Compute(content), Word(entry + 4));
            end = offset + content.Length;
        }

        Assert.Equal((end + 63) / 64 * 64, bytes.Length);

        uint Word(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(offset));
    }

    private static Container Root(ListTable table)
    {
        var writer = new ContainerWriter();
        writer.Add(SectionKind.ListTable, table.ToBytes());
        return new Container("k", writer.ToBytes(ObjectKind.Root), ObjectKind.Root);
    }

    private static SegmentDescription Description(ListTable table, int count) => new()
    {
        Kind = SegmentKind.Ivf,
        Metric = Metric.SquaredL2,
        Dimensions = 20,
        StoredVectors = StoredVectors.None,
        CommonLength = 0,
        Count = count,
        ListCount = table.ListCount,
        SignLength = table.SignLength,
        ExLength = table.ExLength,
    };
}

using System.Runtime.InteropServices;
using System.Text;
using VectorEngine.Arrow;
using VectorEngine.Quantization;

namespace VectorEngine.Format;

/// <summary>The content of a root object, verified.</summary>
internal sealed class SegmentRoot
{
    /// <summary>Bytes of metadata that one checksum covers.</summary>
    public const int MetadataChunk = 65536;

    private SegmentRoot(SegmentDescription description) => Description = description;

    public SegmentDescription Description { get; }

    /// <summary>The space of the codes; null if flat.</summary>
    public CodeSpace? Space { get; private init; }

    /// <summary>Where the lists lie; null if flat.</summary>
    public ListTable? Lists { get; private init; }

    /// <summary>The centroids as sign blocks.</summary>
    public ReadOnlyMemory<byte> DirectorySign { get; private init; }

    /// <summary>The centroids as ex records.</summary>
    public ReadOnlyMemory<byte> DirectoryEx { get; private init; }

    /// <summary>How many lists hold which share of the nearest; empty if flat.</summary>
    public RecallCurve Recall { get; private init; } = new(0, 0);

    /// <summary>The mean squared distance of each list's vectors from its centroid.</summary>
    public float[] Spreads { get; private init; } = [];

    /// <summary>The largest of them.</summary>
    public float LargestSpread { get; private init; }

    /// <summary>Where the zones of the metadata's columns lie; null if there are no lists or no metadata.</summary>
    public ZoneTable? Zones { get; private init; }

    /// <summary>Where the rows of the stored vectors lie; null if none are stored.</summary>
    public RowBatches? Vectors { get; private init; }

    /// <summary>The key of the caller's object that has them; null if they are in the segment's own, or none are stored.</summary>
    public string? VectorsKey { get; private init; }

    /// <summary>The footer of the metadata's Arrow file; empty if there is no metadata.</summary>
    public ReadOnlyMemory<byte> MetadataFooter { get; private init; }

    /// <summary>The rows of each record batch of the metadata.</summary>
    public long[] MetadataRows { get; private init; } = [];

    /// <summary>The messages of the metadata's record batches; empty if they are too long for a root, or there is no metadata.</summary>
    public ReadOnlyMemory<byte> MetadataMessages { get; private init; }

    /// <summary>A checksum for each <see cref="MetadataChunk"/> bytes of the metadata.</summary>
    public uint[] MetadataChecksums { get; private init; } = [];

    /// <summary>The metadata column that has the ids; null if there are none.</summary>
    public string? IdColumn { get; private init; }

    /// <summary>
    /// Copies of the other objects in the order of <see cref="SegmentKeys.BesideRoot"/>, each empty where there is no such object; none if
    /// the root has none.
    /// </summary>
    public ReadOnlyMemory<byte>[] Copies { get; private init; } = [];

    /// <summary>Reads and checks a root.</summary>
    /// <exception cref="CorruptDataException">It is not a root as FORMAT.md says.</exception>
    public static SegmentRoot Read(string key, ReadOnlyMemory<byte> bytes)
    {
        var root = new Container(key, bytes, ObjectKind.Root);
        SegmentDescription description = SegmentDescription.Read(root);
        bool ivf = description.Kind == SegmentKind.Ivf, metadata = description.MetadataLength > 0;
        CodeSpace? space = ivf ? ReadSpace(root, description) : null;
        float largestSpread = 0;
        ZoneTable? zones = ivf && metadata ? ZoneTable.Read(root, description) : null;
        return new SegmentRoot(description)
        {
            Space = space,
            Lists = space is null ? null : ListTable.Read(root, description, space.Layout),
            DirectorySign = space is null ? default : ReadDirectorySign(root, description, space.Layout),
            DirectoryEx = space is null ? default : root.Section(SectionKind.DirectoryEx, space.Layout.ExListLength(description.ListCount)),
            Recall = ivf ? RecallCurve.Read(root, description) : new RecallCurve(0, 0),
            Spreads = ivf ? ReadSpreads(root, description, out largestSpread) : [],
            LargestSpread = largestSpread,
            Zones = zones,
            Vectors = description.StoredVectors == StoredVectors.None ? null : VectorBatches.Read(root, description),
            VectorsKey = ReadText(root, SectionKind.VectorsKey),
            MetadataFooter = metadata ? root.Section(SectionKind.MetadataFooter) : default,
            MetadataRows = metadata ? ReadMetadataRows(root, description) : [],
            MetadataMessages = metadata && root.Has(SectionKind.MetadataMessages) ? root.Section(SectionKind.MetadataMessages) : default,
            MetadataChecksums = metadata ? ReadMetadataChecksums(root, description) : [],
            IdColumn = ReadText(root, SectionKind.IdColumn),
            Copies = root.Has(SectionKind.Copies) ? ObjectCopies.Read(root, description, zones) : [],
        };
    }

    private static string? ReadText(Container root, SectionKind kind) =>
        root.Has(kind) ? Encoding.UTF8.GetString(root.Section(kind).Span) : null;

    private static CodeSpace ReadSpace(Container root, SegmentDescription description)
    {
        var layout = new CodeLayout(description.Dimensions);
        float[] mean = MemoryMarshal.Cast<byte, float>(root.Section(SectionKind.Mean, 4L * description.Dimensions).Span).ToArray();
        if (Array.Exists(mean, value => !float.IsFinite(value)))
            throw root.Corrupt(SectionKind.Mean, "a value is not finite");
        ReadOnlyMemory<byte> signs = root.Section(SectionKind.RotationSigns, Rotation.Rounds * layout.PaddedDimensions / 8);
        return new CodeSpace(
            description.Metric, new VectorTransform(mean, new Rotation(layout.PaddedDimensions, signs.Span), description.CentroidScale));
    }

    private static ReadOnlyMemory<byte> ReadDirectorySign(Container root, SegmentDescription description, CodeLayout layout)
    {
        ReadOnlyMemory<byte> directory = root.Section(SectionKind.DirectorySign, layout.BlocksLength(description.ListCount));
        var blocks = new SignBlocks(layout, directory.Span, description.ListCount);
        for (int list = 0; list < description.ListCount; list++)
        {
            if (blocks.Ordinal(list) != list)
                throw root.Corrupt(SectionKind.DirectorySign, $"centroid {list} is said to be that of list {blocks.Ordinal(list)}");
        }

        if (!blocks.AreOrdinalsBelow(description.ListCount))
            throw root.Corrupt(SectionKind.DirectorySign, "it names lists behind the last");

        return directory;
    }

    private static float[] ReadSpreads(Container root, SegmentDescription description, out float largest)
    {
        float[] spreads = MemoryMarshal.Cast<byte, float>(
            root.Section(SectionKind.Spreads, 4L * description.ListCount).Span).ToArray();
        largest = 0;
        foreach (float spread in spreads)
        {
            if (!(spread >= 0 && float.IsFinite(spread)))
                throw root.Corrupt(SectionKind.Spreads, "a spread is out of range");
            largest = MathF.Max(largest, spread);
        }

        return spreads;
    }

    private static uint[] ReadMetadataChecksums(Container root, SegmentDescription description)
    {
        long chunks = (description.MetadataLength + MetadataChunk - 1) / MetadataChunk;
        return MemoryMarshal.Cast<byte, uint>(root.Section(SectionKind.MetadataChecksums, 4 * chunks).Span).ToArray();
    }

    private static long[] ReadMetadataRows(Container root, SegmentDescription description)
    {
        long[] rows = MemoryMarshal.Cast<byte, long>(root.Section(SectionKind.MetadataRows).Span).ToArray();
        long total = 0;
        foreach (long count in rows)
        {
            if (count < 0 || count > description.Count - total)
                throw root.Corrupt(SectionKind.MetadataRows, $"a batch has {count} rows");
            total += count;
        }

        if (total != description.Count)
            throw root.Corrupt(SectionKind.MetadataRows, $"{total} rows for {description.Count} vectors");
        return rows;
    }
}

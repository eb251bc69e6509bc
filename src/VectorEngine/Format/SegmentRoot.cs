using System.Buffers.Binary;
using System.Runtime.InteropServices;
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

    /// <summary>Where the rows of the stored vectors lie; null if none are stored.</summary>
    public VectorBatches? Vectors { get; private init; }

    /// <summary>The footer of the metadata's Arrow file; empty if there is no metadata.</summary>
    public ReadOnlyMemory<byte> MetadataFooter { get; private init; }

    /// <summary>A checksum for each <see cref="MetadataChunk"/> bytes of the metadata.</summary>
    public uint[] MetadataChecksums { get; private init; } = [];

    /// <summary>Reads and checks a root.</summary>
    /// <exception cref="CorruptDataException">It is not a root as FORMAT.md says.</exception>
    public static SegmentRoot Read(string key, ReadOnlyMemory<byte> bytes)
    {
        var root = new Container(key, bytes, ObjectKind.Root);
        SegmentDescription description = SegmentDescription.Read(root);
        bool ivf = description.Kind == SegmentKind.Ivf, metadata = description.MetadataLength > 0;
        CodeSpace? space = ivf ? ReadSpace(root, description) : null;
        return new SegmentRoot(description)
        {
            Space = space,
            Lists = space is null ? null : ListTable.Read(root, description, space.Layout),
            DirectorySign = space is null ? default : root.Section(SectionKind.DirectorySign, space.Layout.BlocksLength(description.ListCount)),
            DirectoryEx = space is null ? default : root.Section(SectionKind.DirectoryEx, space.Layout.ExListLength(description.ListCount)),
            Vectors = description.StoredVectors == StoredVectors.None ? null : VectorBatches.Read(root, description),
            MetadataFooter = metadata ? root.Section(SectionKind.MetadataFooter) : default,
            MetadataChecksums = metadata ? ReadChecksums(root, description) : [],
        };
    }

    private static CodeSpace ReadSpace(Container root, SegmentDescription description)
    {
        var layout = new CodeLayout(description.Dimensions);
        float[] mean = MemoryMarshal.Cast<byte, float>(root.Section(SectionKind.Mean, 4L * description.Dimensions).Span).ToArray();
        if (Array.Exists(mean, value => !float.IsFinite(value)))
            throw root.Corrupt(SectionKind.Mean, "a value is not finite");
        ReadOnlyMemory<byte> signs = root.Section(SectionKind.RotationSigns, Rotation.Rounds * layout.PaddedDimensions / 8);
        return new CodeSpace(description.Metric, new VectorTransform(mean, new Rotation(layout.PaddedDimensions, signs.Span), description.CentroidScale));
    }

    private static uint[] ReadChecksums(Container root, SegmentDescription description)
    {
        long chunks = (description.MetadataLength + MetadataChunk - 1) / MetadataChunk;
        return MemoryMarshal.Cast<byte, uint>(root.Section(SectionKind.MetadataChecksums, 4 * chunks).Span).ToArray();
    }
}

/// <summary>Where the rows of the stored vectors lie in their Arrow file: batches of equal size at equal distances.</summary>
/// <param name="Offset">Of row 0.</param>
/// <param name="Distance">From a batch's first row to the next batch's.</param>
/// <param name="Rows">Per batch; the last may have fewer.</param>
internal sealed record VectorBatches(long Offset, long Distance, long Rows)
{
    public const int Length = 32;

    /// <summary>Offset of a row in the object.</summary>
    public long RowOffset(long row, int rowBytes) => Offset + (row / Rows * Distance) + (row % Rows * rowBytes);

    public byte[] ToBytes()
    {
        byte[] bytes = new byte[Length];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, Offset);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), Distance);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), Rows);
        return bytes;
    }

    /// <summary>Reads and checks the section.</summary>
    /// <exception cref="CorruptDataException">A row would lie outside the object.</exception>
    public static VectorBatches Read(Container root, SegmentDescription description)
    {
        ReadOnlySpan<byte> bytes = root.Section(SectionKind.VectorBatches, Length).Span;
        var batches = new VectorBatches(
            BinaryPrimitives.ReadInt64LittleEndian(bytes),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]));
        long length = description.VectorsLength;
        bool plausible = batches.Offset >= 0 && batches.Offset <= length && batches.Distance >= 0 && batches.Distance <= length
            && batches.Rows >= 1 && batches.Rows <= int.MaxValue
            && batches.Rows * description.RowBytes <= (description.Count > batches.Rows ? batches.Distance : length);
        // Int128 cannot overflow here: the row number and the distance have at most 31 and 63 bits.
        if (!plausible || (Int128)batches.Offset + ((Int128)((description.Count - 1) / batches.Rows) * batches.Distance)
            + ((((description.Count - 1) % batches.Rows) + 1) * description.RowBytes) > length)
        {
            throw root.Corrupt(SectionKind.VectorBatches, "a row would lie outside the object");
        }

        return batches;
    }
}

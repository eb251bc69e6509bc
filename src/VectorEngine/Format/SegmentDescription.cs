using System.Buffers.Binary;
using VectorEngine.Quantization;

namespace VectorEngine.Format;

/// <summary>How a segment is searched; the numbers are on disk.</summary>
internal enum SegmentKind : uint
{
    /// <summary>Few vectors, compared one by one.</summary>
    Flat = 0,

    /// <summary>Clusters of codes.</summary>
    Ivf = 1,
}

/// <summary>The description section of a root: what the segment is and how long its objects are.</summary>
internal sealed record SegmentDescription
{
    public const int Length = 128;

    public required SegmentKind Kind { get; init; }

    public required Metric Metric { get; init; }

    public required int Dimensions { get; init; }

    public required StoredVectors StoredVectors { get; init; }

    public required int Count { get; init; }

    public int ListCount { get; init; }

    public float CentroidScale { get; init; } = 1;

    /// <summary>The length that all vectors have, as they are coded; 0 if they differ.</summary>
    public required float CommonLength { get; init; }

    public long SignLength { get; init; }

    public long ExLength { get; init; }

    public long VectorsLength { get; init; }

    public long ChecksumsLength { get; init; }

    public long MetadataLength { get; init; }

    /// <summary>Bytes of a stored vector; 0 if none are stored.</summary>
    public int RowBytes => StoredVectors switch
    {
        StoredVectors.Float32 => 4 * Dimensions,
        StoredVectors.Float16 => 2 * Dimensions,
        _ => 0,
    };

    public byte[] ToBytes()
    {
        byte[] bytes = new byte[Length];
        Span<byte> span = bytes;
        BinaryPrimitives.WriteUInt32LittleEndian(span, (uint)Kind);
        BinaryPrimitives.WriteInt32LittleEndian(span[4..], (int)Metric);
        BinaryPrimitives.WriteInt32LittleEndian(span[8..], Dimensions);
        BinaryPrimitives.WriteInt32LittleEndian(span[12..], (int)StoredVectors);
        BinaryPrimitives.WriteInt64LittleEndian(span[16..], Count);
        BinaryPrimitives.WriteInt32LittleEndian(span[24..], ListCount);
        BinaryPrimitives.WriteSingleLittleEndian(span[28..], CentroidScale);
        long[] lengths = [SignLength, ExLength, VectorsLength, ChecksumsLength, MetadataLength];
        for (int i = 0; i < lengths.Length; i++)
            BinaryPrimitives.WriteInt64LittleEndian(span[(32 + (8 * i))..], lengths[i]);
        BinaryPrimitives.WriteSingleLittleEndian(span[72..], CommonLength);
        return bytes;
    }

    /// <summary>Reads and checks a description.</summary>
    /// <exception cref="CorruptDataException">A value is out of its range.</exception>
    public static SegmentDescription Read(Container root)
    {
        ReadOnlySpan<byte> span = root.Section(SectionKind.Description, Length).Span;
        var kind = (SegmentKind)BinaryPrimitives.ReadUInt32LittleEndian(span);
        var metric = (Metric)BinaryPrimitives.ReadInt32LittleEndian(span[4..]);
        int dimensions = BinaryPrimitives.ReadInt32LittleEndian(span[8..]);
        var stored = (StoredVectors)BinaryPrimitives.ReadInt32LittleEndian(span[12..]);
        long count = BinaryPrimitives.ReadInt64LittleEndian(span[16..]);
        int listCount = BinaryPrimitives.ReadInt32LittleEndian(span[24..]);
        float scale = BinaryPrimitives.ReadSingleLittleEndian(span[28..]);
        bool ivf = kind == SegmentKind.Ivf;
        if (kind is not (SegmentKind.Flat or SegmentKind.Ivf) || metric is not (Metric.SquaredL2 or Metric.InnerProduct or Metric.Cosine))
            throw Corrupt("unknown kind or metric");
        if (stored is not (StoredVectors.None or StoredVectors.Float32 or StoredVectors.Float16))
            throw Corrupt("unknown type of vectors");
        if (dimensions < (ivf ? CodeLayout.MinDimensions : 1) || dimensions > CodeLayout.MaxDimensions)
            throw Corrupt($"{dimensions} dimensions");
        if (count is <= 0 or > int.MaxValue)
            throw Corrupt($"{count} vectors");
        if (ivf ? listCount < 1 || listCount > count : listCount != 0 || stored == StoredVectors.None)
            throw Corrupt($"{listCount} lists");
        float commonLength = BinaryPrimitives.ReadSingleLittleEndian(span[72..]);
        if (!float.IsFinite(commonLength) || commonLength < 0)
            throw Corrupt($"a common length of {commonLength}");
        if (!float.IsNormal(scale) || scale <= 0)
            throw Corrupt($"centroid scale {scale}");
        long[] lengths = new long[5];
        for (int i = 0; i < lengths.Length; i++)
        {
            lengths[i] = BinaryPrimitives.ReadInt64LittleEndian(span[(32 + (8 * i))..]);
            if (lengths[i] < 0)
                throw Corrupt("a negative length");
        }

        if (!ivf && (lengths[0] != 0 || lengths[1] != 0))
            throw Corrupt("posting lists without clusters");
        bool hasVectors = stored != StoredVectors.None;
        if (!hasVectors && lengths[2] != 0)
            throw Corrupt("vectors that are not stored have a length");
        if (lengths[3] != (hasVectors ? RowChecksums.ObjectLength((int)count) : 0))
            throw Corrupt($"{lengths[3]} bytes of checksums");

        return new SegmentDescription
        {
            Kind = kind,
            Metric = metric,
            Dimensions = dimensions,
            StoredVectors = stored,
            Count = (int)count,
            ListCount = listCount,
            CentroidScale = scale,
            CommonLength = commonLength,
            SignLength = lengths[0],
            ExLength = lengths[1],
            VectorsLength = lengths[2],
            ChecksumsLength = lengths[3],
            MetadataLength = lengths[4],
        };

        CorruptDataException Corrupt(string reason) => root.Corrupt(SectionKind.Description, reason);
    }
}

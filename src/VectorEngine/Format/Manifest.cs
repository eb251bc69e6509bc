using System.Buffers.Binary;
using System.Buffers.Text;
using VectorEngine.Numerics;

namespace VectorEngine.Format;

/// <summary>A segment as a version names it.</summary>
/// <param name="Id">Its ID.</param>
/// <param name="RootLength">Length of its root.</param>
/// <param name="RootChecksum">CRC-32C of its whole root.</param>
internal readonly record struct SegmentReference(Guid Id, long RootLength, uint RootChecksum);

/// <summary>A version as its successors name it.</summary>
/// <param name="Id">Which one.</param>
/// <param name="Published">When it was published.</param>
/// <param name="SegmentCount">Number of its segments.</param>
internal readonly record struct VersionEntry(VersionId Id, DateTimeOffset Published, int SegmentCount);

/// <summary>A version of an index: what its object and, while it is the newest, the pointer contain.</summary>
/// <param name="Id">Which one.</param>
/// <param name="Published">When it was published.</param>
/// <param name="Segments">The segments, whose rows follow each other in this order.</param>
/// <param name="History">The versions before that are still published, newest first.</param>
internal sealed record Manifest(
    VersionId Id, DateTimeOffset Published, IReadOnlyList<SegmentReference> Segments, IReadOnlyList<VersionEntry> History)
{
    /// <summary>Segments that a version may have: a search visits every one.</summary>
    public const int MaxSegments = 1024;

    /// <summary>Older versions that a pointer names.</summary>
    public const int MaxHistory = 256;

    private const int HeadLength = 40, SegmentLength = 32, HistoryLength = 40, ChecksumLength = 4;

    /// <summary>All versions that are published if this is the newest, newest first.</summary>
    public IEnumerable<VersionEntry> Versions => History.Prepend(new VersionEntry(Id, Published, Segments.Count));

    /// <summary>What follows a version.</summary>
    /// <param name="before">The newest so far; null if there is none.</param>
    /// <param name="segments">The segments of the new one.</param>
    public static Manifest After(Manifest? before, IReadOnlyList<SegmentReference> segments) => new(
        new VersionId((before?.Id.Number ?? 0) + 1, Guid.NewGuid()), DateTimeOffset.UtcNow, segments,
        before is null ? [] : [.. before.Versions.Take(MaxHistory)]);

    /// <summary>Whether this version or its history is a given one.</summary>
    public bool Names(VersionId id) => Versions.Any(version => version.Id == id);

    /// <summary>The bytes of a pointer or of a version's object.</summary>
    public byte[] ToPointer()
    {
        var container = new ContainerWriter();
        container.Add(SectionKind.Manifest, ToBytes());
        return container.ToBytes(ObjectKind.Pointer);
    }

    /// <summary>Reads and checks a pointer or a version's object.</summary>
    /// <exception cref="CorruptDataException">It is not as FORMAT.md says.</exception>
    /// <exception cref="NotSupportedException">It is intact, and of another version of the format.</exception>
    public static Manifest ReadPointer(string key, ReadOnlyMemory<byte> pointer)
    {
        var container = new Container(key, pointer, ObjectKind.Pointer);
        try
        {
            return Read(container.Section(SectionKind.Manifest).Span);
        }
        catch (FormatException wrong)
        {
            throw container.Corrupt(SectionKind.Manifest, wrong.Message);
        }
    }

    /// <summary>The version as text, without its history, from which it can be opened.</summary>
    public string ToToken()
    {
        byte[] bytes = (this with { History = [] }).ToBytes(), token = new byte[bytes.Length + ChecksumLength];
        bytes.CopyTo(token, 0);
        BinaryPrimitives.WriteUInt32LittleEndian(token.AsSpan(bytes.Length), Crc32C.Compute(bytes));
        return Base64Url.EncodeToString(token);
    }

    /// <summary>Reads and checks what <see cref="ToToken"/> has made.</summary>
    /// <exception cref="FormatException">It is something else.</exception>
    public static Manifest ReadToken(string token)
    {
        byte[] bytes = Base64Url.DecodeFromChars(token);
        int length = bytes.Length - ChecksumLength;
        if (length < 0 || Crc32C.Compute(bytes.AsSpan(0, length)) != BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(length)))
            throw new FormatException("wrong checksum");
        return Read(bytes.AsSpan(0, length));
    }

    private byte[] ToBytes()
    {
        byte[] bytes = new byte[HeadLength + (Segments.Count * SegmentLength) + (History.Count * HistoryLength)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, Id.Number);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), Published.ToUnixTimeMilliseconds());
        Id.Nonce.TryWriteBytes(bytes.AsSpan(16), bigEndian: true, out _);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(32), Segments.Count);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(36), History.Count);
        Span<byte> rest = bytes.AsSpan(HeadLength);
        foreach (SegmentReference segment in Segments)
        {
            segment.Id.TryWriteBytes(rest, bigEndian: true, out _);
            BinaryPrimitives.WriteInt64LittleEndian(rest[16..], segment.RootLength);
            BinaryPrimitives.WriteUInt32LittleEndian(rest[24..], segment.RootChecksum);
            rest = rest[SegmentLength..];
        }

        foreach (VersionEntry version in History)
        {
            BinaryPrimitives.WriteInt64LittleEndian(rest, version.Id.Number);
            BinaryPrimitives.WriteInt64LittleEndian(rest[8..], version.Published.ToUnixTimeMilliseconds());
            version.Id.Nonce.TryWriteBytes(rest[16..], bigEndian: true, out _);
            BinaryPrimitives.WriteInt32LittleEndian(rest[32..], version.SegmentCount);
            rest = rest[HistoryLength..];
        }

        return bytes;
    }

    private static Manifest Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeadLength)
            throw new FormatException("too short");
        int segmentCount = BinaryPrimitives.ReadInt32LittleEndian(bytes[32..]);
        int historyCount = BinaryPrimitives.ReadInt32LittleEndian(bytes[36..]);
        if (segmentCount is < 1 or > MaxSegments)
            throw new FormatException($"{segmentCount} segments");
        if (historyCount is < 0 or > MaxHistory)
            throw new FormatException($"{historyCount} versions before");
        if (bytes.Length != HeadLength + (segmentCount * SegmentLength) + (historyCount * HistoryLength))
            throw new FormatException("of another length");
        ReadOnlySpan<byte> rest = bytes[HeadLength..];
        var segments = new SegmentReference[segmentCount];
        for (int i = 0; i < segmentCount; i++, rest = rest[SegmentLength..])
        {
            long rootLength = BinaryPrimitives.ReadInt64LittleEndian(rest[16..]);
            if (rootLength < ObjectHeader.Length || rootLength > AlignedBuffer<byte>.MaxBytes)
                throw new FormatException($"a root of {rootLength} bytes");
            segments[i] = new SegmentReference(
                new Guid(rest[..16], bigEndian: true), rootLength, BinaryPrimitives.ReadUInt32LittleEndian(rest[24..]));
        }

        VersionEntry newest = ReadEntry(bytes), before = newest;
        var history = new VersionEntry[historyCount];
        for (int i = 0; i < historyCount; i++, rest = rest[HistoryLength..])
        {
            history[i] = ReadEntry(rest);
            if (history[i].Id.Number >= before.Id.Number)
                throw new FormatException($"version {history[i].Id.Number} before {before.Id.Number}");
            before = history[i];
        }

        return new Manifest(newest.Id, newest.Published, segments, history);
    }

    /// <summary>Reads what the head and an entry of the history begin with.</summary>
    private static VersionEntry ReadEntry(ReadOnlySpan<byte> bytes)
    {
        long number = BinaryPrimitives.ReadInt64LittleEndian(bytes), milliseconds = BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]);
        int segments = BinaryPrimitives.ReadInt32LittleEndian(bytes[32..]);
        if (number < 1)
            throw new FormatException($"version {number}");
        if (milliseconds < 0 || milliseconds > DateTimeOffset.MaxValue.ToUnixTimeMilliseconds())
            throw new FormatException("a time out of range");
        if (segments is < 1 or > MaxSegments)
            throw new FormatException($"a version of {segments} segments");
        return new VersionEntry(
            new VersionId(number, new Guid(bytes.Slice(16, 16), bigEndian: true)),
            DateTimeOffset.FromUnixTimeMilliseconds(milliseconds), segments);
    }
}

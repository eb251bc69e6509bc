using System.Buffers.Binary;
using VectorEngine.Numerics;

namespace VectorEngine.Format;

/// <summary>A segment as a version names it.</summary>
/// <param name="Id">Its ID.</param>
/// <param name="RootLength">Length of its root.</param>
/// <param name="RootChecksum">CRC-32C of its whole root.</param>
internal readonly record struct SegmentReference(Guid Id, long RootLength, uint RootChecksum);

/// <summary>What the pointer object contains: the newest version of an index.</summary>
/// <param name="Version">1 for the first, then one more each time.</param>
/// <param name="Published">When it was published.</param>
/// <param name="Segments">The segments, whose rows follow each other in this order.</param>
internal sealed record Manifest(long Version, DateTimeOffset Published, IReadOnlyList<SegmentReference> Segments)
{
    /// <summary>Segments that a version may have: a search visits every one.</summary>
    public const int MaxSegments = 1024;

    private const int HeadLength = 40, EntryLength = 32;

    /// <summary>The bytes of a pointer; a random nonce makes every one unique, and so its entity tag.</summary>
    public byte[] ToPointer()
    {
        byte[] bytes = new byte[HeadLength + (Segments.Count * EntryLength)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, Version);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), Published.ToUnixTimeMilliseconds());
        Guid.NewGuid().TryWriteBytes(bytes.AsSpan(16));
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(32), Segments.Count);
        for (int i = 0; i < Segments.Count; i++)
        {
            Span<byte> entry = bytes.AsSpan(HeadLength + (i * EntryLength));
            Segments[i].Id.TryWriteBytes(entry, bigEndian: true, out _);
            BinaryPrimitives.WriteInt64LittleEndian(entry[16..], Segments[i].RootLength);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[24..], Segments[i].RootChecksum);
        }

        var container = new ContainerWriter();
        container.Add(SectionKind.Manifest, bytes);
        return container.ToBytes(ObjectKind.Pointer);
    }

    /// <summary>Reads and checks a pointer.</summary>
    /// <exception cref="CorruptDataException">It is not a pointer as FORMAT.md says.</exception>
    /// <exception cref="NotSupportedException">It is intact, and of another version of the format.</exception>
    public static Manifest ReadPointer(string key, ReadOnlyMemory<byte> pointer)
    {
        var container = new Container(key, pointer, ObjectKind.Pointer);
        ReadOnlySpan<byte> bytes = container.Section(SectionKind.Manifest).Span;
        Require(bytes.Length >= HeadLength, "too short");
        long version = BinaryPrimitives.ReadInt64LittleEndian(bytes), milliseconds = BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]);
        int count = BinaryPrimitives.ReadInt32LittleEndian(bytes[32..]);
        Require(version >= 1, $"version {version}");
        Require(milliseconds >= 0 && milliseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds(), "a time out of range");
        Require(count is >= 1 and <= MaxSegments && bytes.Length == HeadLength + (count * EntryLength), $"{count} segments");
        var segments = new SegmentReference[count];
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> entry = bytes.Slice(HeadLength + (i * EntryLength), EntryLength);
            long rootLength = BinaryPrimitives.ReadInt64LittleEndian(entry[16..]);
            Require(rootLength >= ObjectHeader.Length && rootLength <= AlignedBuffer<byte>.MaxBytes, $"a root of {rootLength} bytes");
            segments[i] = new SegmentReference(
                new Guid(entry[..16], bigEndian: true), rootLength, BinaryPrimitives.ReadUInt32LittleEndian(entry[24..]));
        }

        return new Manifest(version, DateTimeOffset.FromUnixTimeMilliseconds(milliseconds), segments);

        void Require(bool condition, string reason)
        {
            if (!condition)
                throw container.Corrupt(SectionKind.Manifest, reason);
        }
    }
}

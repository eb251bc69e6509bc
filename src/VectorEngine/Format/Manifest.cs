using System.Buffers.Binary;
using VectorEngine.Numerics;

namespace VectorEngine.Format;

/// <summary>What the pointer object contains: the newest version of an index.</summary>
/// <param name="Version">1 for the first, then one more each time.</param>
/// <param name="Published">When it was published.</param>
/// <param name="Segment">The segment's ID.</param>
/// <param name="RootLength">Length of its root.</param>
/// <param name="RootChecksum">CRC-32C of its whole root.</param>
internal sealed record Manifest(long Version, DateTimeOffset Published, Guid Segment, long RootLength, uint RootChecksum)
{
    private const int Length = 72;

    /// <summary>The bytes of a pointer; a random nonce makes every one unique, and so its entity tag.</summary>
    public byte[] ToPointer()
    {
        byte[] bytes = new byte[Length];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, Version);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), Published.ToUnixTimeMilliseconds());
        Guid.NewGuid().TryWriteBytes(bytes.AsSpan(16));
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(32), 1);
        Segment.TryWriteBytes(bytes.AsSpan(40), bigEndian: true, out _);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(56), RootLength);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(64), RootChecksum);
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
        ReadOnlySpan<byte> bytes = container.Section(SectionKind.Manifest, Length).Span;
        long version = BinaryPrimitives.ReadInt64LittleEndian(bytes), milliseconds = BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]);
        long rootLength = BinaryPrimitives.ReadInt64LittleEndian(bytes[56..]);
        if (version < 1 || BinaryPrimitives.ReadInt32LittleEndian(bytes[32..]) != 1
            || rootLength < ObjectHeader.Length || rootLength > AlignedBuffer<byte>.MaxBytes
            || milliseconds < 0 || milliseconds > DateTimeOffset.MaxValue.ToUnixTimeMilliseconds())
        {
            throw container.Corrupt(SectionKind.Manifest, "a value is out of range");
        }

        return new Manifest(
            version,
            DateTimeOffset.FromUnixTimeMilliseconds(milliseconds),
            new Guid(bytes.Slice(40, 16), bigEndian: true),
            rootLength,
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[64..]));
    }
}

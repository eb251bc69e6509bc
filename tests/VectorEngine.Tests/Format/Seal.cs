using System.Buffers.Binary;
using VectorEngine.Format;
using VectorEngine.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Format;

/// <summary>Recomputes checksums after a change, as someone would who forges an object.</summary>
internal static class Seal
{
    /// <summary>Makes all checksums of a container right, as far as its table makes sense.</summary>
    public static void Sections(byte[] container)
    {
        uint count = Math.Min(BinaryPrimitives.ReadUInt32LittleEndian(container.AsSpan(24)), (uint)(container.Length - 64) / 32);
        for (int i = 0; i < count; i++)
        {
            Span<byte> entry = container.AsSpan(64 + (32 * i));
            ulong offset = BinaryPrimitives.ReadUInt64LittleEndian(entry[8..]),
                length = BinaryPrimitives.ReadUInt64LittleEndian(entry[16..]);
            if (offset <= (ulong)container.Length && length <= (ulong)container.Length - offset)
                BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], Crc32C.Compute(container.AsSpan((int)offset, (int)length)));
        }

        BinaryPrimitives.WriteUInt32LittleEndian(container.AsSpan(28), 0);
        BinaryPrimitives.WriteUInt32LittleEndian(container.AsSpan(28), Crc32C.Compute(container.AsSpan(0, 64 + (32 * (int)count))));
    }

    /// <summary>Replaces an index's root by one with right checksums, and the pointer by one that names it.</summary>
    public static async Task ReplaceRootAsync(IObjectStore store, byte[] root)
    {
        string pointerKey = IndexKeys.Pointer(TestIndex.Name);
        Manifest manifest = Manifest.ReadPointer(pointerKey, (await store.TryReadAsync(pointerKey))!.Content);
        SegmentReference forged = manifest.Segments[0] with { RootLength = root.Length, RootChecksum = Crc32C.Compute(root) };
        await store.WriteAsync(IndexKeys.Segment(TestIndex.Name, forged.Id).Root, root, WriteCondition.None);
        manifest = manifest with { Segments = [forged] };
        await store.WriteAsync(pointerKey, manifest.ToPointer(), WriteCondition.None);
    }
}

namespace VectorEngine.Format;

/// <summary>The section of a small segment's root that has copies of the other objects, so that they need not be read.</summary>
internal static class ObjectCopies
{
    /// <summary>The section's bytes.</summary>
    /// <param name="objects">The objects in the order of <see cref="SegmentKeys.BesideRoot"/>, empty where there is none.</param>
    public static byte[] ToBytes(IReadOnlyList<ReadOnlyMemory<byte>> objects)
    {
        byte[] bytes = new byte[objects.Sum(content => Container.Align(content.Length))];
        Span<byte> rest = bytes;
        foreach (ReadOnlyMemory<byte> content in objects)
        {
            content.Span.CopyTo(rest);
            rest = rest[(int)Container.Align(content.Length)..];
        }

        return bytes;
    }

    /// <summary>Reads and checks the section.</summary>
    /// <returns>The objects in the order of <see cref="SegmentKeys.BesideRoot"/>, empty where there is none.</returns>
    /// <exception cref="CorruptDataException">It has not the length of all objects.</exception>
    public static ReadOnlyMemory<byte>[] Read(Container root, SegmentDescription description, ZoneTable? zones)
    {
        if (root.Has(SectionKind.VectorsKey))
            throw root.Corrupt(SectionKind.Copies, "the vectors are in an object of the caller's");
        long[] lengths =
        [
            description.SignLength, description.ExLength, description.VectorsLength, description.ChecksumsLength,
            description.MetadataLength, root.Has(SectionKind.IdColumn) ? IdPages.ObjectLength(description.Count) : 0, zones?.Length ?? 0,
        ];
        var objects = new ReadOnlyMemory<byte>[lengths.Length];
        ReadOnlyMemory<byte> rest = root.Section(SectionKind.Copies);
        for (int i = 0; i < objects.Length; i++)
        {
            // Lengths beyond the section's are only claims, and need not be ones that can be rounded up.
            if (lengths[i] > rest.Length || Container.Align(lengths[i]) > rest.Length)
                throw root.Corrupt(SectionKind.Copies, "shorter than the objects");
            objects[i] = rest[..(int)lengths[i]];
            rest = rest[(int)Container.Align(lengths[i])..];
        }

        return rest.IsEmpty ? objects : throw root.Corrupt(SectionKind.Copies, "longer than the objects");
    }
}

namespace VectorEngine.Format;

/// <summary>The keys of an index's objects.</summary>
internal static class IndexKeys
{
    public static string Pointer(string index) => $"{index}/pointer";

    /// <summary>What the keys of the objects of all versions of an index start with.</summary>
    public static string Versions(string index) => $"{index}/versions/";

    /// <summary>The object of a version.</summary>
    public static string Version(string index, VersionId version) => $"{Versions(index)}{version}";

    /// <summary>What the keys of all leases of an index start with.</summary>
    public static string Leases(string index) => $"{index}/leases/";

    /// <summary>What the keys of all segments of an index start with.</summary>
    public static string Segments(string index) => $"{index}/segments/";

    public static SegmentKeys Segment(string index, Guid segment) => new($"{Segments(index)}{segment:N}");

    /// <summary>An object that tells the store's time, of a segment that has nothing else.</summary>
    public static string Clock(string index, Guid segment) => $"{Segment(index, segment).Prefix}/clock";

    /// <summary>An object on which conditional writes are tried, of a segment that has nothing else.</summary>
    public static string Probe(string index, Guid segment) => $"{Segment(index, segment).Prefix}/probe";
}

/// <summary>The keys of a segment's objects.</summary>
/// <param name="Prefix">What they all start with.</param>
internal readonly record struct SegmentKeys(string Prefix)
{
    public string Root => $"{Prefix}/root";

    public string Sign => $"{Prefix}/sign";

    public string Ex => $"{Prefix}/ex";

    /// <summary>The stored vectors, which may be in an object of the caller's.</summary>
    public string Vectors { get => field ?? $"{Prefix}/vectors"; init; }

    public string Checksums => $"{Prefix}/checksums";

    public string Metadata => $"{Prefix}/metadata";

    public string Ids => $"{Prefix}/ids";

    public string Zones => $"{Prefix}/zones";

    /// <summary>All but the root, in the order of their copies in it.</summary>
    public string[] BesideRoot => [Sign, Ex, Vectors, Checksums, Metadata, Ids, Zones];

    /// <summary>What an object of a segment holds; an object of the caller's holds vectors.</summary>
    public static LayerKind KindOf(string key) => key.AsSpan(key.LastIndexOf('/') + 1) switch
    {
        "root" => LayerKind.Root,
        "sign" => LayerKind.Sign,
        "ex" => LayerKind.Ex,
        "metadata" or "zones" => LayerKind.Metadata,
        "ids" => LayerKind.Ids,
        _ => LayerKind.Vectors,
    };
}

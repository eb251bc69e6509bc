namespace VectorEngine;

/// <summary>Lengths of an index's objects in the store, in bytes.</summary>
public readonly record struct IndexSize
{
    /// <summary>
    /// What is read at open: description, transform, quantized centroids, list table; of small segments also copies of the other objects.
    /// </summary>
    public long RootBytes { get; init; }

    /// <summary>The 1-bit layer, centroids included.</summary>
    public long SignBytes { get; init; }

    /// <summary>The 3-bit layer.</summary>
    public long ExBytes { get; init; }

    /// <summary>The stored vectors, unless they are in an object of the caller's, and their checksums.</summary>
    public long VectorBytes { get; init; }

    /// <summary>The metadata, and what filters need to know of it before they read lists.</summary>
    public long MetadataBytes { get; init; }

    /// <summary>What finds vectors by their ids.</summary>
    public long IdBytes { get; init; }

    /// <summary>All of them.</summary>
    public long TotalBytes => RootBytes + SignBytes + ExBytes + VectorBytes + MetadataBytes + IdBytes;
}

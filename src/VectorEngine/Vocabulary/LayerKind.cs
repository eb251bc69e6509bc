namespace VectorEngine;

/// <summary>What an object of a segment holds: for the reports of what is in memory and what is read.</summary>
internal enum LayerKind
{
    /// <summary>What is read at open.</summary>
    Root,

    /// <summary>Posting lists of the 1-bit layer.</summary>
    Sign,

    /// <summary>Posting lists of the 3-bit layer.</summary>
    Ex,

    /// <summary>Stored vectors and their checksums.</summary>
    Vectors,

    /// <summary>Metadata and zones.</summary>
    Metadata,

    /// <summary>Ids.</summary>
    Ids,
}

using VectorEngine.Arrow;

namespace VectorEngine.Input;

/// <summary>Consecutive rows of a source.</summary>
public sealed class VectorBatch
{
    /// <summary>Vectors and, if there are any, their metadata.</summary>
    /// <param name="vectors">The vectors; empty batches are allowed.</param>
    /// <param name="metadata">A row for each vector; null for none. All batches of a source have the same columns, or none.</param>
    /// <exception cref="ArgumentException">The numbers of rows differ.</exception>
    public VectorBatch(VectorMatrix vectors, RecordBatch? metadata = null)
    {
        if (metadata is not null && metadata.RowCount != vectors.Count)
            throw new ArgumentException($"{metadata.RowCount} rows of metadata for {vectors.Count} vectors.", nameof(metadata));
        Vectors = vectors;
        Metadata = metadata;
    }

    /// <summary>The vectors.</summary>
    public VectorMatrix Vectors { get; }

    /// <summary>Their metadata; null if there is none.</summary>
    public RecordBatch? Metadata { get; }
}

namespace VectorEngine;

/// <summary>The input of a build is malformed: truncated, ragged, empty, or changed while it was read.</summary>
public sealed class InvalidInputException : VectorEngineException
{
    /// <summary>Reports malformed input.</summary>
    /// <param name="source">The file; null where the input has no name.</param>
    /// <param name="row">The row, from 0; null where the input as a whole is meant.</param>
    /// <param name="reason">What is wrong with it, without a full stop.</param>
    public InvalidInputException(string? source, long? row, string reason)
        : base($"{(source is null ? "The input" : $"'{source}'")}{(row is null ? "" : $", row {row}")}: {reason}.")
    {
        InputName = source;
        Row = row;
        Reason = reason;
    }

    /// <summary>The file; null where the input has no name.</summary>
    public string? InputName { get; }

    /// <summary>The row, from 0; null where the input as a whole is meant.</summary>
    public long? Row { get; }

    /// <summary>What is wrong with it.</summary>
    public string Reason { get; }
}

/// <summary>
/// A vector in the input cannot be indexed or searched: not finite, too large, without direction under cosine, or without an id where
/// vectors have ids.
/// </summary>
public sealed class InvalidVectorException : VectorEngineException
{
    /// <summary>Reports an unusable vector.</summary>
    /// <param name="row">Its row in the input; 0 for a single query.</param>
    /// <param name="reason">What is wrong with it, with a full stop.</param>
    /// <param name="source">The file that it comes from; null where the input has no name.</param>
    public InvalidVectorException(long row, string reason, string? source = null)
        : base(source is null ? $"Vector {row}: {reason}" : $"'{source}', vector {row}: {reason}")
    {
        Row = row;
        Reason = reason;
        InputName = source;
    }

    /// <summary>The file that it comes from; null where the input has no name.</summary>
    public string? InputName { get; }

    /// <summary>What is wrong with it.</summary>
    public string Reason { get; }

    /// <summary>The vector's row in the input; 0 for a single query.</summary>
    public long Row { get; }
}

namespace VectorEngine;

/// <summary>What a build has made.</summary>
/// <param name="Version">The version that it published.</param>
/// <param name="Count">Vectors that it indexed.</param>
/// <param name="SkippedCount">Rows of the input that it left out because they cannot be indexed.</param>
/// <param name="Skipped">The first <see cref="MaxSkipped"/> of those rows.</param>
public sealed record BuildReport(long Version, long Count, long SkippedCount, IReadOnlyList<SkippedRow> Skipped)
{
    /// <summary>The most rows that <see cref="Skipped"/> names.</summary>
    public const int MaxSkipped = 1000;
}

/// <summary>A row of the input that a build left out.</summary>
/// <param name="Row">Its row in the input, from 0.</param>
/// <param name="Reason">Why it cannot be indexed.</param>
public readonly record struct SkippedRow(long Row, string Reason);

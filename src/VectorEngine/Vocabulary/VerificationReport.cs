namespace VectorEngine;

/// <summary>What reading a whole index has shown.</summary>
public sealed class VerificationReport
{
    internal VerificationReport(long bytesRead, long damagedRanges, IReadOnlyList<CorruptDataException> damages) =>
        (BytesRead, DamagedRanges, Damages) = (bytesRead, damagedRanges, damages);

    /// <summary>Whether nothing is damaged.</summary>
    public bool IsIntact => DamagedRanges == 0;

    /// <summary>Bytes whose checksums were compared.</summary>
    public long BytesRead { get; }

    /// <summary>Number of ranges that are damaged or missing.</summary>
    public long DamagedRanges { get; }

    /// <summary>What is wrong with each of them: the first thousand, in no particular order.</summary>
    public IReadOnlyList<CorruptDataException> Damages { get; }
}

using System.Buffers.Binary;
using System.Runtime.InteropServices;
using VectorEngine.Quantization;

namespace VectorEngine.Building;

/// <summary>
/// An encoded vector on its way into its posting list: what the scratch files consist of. Never leaves the machine that wrote it.
/// </summary>
/// <remarks>
/// <code>
/// 0   uint32  cluster
/// 4   uint32  ordinal
/// 8   float32 squared length of the residual
/// 12  3 float32: factors of the 1-bit layer
/// 24  D/8 bytes: sign bits (CodeWriter.PackSigns)
///     the ex record as it is stored
/// </code>
/// </remarks>
internal sealed class PostingRecord(CodeLayout layout)
{
    private const int SignOffset = 24;

    private readonly int _exOffset = SignOffset + (layout.PaddedDimensions / 8);

    /// <summary>Bytes of a record.</summary>
    public int Length => _exOffset + layout.ExRecordBytes;

    public void Write(
        Span<byte> record, int cluster, uint ordinal, float squaredNorm, ReadOnlySpan<byte> codes, in CodeFactors sign, in CodeFactors full)
    {
        record.Clear();
        MemoryMarshal.Write(record, cluster);
        MemoryMarshal.Write(record[4..], ordinal);
        MemoryMarshal.Write(record[8..], squaredNorm);
        MemoryMarshal.Write(record[12..], sign);
        CodeWriter.PackSigns(codes, record[SignOffset.._exOffset]);
        CodeWriter.WriteEx(layout, record[_exOffset..], codes, full);
    }

    public static int Cluster(ReadOnlySpan<byte> record) => MemoryMarshal.Read<int>(record);

    public static float SquaredNorm(ReadOnlySpan<byte> record) => MemoryMarshal.Read<float>(record[8..]);

    /// <summary>Puts a record into its block of the 1-bit layer.</summary>
    public void CopySign(ReadOnlySpan<byte> record, Span<byte> block, int slot) => CodeWriter.WriteSign(
        layout, block, slot, record[SignOffset.._exOffset], MemoryMarshal.Read<CodeFactors>(record[12..]),
        BinaryPrimitives.ReadUInt32LittleEndian(record[4..]));

    /// <summary>The ex record.</summary>
    public ReadOnlySpan<byte> Ex(ReadOnlySpan<byte> record) => record.Slice(_exOffset, layout.ExRecordBytes);
}

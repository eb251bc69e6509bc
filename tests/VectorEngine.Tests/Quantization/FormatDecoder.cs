using System.Buffers.Binary;

namespace VectorEngine.Tests.Quantization;

/// <summary>
/// Decodes posting lists as FORMAT.md describes them, one bit at a time, without any of the engine's code: the document is what is tested.
/// </summary>
internal sealed class FormatDecoder(int dimensions)
{
    public readonly record struct Factors(float Add, float Rescale, float Error);

    public int PaddedDimensions { get; } = (dimensions + 15) / 16 * 16;

    public int CentroidBytes => (2 * PaddedDimensions + 63) / 64 * 64;

    public int BlockBytes => (4 * PaddedDimensions) + 448;

    public int RecordBytes
    {
        get
        {
            int rest = PaddedDimensions % 64;
            return 10 + (PaddedDimensions / 4) + (PaddedDimensions / 64 * 8) + Math.Min(8, rest / 4);
        }
    }

    public int SignListBytes(int postings) => CentroidBytes + ((postings + 31) / 32 * BlockBytes);

    public int ExListBytes(int postings) => (postings * RecordBytes + 63) / 64 * 64;

    /// <summary>The centroid at the head of a sign list, as stored.</summary>
    public float[] Centroid(ReadOnlySpan<byte> signList)
    {
        float[] values = new float[PaddedDimensions];
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(signList[(2 * i)..]);
        return values;
    }

    /// <summary>1 where the residual is not negative.</summary>
    public int SignBit(ReadOnlySpan<byte> blocks, int posting, int dimension)
    {
        ReadOnlySpan<byte> group = blocks[((posting / 32 * BlockBytes) + (dimension / 4 * 16))..];
        int within = posting % 32;
        // "byte 2j has posting j in its lower and posting 16 + j in its upper four bits, byte 2j + 1 postings 8 + j and 24 + j"
        (int position, int shift) = (within / 8) switch
        {
            0 => (2 * within, 0),
            1 => ((2 * (within - 8)) + 1, 0),
            2 => (2 * (within - 16), 4),
            _ => ((2 * (within - 24)) + 1, 4),
        };
        return group[position] >> (shift + (dimension % 4)) & 1;
    }

    public Factors SignFactors(ReadOnlySpan<byte> blocks, int posting)
    {
        ReadOnlySpan<byte> factors = blocks[((posting / 32 * BlockBytes) + (4 * PaddedDimensions))..];
        int slot = posting % 32;
        return new Factors(
            BinaryPrimitives.ReadSingleLittleEndian(factors[(4 * slot)..]),
            BinaryPrimitives.ReadSingleLittleEndian(factors[(128 + (4 * slot))..]),
            BFloat16(factors[(256 + (2 * slot))..]));
    }

    public uint Ordinal(ReadOnlySpan<byte> blocks, int posting) =>
        BinaryPrimitives.ReadUInt32LittleEndian(
            blocks[((posting / 32 * BlockBytes) + (4 * PaddedDimensions) + 320 + (posting % 32 * 4))..]);

    public Factors ExFactors(ReadOnlySpan<byte> exList, int posting)
    {
        ReadOnlySpan<byte> record = exList[(posting * RecordBytes)..];
        return new Factors(
            BinaryPrimitives.ReadSingleLittleEndian(record), BinaryPrimitives.ReadSingleLittleEndian(record[4..]), BFloat16(record[8..]));
    }

    /// <summary>The 3-bit ex-code of one dimension.</summary>
    public int ExCode(ReadOnlySpan<byte> exList, int posting, int dimension)
    {
        ReadOnlySpan<byte> record = exList[(posting * RecordBytes)..];
        ReadOnlySpan<byte> twoBits = record[10..], oneBit = record[(10 + (PaddedDimensions / 4))..];
        int unit = dimension / 64, rest = Math.Min(64, PaddedDimensions - (64 * unit)), width = rest / 4;
        int l = dimension % 64 / width, j = dimension % 64 % width;
        int lower = twoBits[(16 * unit) + j] >> (2 * l) & 3;
        int upper = oneBit[(8 * unit) + (j % 8)] >> (j > 7 ? l + 4 : l) & 1;
        return lower + (4 * upper);
    }

    /// <summary>The 4-bit codes u = 8 s + e of a posting.</summary>
    public byte[] Codes(ReadOnlySpan<byte> blocks, ReadOnlySpan<byte> exList, int posting)
    {
        byte[] codes = new byte[PaddedDimensions];
        for (int d = 0; d < codes.Length; d++)
            codes[d] = (byte)((8 * SignBit(blocks, posting, d)) + ExCode(exList, posting, d));
        return codes;
    }

    /// <summary>The entries of an id table.</summary>
    public static (byte[] Key, uint Ordinal)[] Ids(ReadOnlySpan<byte> table, int rows)
    {
        var entries = new (byte[] Key, uint Ordinal)[rows];
        for (int row = 0; row < rows; row++)
        {
            // "64 bytes ..., then pages: 20 bytes for each of 512 rows, then the uint32 CRC"
            ReadOnlySpan<byte> entry = table.Slice(64 + (row / 512 * ((20 * 512) + 4)) + (row % 512 * 20), 20);
            entries[row] = (entry[..16].ToArray(), BinaryPrimitives.ReadUInt32LittleEndian(entry[16..]));
        }

        return entries;
    }

    private static float BFloat16(ReadOnlySpan<byte> bytes) =>
        BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(bytes) << 16);
}

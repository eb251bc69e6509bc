using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace VectorEngine.Input;

/// <summary>
/// A two-dimensional array in a .npy file, row-major (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
/// </summary>
internal sealed partial class NumpySource : VectorSource
{
    private const int MagicLength = 6, LongestHeader = 1 << 16;

    private readonly FixedRowReader _rows;

    public NumpySource(string path)
    {
        using FileStream file = File.OpenRead(path);
        byte[] bytes = new byte[(int)Math.Min(LongestHeader, file.Length)];
        file.ReadExactly(bytes);
        if (bytes.Length < 12 || bytes[0] != 0x93 || !bytes.AsSpan(1, MagicLength - 1).SequenceEqual("NUMPY"u8))
            throw new InvalidInputException(path, null, "it is not a .npy file");
        if (bytes[MagicLength] is < 1 or > 3)
            throw new InvalidInputException(path, null, $"it is a .npy file of version {bytes[MagicLength]}, which is unknown");
        // Version 1 has a header length of 16 bits, later ones of 32.
        int start = bytes[MagicLength] == 1 ? 10 : 12;
        uint length = start == 10
            ? BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(8))
            : BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(8));
        if (length > bytes.Length - start)
            throw new InvalidInputException(path, null, $"it ends within its header of {length} bytes");
        (long count, long dimensions, ValueType type) = ParseHeader(path, Encoding.Latin1.GetString(bytes, start, (int)length));
        long offset = start + length;
        Int128 needed = (Int128)count * dimensions * type.Size();
        if (needed != file.Length - offset)
            throw new InvalidInputException(
                path, null, $"its header announces {needed} bytes of {count} x {dimensions} values, {file.Length - offset} follow");
        _rows = new FixedRowReader(path, offset, count, CheckDimensions(path, dimensions), type, 0);
    }

    internal override string? Name => _rows.Path;

    internal override ValueTask<long?> CountAsync(CancellationToken cancellationToken) => ValueTask.FromResult<long?>(_rows.Count);

    public override IAsyncEnumerable<VectorBatch> ReadAsync(CancellationToken cancellationToken = default) =>
        _rows.ReadAsync(cancellationToken);

    private static (long Count, long Dimensions, ValueType Type) ParseHeader(string path, string header)
    {
        Match shape = Shape().Match(header), type = Description().Match(header);
        if (!shape.Success
            || !long.TryParse(shape.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out long count)
            || !long.TryParse(shape.Groups[2].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out long dimensions))
            throw new InvalidInputException(path, null, $"it is not a two-dimensional array: {header.Trim()}");
        if (!RowMajor().IsMatch(header))
            throw new InvalidInputException(path, null, "its array is stored column by column");
        return (count, dimensions, type.Groups[1].Value switch
        {
            "<f4" => ValueType.Float32,
            "<f2" => ValueType.Float16,
            "|u1" => ValueType.UInt8,
            _ => throw new InvalidInputException(path, null, $"its values are neither float32, float16 nor uint8: {header.Trim()}"),
        });
    }

    [GeneratedRegex(@"'shape'\s*:\s*\(\s*(\d+)\s*,\s*(\d+)\s*,?\s*\)")]
    private static partial Regex Shape();

    [GeneratedRegex(@"'descr'\s*:\s*'([^']*)'")]
    private static partial Regex Description();

    [GeneratedRegex(@"'fortran_order'\s*:\s*False")]
    private static partial Regex RowMajor();
}

using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace VectorEngine.AnnBench;

/// <summary>Reads the vector files that benchmarks of nearest neighbour search use.</summary>
internal static class VectorFiles
{
    /// <summary>Reads .fvecs (rows of int32 dimension, float32 values), .bvecs (the same with bytes) or .npy (two-dimensional float32).</summary>
    public static VectorMatrix Read(string path) => Path.GetExtension(path) switch
    {
        ".fvecs" => ReadRows(path, valueBytes: 4),
        ".bvecs" => ReadRows(path, valueBytes: 1),
        ".npy" => ReadNumpy(path),
        string other => throw new InvalidDataException($"{path}: '{other}' is not .fvecs, .bvecs or .npy."),
    };

    /// <summary>Reads .ivecs: the ids of each query's true neighbours, nearest first.</summary>
    public static int[][] ReadGroundTruth(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        int width = RowWidth(path, bytes, valueBytes: 4);
        int[][] rows = new int[bytes.Length / (4 + (4 * width))][];
        for (int row = 0; row < rows.Length; row++)
            rows[row] = MemoryMarshal.Cast<byte, int>(bytes.AsSpan((row * (4 + (4 * width))) + 4, 4 * width)).ToArray();
        return rows;
    }

    private static VectorMatrix ReadRows(string path, int valueBytes)
    {
        byte[] bytes = File.ReadAllBytes(path);
        int dimensions = RowWidth(path, bytes, valueBytes), rowBytes = 4 + (valueBytes * dimensions);
        float[] values = new float[bytes.Length / rowBytes * dimensions];
        for (int row = 0; row < bytes.Length / rowBytes; row++)
        {
            ReadOnlySpan<byte> source = bytes.AsSpan((row * rowBytes) + 4, valueBytes * dimensions);
            Span<float> target = values.AsSpan(row * dimensions, dimensions);
            if (valueBytes == 4)
            {
                source.CopyTo(MemoryMarshal.AsBytes(target));
                continue;
            }

            for (int i = 0; i < dimensions; i++)
                target[i] = source[i];
        }

        return new VectorMatrix(values, dimensions);
    }

    private static int RowWidth(string path, byte[] bytes, int valueBytes)
    {
        int width = bytes.Length >= 4 ? BinaryPrimitives.ReadInt32LittleEndian(bytes) : 0;
        if (width < 1 || bytes.Length % (4 + ((long)valueBytes * width)) != 0)
            throw new InvalidDataException($"{path}: {bytes.Length} bytes are no whole rows of {width} values.");
        return width;
    }

    private static VectorMatrix ReadNumpy(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        if (bytes.Length < 12 || !bytes.AsSpan(1, 5).SequenceEqual("NUMPY"u8))
            throw new InvalidDataException($"{path}: not a .npy file.");
        int start = bytes[6] == 1 ? 10 : 12;
        int length = bytes[6] == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(8)) : BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(8));
        string header = Encoding.Latin1.GetString(bytes, start, length);
        string shape = header[(header.IndexOf('(') + 1)..header.IndexOf(')')];
        int[] sizes = [.. shape.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(s => int.Parse(s, CultureInfo.InvariantCulture))];
        if (sizes.Length != 2 || !header.Contains("'<f4'") || header.Contains("'fortran_order': True"))
            throw new InvalidDataException($"{path}: not a row-major matrix of float32: {header.Trim()}");
        return new VectorMatrix(MemoryMarshal.Cast<byte, float>(bytes.AsSpan(start + length)).ToArray(), sizes[1]);
    }
}

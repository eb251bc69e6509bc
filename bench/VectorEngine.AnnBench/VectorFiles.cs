using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace VectorEngine.AnnBench;

/// <summary>Reads the vector files that benchmarks of nearest neighbour search use.</summary>
internal static class VectorFiles
{
    /// <summary>
    /// Reads .fvecs (rows of int32 dimension, float32 values), .bvecs (the same with bytes) or .npy (two-dimensional float32).
    /// </summary>
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
        int width = CheckWidth(path, bytes, bytes.Length, valueBytes: 4);
        int[][] rows = new int[bytes.Length / (4 + (4 * width))][];
        for (int row = 0; row < rows.Length; row++)
            rows[row] = MemoryMarshal.Cast<byte, int>(bytes.AsSpan((row * (4 + (4 * width))) + 4, 4 * width)).ToArray();
        return rows;
    }

    private static VectorMatrix ReadRows(string path, int valueBytes)
    {
        using FileStream file = File.OpenRead(path);
        byte[] head = new byte[4];
        file.ReadExactly(head);
        int dimensions = CheckWidth(path, head, file.Length, valueBytes), rowBytes = 4 + (valueBytes * dimensions);
        float[] values = new float[checked((int)(file.Length / rowBytes * dimensions))];
        byte[] row = new byte[rowBytes];
        file.Position = 0;
        for (int start = 0; start < values.Length; start += dimensions)
        {
            file.ReadExactly(row);
            Span<float> target = values.AsSpan(start, dimensions);
            if (valueBytes == 4)
            {
                row.AsSpan(4).CopyTo(MemoryMarshal.AsBytes(target));
                continue;
            }

            for (int i = 0; i < dimensions; i++)
                target[i] = row[4 + i];
        }

        return new VectorMatrix(values, dimensions);
    }

    private static int CheckWidth(string path, ReadOnlySpan<byte> head, long length, int valueBytes)
    {
        int width = BinaryPrimitives.ReadInt32LittleEndian(head);
        if (width < 1 || length % (4 + ((long)valueBytes * width)) != 0)
            throw new InvalidDataException($"{path}: {length} bytes are no whole rows of {width} values.");
        return width;
    }

    private static VectorMatrix ReadNumpy(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        if (bytes.Length < 12 || !bytes.AsSpan(1, 5).SequenceEqual("NUMPY"u8))
            throw new InvalidDataException($"{path}: not a .npy file.");
        int start = bytes[6] == 1 ? 10 : 12;
        int length = bytes[6] == 1
            ? BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(8))
            : BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(8));
        string header = Encoding.Latin1.GetString(bytes, start, length);
        string shape = header[(header.IndexOf('(') + 1)..header.IndexOf(')')];
        int[] sizes = [.. shape.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(s => int.Parse(s, CultureInfo.InvariantCulture))];
        if (sizes.Length != 2 || !header.Contains("'<f4'") || header.Contains("'fortran_order': True"))
            throw new InvalidDataException($"{path}: not a row-major matrix of float32: {header.Trim()}");
        return new VectorMatrix(MemoryMarshal.Cast<byte, float>(bytes.AsSpan(start + length)).ToArray(), sizes[1]);
    }
}

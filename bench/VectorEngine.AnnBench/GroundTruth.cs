using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace VectorEngine.AnnBench;

/// <summary>Reads the true neighbours that come with benchmarks of nearest neighbour search.</summary>
internal static class GroundTruth
{
    /// <summary>Reads .ivecs: the ids of each query's true neighbours, nearest first.</summary>
    public static int[][] Read(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        int width = CheckWidth(path, bytes);
        int[][] rows = new int[bytes.Length / (4 + (4 * width))][];
        for (int row = 0; row < rows.Length; row++)
            rows[row] = MemoryMarshal.Cast<byte, int>(bytes.AsSpan((row * (4 + (4 * width))) + 4, 4 * width)).ToArray();
        return rows;
    }

    private static int CheckWidth(string path, ReadOnlySpan<byte> bytes)
    {
        int width = bytes.Length < 4 ? 0 : BinaryPrimitives.ReadInt32LittleEndian(bytes);
        if (width < 1 || bytes.Length % (4 + (4L * width)) != 0)
            throw new InvalidDataException($"{path}: {bytes.Length} bytes are no whole rows of {width} values.");
        return width;
    }
}

using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace VectorEngine.ColdBench;

/// <summary>Reads the true neighbours of queries.</summary>
internal static class TrueNeighbours
{
    /// <summary>Reads .ivecs: the ordinals of each query's neighbours, nearest first.</summary>
    public static int[][] Read(string path)
    {
        ReadOnlySpan<byte> rest = File.ReadAllBytes(path);
        var rows = new List<int[]>();
        while (!rest.IsEmpty)
        {
            int length = 4 * BinaryPrimitives.ReadInt32LittleEndian(rest);
            rows.Add(MemoryMarshal.Cast<byte, int>(rest.Slice(4, length)).ToArray());
            rest = rest[(4 + length)..];
        }

        return [.. rows];
    }
}

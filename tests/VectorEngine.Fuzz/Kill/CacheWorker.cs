using System.Buffers.Binary;
using VectorEngine.Loading;

namespace VectorEngine.Fuzz.Kill;

/// <summary>The process that is killed: reads extents from a cache on disk and adds those that it does not have, for ever.</summary>
internal static class CacheWorker
{
    public const string Started = "started";
    public const long Limit = 8 << 20;

    private const int Objects = 3, Extents = 200, MostBytes = 100_000;

    public static int Run(string folder)
    {
        using var cache = new DiskCache(folder, Limit);
        var random = new Random();
        Console.WriteLine(Started);
        while (true)
        {
            (string key, long offset, byte[] expected) = Extent(random.Next(Objects), random.Next(Extents));
            byte[] read = new byte[expected.Length];
            if (!cache.TryRead(key, offset, read))
                cache.Add(key, offset, expected);
            else if (!read.SequenceEqual(expected))
                return 1;
            Thread.Yield();
        }
    }

    /// <summary>Reads all extents that a cache has.</summary>
    /// <returns>How many there are, and how many of them are wrong.</returns>
    public static (int Found, int Wrong) Verify(string folder)
    {
        using var cache = new DiskCache(folder, Limit);
        int found = 0, wrong = 0;
        for (int i = 0; i < Objects * Extents; i++)
        {
            (string key, long offset, byte[] expected) = Extent(i / Extents, i % Extents);
            byte[] read = new byte[expected.Length];
            if (!cache.TryRead(key, offset, read))
                continue;
            found++;
            if (!read.SequenceEqual(expected))
                wrong++;
        }

        return (found, wrong);
    }

    private static (string Key, long Offset, byte[] Bytes) Extent(int which, int number)
    {
        int seed = (which * Extents) + number;
        byte[] bytes = new byte[sizeof(int) + new Random(seed).Next(MostBytes)];
        for (int i = 0; i + sizeof(int) <= bytes.Length; i += sizeof(int))
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(i), (seed * 31) + i);
        return ($"object{which}", (long)number << 18, bytes);
    }
}

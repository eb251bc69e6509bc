using BenchmarkDotNet.Attributes;
using VectorEngine.Loading;

namespace VectorEngine.Benchmarks;

/// <summary>What a search of 240 lists finds in the cache on the local disk, whose files the system has in its own.</summary>
public class DiskCacheBenchmarks
{
    private const string Key = "index/segments/00112233445566778899aabbccddeeff/sign";
    private const int Lists = 240, Length = 40_000;

    private readonly byte[] _list = new byte[Length];
    private string _folder = "";
    private DiskCache? _cache;

    /// <summary>Not asynchronous: the toolchain would not wait for it.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        _folder = Directory.CreateTempSubdirectory("vectorengine-bench-").FullName;
        _cache = new DiskCache(_folder, 1 << 30);
        for (int list = 0; list < Lists; list++)
            _cache.Add(Key, (long)list * Length, _list);
        _cache.FlushAsync().GetAwaiter().GetResult();
    }

    [Benchmark(Description = "240 lists of 40 KB from the disk cache")]
    public long Hits() => Read(0);

    [Benchmark(Description = "240 lists that the disk cache does not have")]
    public long Misses() => Read(1);

    [GlobalCleanup]
    public void CleanUp()
    {
        _cache!.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private long Read(int shift)
    {
        for (int list = 0; list < Lists; list++)
            _cache!.TryRead(Key, ((long)list * Length) + shift, _list);
        return _cache!.Hits;
    }
}

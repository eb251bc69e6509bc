using VectorEngine.Loading;
using VectorEngine.Tests.Storage;

namespace VectorEngine.Tests.Loading;

public sealed class DiskCacheTests : IDisposable
{
    private const string Key = "things/segments/00112233445566778899aabbccddeeff/sign";
    private const long Ample = 1 << 30;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task WhatWasAddedSurvivesARestart()
    {
        using (DiskCache first = Open())
        {
            first.Add(Key, 64, Extent(64, 40_000));
            first.Add(Key, 5L << 32, Extent(5L << 32, 1));
            first.Add("other" + Key, 64, Extent(65, 40_000));
        }

        using DiskCache second = Open();
        AssertHas(second, Key, 64, Extent(64, 40_000));
        AssertHas(second, Key, 5L << 32, Extent(5L << 32, 1));
        AssertHas(second, "other" + Key, 64, Extent(65, 40_000));
        Assert.False(second.TryRead(Key, 64, new byte[39_999]));
        Assert.False(second.TryRead(Key, 65, new byte[40_000]));
        Assert.Equal((3, 2, 80_001, 0), (second.Hits, second.Misses, second.BytesRead, second.BytesWritten));
        second.Remove(Key, 64, 40_000);
        Assert.False(second.TryRead(Key, 64, new byte[40_000]));
        await second.FlushAsync();
    }

    [Fact]
    public async Task InstancesShareAFolder()
    {
        using DiskCache one = Open(), two = Open();
        one.Add(Key, 0, Extent(0, 1000));
        two.Add(Key, 0, Extent(0, 1000));
        two.Add(Key, 1000, Extent(1000, 1000));
        await Task.WhenAll(one.FlushAsync(), two.FlushAsync());
        AssertHas(one, Key, 1000, Extent(1000, 1000));
        AssertHas(two, Key, 0, Extent(0, 1000));
    }

    [Fact]
    public async Task TruncatedFilesAreMissesAndOthersAreForTheCallerToReject()
    {
        using DiskCache cache = Open();
        cache.Add(Key, 0, Extent(0, 1000));
        await cache.FlushAsync();
        string file = Assert.Single(Files());
        await File.WriteAllBytesAsync(file, new byte[999]);
        Assert.False(cache.TryRead(Key, 0, new byte[1000]));
        await File.WriteAllBytesAsync(file, new byte[1001]);
        Assert.False(cache.TryRead(Key, 0, new byte[1000]));
        await File.WriteAllBytesAsync(file, new byte[1000]);
        AssertHas(cache, Key, 0, new byte[1000]);
        cache.Remove(Key, 0, 1000);
        cache.Add(Key, 0, Extent(0, 1000));
        await cache.FlushAsync();
        AssertHas(cache, Key, 0, Extent(0, 1000));
    }

    [Fact]
    public async Task WhatWasUsedLatelyIsKept()
    {
        const int Count = 40, Length = 4096;
        using (DiskCache cache = Open())
        {
            for (int i = 0; i < Count; i++)
                cache.Add(Key, i * Length, Extent(i, Length));
        }

        // The higher the offset, the longer unused, but for two that are read now.
        foreach (string file in Files())
            File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddHours(-1 - (OffsetOf(file) / Length)));
        using (DiskCache cache = Open())
        {
            AssertHas(cache, Key, (Count - 1) * Length, Extent(Count - 1, Length));
            AssertHas(cache, Key, (Count - 3) * Length, Extent(Count - 3, Length));
        }

        using (DiskCache cache = Open(limit: 20 * Length))
            await cache.FlushAsync();
        // More than 19 of 20 shares: down to 18, which are the two that were read and 16 that are the least old.
        Assert.Equal([.. Enumerable.Range(0, 16), Count - 3, Count - 1], Files().Select(file => (int)(OffsetOf(file) / Length)).Order());
    }

    [Fact]
    public async Task TheLimitIsKeptAtAnyTime()
    {
        const int Length = 10_000;
        const long Limit = 1 << 20;
        using DiskCache cache = Open(Limit);
        for (int i = 0; i < 500; i++)
        {
            cache.Add($"object{i % 3}", i * (long)Length, Extent(i, Length));
            await cache.FlushAsync();
            if (i % 20 == 0)
                Assert.InRange(Space(), 1, Limit);
        }

        Assert.InRange(Space(), Limit * 8 / 10, Limit);
        AssertHas(cache, "object1", 499 * Length, Extent(499, Length));
        Assert.Equal((0, 0), (cache.Dropped, cache.Failures));
        cache.Add(Key, 0, Extent(0, (int)Limit / 10));
        Assert.Equal(1, cache.Dropped);
    }

    [Fact]
    public async Task LeftoversAreDeletedAndForeignFilesAreNot()
    {
        using (DiskCache cache = Open())
            cache.Add(Key, 0, Extent(0, 5000));
        string extent = Assert.Single(Files()), shard = Path.GetDirectoryName(extent)!;
        string old = Path.Combine(shard, $"~{Guid.NewGuid():N}"), young = Path.Combine(shard, $"~{Guid.NewGuid():N}");
        string[] foreign = [Path.Combine(_folder.Path, "0-1388"), Path.Combine(shard, "~"), Path.Combine(shard, "notes.txt")];
        foreach (string path in (string[])[old, young, .. foreign])
            await File.WriteAllBytesAsync(path, new byte[100_000]);
        foreach (string path in (string[])[old, .. foreign])
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddDays(-1));

        using (DiskCache cache = Open(limit: 100))
            await cache.FlushAsync();
        Assert.Equal([.. foreign.Append(young).Order()], Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories).Order());
    }

    [Fact]
    public async Task FoldersThatBecameEmptyLongAgoAreDeleted()
    {
        using (DiskCache cache = Open())
            cache.Add(Key, 0, Extent(0, 5000));
        await TrimAsync();
        Assert.Empty(Files());
        string[] folders = Directory.GetDirectories(Path.Combine(_folder.Path, ExtentFolder.Name), "*", SearchOption.AllDirectories);
        Assert.Equal(2, folders.Length);
        foreach (string folder in folders)
            Directory.SetLastWriteTimeUtc(folder, DateTime.UtcNow.AddDays(-1));
        using (DiskCache cache = Open())
            cache.Add("another", 0, Extent(0, 5000));
        await TrimAsync();
        Assert.DoesNotContain(folders, Directory.Exists);

        async Task TrimAsync()
        {
            using DiskCache cache = Open(limit: 100);
            await cache.FlushAsync();
        }
    }

    [Fact]
    public async Task WhatComesFasterThanTheDiskIsDropped()
    {
        const int Count = 1000;
        byte[] extent = Extent(0, 1 << 20);
        using DiskCache cache = Open();
        for (int i = 0; i < Count; i++)
            cache.Add(Key, (long)i << 20, extent);
        await cache.FlushAsync();
        Assert.InRange(cache.Dropped, 1, Count - 32);
        Assert.Equal((Count - cache.Dropped) << 20, cache.BytesWritten);
        cache.Add(Key, 0, extent);
        await cache.FlushAsync();
        AssertHas(cache, Key, 0, extent);
    }

    [Fact]
    public async Task ADiskThatFailsIsCountedAndNothingElse()
    {
        using DiskCache cache = Open();
        cache.Add(Key, 0, Extent(0, 100));
        await cache.FlushAsync();
        string root = Path.Combine(_folder.Path, ExtentFolder.Name);
        Directory.Delete(root, recursive: true);
        cache.Add(Key, 100, Extent(100, 100)); // a folder that was deleted is made again
        await cache.FlushAsync();
        AssertHas(cache, Key, 100, Extent(100, 100));
        Assert.Equal(0, cache.Failures);

        Directory.Delete(root, recursive: true);
        await File.WriteAllTextAsync(root, "in the way");
        for (int i = 0; i < 10; i++)
            cache.Add(Key, i, Extent(i, 100));
        await cache.FlushAsync();
        Assert.False(cache.TryRead(Key, 0, new byte[100]));
        Assert.Equal((1, 10), (cache.Failures, cache.Dropped));
    }

    [Fact]
    public async Task ManyThreadsAndInstancesReadNothingButWhatWasAdded()
    {
        const int Objects = 4, Extents = 50;
        const long Limit = 120 * 4096;
        using DiskCache one = Open(Limit), two = Open(Limit);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(seed => Task.Run(async () =>
        {
            var random = new Random(seed);
            DiskCache cache = seed % 2 == 0 ? one : two;
            for (int n = 0; n < 1500; n++)
            {
                int which = random.Next(Objects), extent = random.Next(Extents), length = 3000 + extent;
                byte[] read = new byte[length], expected = Extent((which * Extents) + extent, length);
                if (cache.TryRead($"object{which}", (long)extent << 18, read))
                    Assert.Equal(expected, read);
                else
                    cache.Add($"object{which}", (long)extent << 18, expected);
                if (n % 10 == 0)
                    await cache.FlushAsync();
            }
        })));
        await Task.WhenAll(one.FlushAsync(), two.FlushAsync());
        Assert.Equal(6000, one.Hits + one.Misses + two.Hits + two.Misses);
        Assert.InRange(one.Hits + two.Hits, 500, 6000);
        Assert.Equal(0, one.Failures + two.Failures);
        Assert.InRange(Space(), 1, Limit + (Limit / 20));
    }

    private DiskCache Open(long limit = Ample) => new(_folder.Path, limit);

    private static byte[] Extent(long seed, int length)
    {
        byte[] bytes = new byte[length];
        new Random((int)seed).NextBytes(bytes);
        return bytes;
    }

    private static void AssertHas(DiskCache cache, string key, long offset, byte[] expected)
    {
        byte[] read = new byte[expected.Length];
        Assert.True(cache.TryRead(key, offset, read));
        Assert.Equal(expected, read);
    }

    private string[] Files() =>
        Directory.GetFiles(Path.Combine(_folder.Path, ExtentFolder.Name), "*", SearchOption.AllDirectories);

    private long Space() => Files().Sum(file => ExtentFolder.SpaceOf(new FileInfo(file).Length));

    private static long OffsetOf(string file) => Convert.ToInt64(Path.GetFileName(file).Split('-')[0], 16);
}

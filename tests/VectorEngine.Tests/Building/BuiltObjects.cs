using VectorEngine.Input;
using VectorEngine.Storage;
using VectorEngine.Tests.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Building;

/// <summary>What builds leave in the store, and that they leave nothing in the scratch folder.</summary>
internal static class BuiltObjects
{
    /// <summary>The objects of the one segment, by the last part of their keys.</summary>
    public static async Task<SortedDictionary<string, byte[]>> BuildAsync(
        VectorSource source, VectorIndexOptions options, IObjectStore? store = null)
    {
        using var scratch = new TemporaryFolder();
        store ??= new MemoryObjectStore();
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, source, options with { ScratchFolder = scratch.Path });
        Assert.Empty(Directory.EnumerateFileSystemEntries(scratch.Path));
        SortedDictionary<string, byte[]> objects = await TestIndex.ObjectsAsync(store, TestIndex.Name + "/segments/");
        return new SortedDictionary<string, byte[]>(
            objects.ToDictionary(one => one.Key[(one.Key.LastIndexOf('/') + 1)..], one => one.Value));
    }

    public static void AssertEqual(SortedDictionary<string, byte[]> expected, SortedDictionary<string, byte[]> actual, string what = "")
    {
        Assert.Equal(expected.Keys, actual.Keys);
        foreach ((string key, byte[] bytes) in expected)
            Assert.True(bytes.AsSpan().SequenceEqual(actual[key]), $"'{key}' differs. {what}");
    }

    /// <summary>A build fails and leaves nothing.</summary>
    public static async Task<TException> FailAsync<TException>(
        VectorSource source, VectorIndexOptions? options = null, IProgress<BuildProgress>? progress = null,
        CancellationToken cancellationToken = default) where TException : Exception
    {
        using var scratch = new TemporaryFolder();
        var store = new MemoryObjectStore();
        options = (options ?? new VectorIndexOptions()) with { ScratchFolder = scratch.Path };
        TException failure = await Assert.ThrowsAnyAsync<TException>(
            () => VectorIndexBuilder.BuildAsync(store, TestIndex.Name, source, options, progress, cancellationToken));
        Assert.Empty(await TestIndex.ObjectsAsync(store));
        Assert.Empty(Directory.EnumerateFileSystemEntries(scratch.Path));
        return failure;
    }
}

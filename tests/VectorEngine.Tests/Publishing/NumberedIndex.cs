using VectorEngine.Format;
using VectorEngine.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Publishing;

/// <summary>Tiny versions that tell by their answers which they are.</summary>
internal static class NumberedIndex
{
    public static readonly GarbageOptions KeepOne = new() { KeepVersions = 1, GracePeriod = TimeSpan.Zero };

    /// <summary>Publishes an index of three vectors that depend on a number.</summary>
    public static Task<BuildReport> BuildAsync(IObjectStore store, int number) =>
        VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors(number), TestIndex.Staged with { MaxDegreeOfParallelism = 1 });

    /// <summary>Publishes a number of versions, each with its own number.</summary>
    public static async Task BuildManyAsync(IObjectStore store, int count)
    {
        for (int number = 1; number <= count; number++)
            Assert.Equal(number, (await BuildAsync(store, number)).Version);
    }

    public static VectorMatrix Vectors(int number) => new(new float[] { number, number + 0.25f, -number }, 1);

    /// <summary>Opens an index, lets it read everything, and closes it.</summary>
    /// <returns>Its version and number.</returns>
    public static async Task<(long Version, int Number)> LookAsync(IObjectStore store, OpenOptions? options = null)
    {
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name, options);
        return (index.Version, Number(index));
    }

    /// <summary>The number that an index was built from, by everything in it.</summary>
    public static int Number(VectorIndex index)
    {
        SearchResult all = index.Search([0f], 10);
        int number = (int)MathF.Sqrt(all[0].Distance);
        float longer = number + 0.25f;
        Assert.Equal([(0L, (float)number * number), (2L, (float)number * number), (1L, longer * longer)], all.Hits());
        return number;
    }

    public static async Task<long[]> NumbersAsync(IObjectStore store) =>
        [.. (await VectorIndexVersions.ListAsync(store, TestIndex.Name)).Select(version => version.Number)];

    /// <summary>The keys of one sort of objects.</summary>
    public static async Task<string[]> KeysAsync(IObjectStore store, string sort) =>
        [.. (await TestIndex.ObjectsAsync(store, $"{TestIndex.Name}/{sort}/")).Keys];

    /// <summary>The newest version as the pointer has it.</summary>
    public static async Task<Manifest> NewestAsync(IObjectStore store)
    {
        string key = IndexKeys.Pointer(TestIndex.Name);
        return Manifest.ReadPointer(key, (await store.TryReadAsync(key))!.Content);
    }
}

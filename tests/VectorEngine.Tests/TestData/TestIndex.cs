using VectorEngine.Arrow;
using VectorEngine.Storage;

namespace VectorEngine.Tests.TestData;

/// <summary>Builds and opens indexes in one call.</summary>
internal static class TestIndex
{
    public const string Name = "test";

    /// <summary>The default options, but without copies in the root.</summary>
    public static VectorIndexOptions Staged { get; } = new() { CopyLimit = 0 };

    /// <summary>
    /// Builds with what the options say, but without copies in the root: everything is read when it is needed, however small it is.
    /// </summary>
    public static async Task<VectorIndex> BuildAsync(
        VectorMatrix vectors, VectorIndexOptions? options = null, IObjectStore? store = null, RecordBatch? metadata = null,
        OpenOptions? open = null)
    {
        store ??= new MemoryObjectStore();
        await VectorIndexBuilder.BuildAsync(store, Name, vectors, (options ?? Staged) with { CopyLimit = 0 }, metadata);
        return await VectorIndex.OpenAsync(store, Name, open);
    }

    /// <summary>The objects of a store, with their bytes.</summary>
    public static async Task<SortedDictionary<string, byte[]>> ObjectsAsync(IObjectStore store, string prefix = "")
    {
        var objects = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        await foreach (ObjectInfo found in store.ListAsync(prefix))
            objects[found.Key] = (await store.TryReadAsync(found.Key))!.Content.ToArray();
        return objects;
    }

    /// <summary>The one key that ends so.</summary>
    public static string Key(this SortedDictionary<string, byte[]> objects, string end) =>
        objects.Keys.Single(key => key.EndsWith(end, StringComparison.Ordinal));

    public static (long Ordinal, float Distance)[] Hits(this SearchResult result) =>
        [.. Enumerable.Range(0, result.Count).Select(rank => (result[rank].Ordinal, result[rank].Distance))];

    /// <summary>What a search did, whatever it had to read for it.</summary>
    public static SearchReceipt Work(this SearchReceipt receipt) => receipt with
    {
        Requests = 0, BytesRead = 0, CachedBytesRead = 0, Rounds = 0, Elapsed = default, EstimatedDollars = 0,
    };

    public static (long Ordinal, float Distance, float ErrorBound)[] Bounds(this SearchResult result) =>
        [.. Enumerable.Range(0, result.Count).Select(rank => (result[rank].Ordinal, result[rank].Distance, result[rank].ErrorBound))];
}

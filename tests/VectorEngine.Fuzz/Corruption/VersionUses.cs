using VectorEngine.Storage;

namespace VectorEngine.Fuzz.Corruption;

/// <summary>What is done with versions, besides opening the newest; collecting deletes nothing of an index that was just written.</summary>
internal static class VersionUses
{
    public static IEnumerable<(string Step, Func<Task<string>> Action)> Steps(IObjectStore store, OpenOptions options)
    {
        yield return ("versions", async () => string.Join(' ', await VectorIndexVersions.ListAsync(store, IntactIndex.Key)));
        yield return ("version before", async () =>
        {
            using VectorIndex index = await VectorIndex.OpenAsync(store, IntactIndex.Key, options with { Version = 1 });
            using VectorIndex again = await VectorIndex.OpenAsync(store, IntactIndex.Key, options with { Token = index.Token });
            return Exercise.Describe(again);
        });
        yield return ("collection", async () => $"{await VectorIndexVersions.CollectAsync(store, IntactIndex.Key)}");
    }
}

// What a user of the packages does first: build an index in a folder, open it, search, and so again when every read fails.
// The exit code says whether it works.
using VectorEngine;
using VectorEngine.Storage;
using VectorEngine.Testing;

const int Count = 10_000, Dimensions = 100;
var random = new Random(1);
float[] values = [.. Enumerable.Range(0, Count * Dimensions).Select(_ => random.NextSingle())];
var vectors = new VectorMatrix(values, Dimensions);

DirectoryInfo folder = Directory.CreateTempSubdirectory("vectorengine-");
int failures = 0;
try
{
    using var store = new FileObjectStore(folder.FullName);
    await VectorIndexBuilder.BuildAsync(store, "test", vectors, new VectorIndexOptions { StoredVectors = StoredVectors.Float32 });
    using VectorIndex index = await VectorIndex.OpenAsync(store, "test");
    foreach (SearchStage stage in Enum.GetValues<SearchStage>())
    {
        for (int row = 0; row < Count; row += 100)
        {
            SearchResult result = index.Search(vectors[row], k: 5, new SearchOptions { Stage = stage });
            if (result.Count != 5 || result[0].Ordinal != row)
                failures++;
        }
    }

    var broken = new FaultyStore(store, request => request.Operation == StoreOperation.ReadRange ? Fault.Throttling : null);
    try
    {
        using VectorIndex unreachable = await VectorIndex.OpenAsync(broken, "test");
        failures++;
    }
    catch (StoreException e) when (e.IsTransient) { }

    Console.WriteLine(
        $"{index.Count} vectors in {index.ClusterCount} clusters; {failures} times something other than what was asked for.");
}
finally
{
    folder.Delete(recursive: true);
}

return failures == 0 ? 0 : 1;

// What a user of the package does first: build an index in a folder, open it, search. The exit code says whether it works.
using VectorEngine;
using VectorEngine.Storage;

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

    Console.WriteLine(
        $"{index.Count} vectors in {index.ClusterCount} clusters; {failures} searches did not find the vector that they asked for.");
}
finally
{
    folder.Delete(recursive: true);
}

return failures == 0 ? 0 : 1;

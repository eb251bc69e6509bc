// README: begin
using VectorEngine;
using VectorEngine.Arrow;
using VectorEngine.Storage;
// README: end

namespace Readme;

/// <summary>The first example in README.md: it runs as it stands here, and stands there as it runs here.</summary>
public sealed class ReadmeTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("vectorengine-readme-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task The_example_prints_what_it_says()
    {
        string folder = _folder.FullName;
        var Console = new StringWriter(); // in place of the real one
        // README: begin

        // Vectors come from your embedding model; these three have three dimensions.
        float[] values = [0.9f, 0.1f, 0.0f, 0.8f, 0.3f, 0.1f, 0.0f, 0.1f, 0.9f];
        string[] titles = ["apple", "pear", "tractor"];

        // Build: the index "things" in a folder, with one column of metadata. Building again publishes the next version.
        using var store = new FileObjectStore(folder);
        await VectorIndexBuilder.BuildAsync(
            store, "things", new VectorMatrix(values, dimensions: 3),
            new VectorIndexOptions { Metric = Metric.Cosine },
            metadata: new RecordBatch(("title", ArrowArray.From(titles))));

        // Open and search. An open index is safe for concurrent use; open it once, not for each query.
        using VectorIndex index = await VectorIndex.OpenAsync(store, "things");
        SearchResult result = await index.SearchAsync([0.85f, 0.2f, 0.05f], k: 2, new SearchOptions { Columns = ["title"] });

        Utf8Array found = result.Rows!.Column<Utf8Array>("title");
        for (int rank = 0; rank < result.Count; rank++)
            Console.WriteLine($"{result[rank].Distance:f3}  row {result[rank].Ordinal}  {found.GetString(rank)}");
        // 0.009  row 0  apple
        // 0.010  row 1  pear
        // README: end

        ReadmeExample.AssertPrinted(Console);
    }

    [Fact]
    public void The_readme_shows_this_example() => ReadmeExample.AssertShown();
}

using VectorEngine.Arrow;
using VectorEngine.Storage;
using VectorEngine.Tests.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Index;

/// <summary>Hits come with their own rows of metadata.</summary>
public sealed class MetadataTests
{
    private const int Count = 5000;

    private static readonly VectorMatrix Vectors = GeneratedVectors.Normal(Count, 8, 1);

    private static readonly RecordBatch Metadata = new(
        ("title", ArrowArray.From(Enumerable.Range(0, Count).Select(i => i % 5 == 0 ? null : $"Title of {i} – ü").ToArray())),
        ("year", ArrowArray.From<int>(Enumerable.Range(0, Count).Select(i => i % 7 == 0 ? (int?)null : 1900 + (i % 130)).ToArray())),
        ("even", ArrowArray.From(Enumerable.Range(0, Count).Select(i => i % 2 == 0).ToArray())),
        ("vector", ArrowArray.Vectors(Enumerable.Range(0, Count).Select(i => i % 3 == 0 ? null : (float[]?)[i, -i]).ToArray(), 2)));

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public async Task Columns_are_those_of_the_hits_in_their_order(bool flat, bool mapped)
    {
        using var folder = new TemporaryFolder();
        using var store = new FileObjectStore(folder.Path);
        var options = new VectorIndexOptions { ClusterCount = flat ? null : 50 };
        int count = flat ? 4000 : Count;
        using VectorIndex index = await TestIndex.BuildAsync(
            Vectors.Slice(0, count), options, store, Metadata.Slice(0, count), new OpenOptions { MemoryMap = mapped });
        Assert.Equal(["title", "year", "even", "vector"], index.Metadata!.Fields.Select(field => field.Name));
        var search = new SearchOptions { Columns = ["year", "title", "vector", "even"], ProbeCount = 10 };
        SearchResult[] batch = await index.SearchBatchAsync(Vectors.Slice(0, 20), 30, search);
        for (int q = 0; q < 20; q++)
        {
            AssertRows(index.Search(Vectors[q], 30, search));
            AssertRows(await index.SearchAsync(Vectors[q], 30, search));
            AssertRows(batch[q]);
        }

        Assert.Null(index.Search(Vectors[0], 3).Rows);
        Assert.Single(index.Search(Vectors[0], 3, search with { Columns = ["even"] }).Rows!.Columns);
    }

    [Fact]
    public async Task An_unknown_column_is_refused_by_name()
    {
        using VectorIndex index = await TestIndex.BuildAsync(Vectors, null, null, Metadata);
        ArgumentException error = Assert.Throws<ArgumentException>(
            () => index.Search(Vectors[0], 3, new SearchOptions { Columns = ["title", "Year"] }));
        Assert.Contains("'Year'", error.Message);
    }

    [Fact]
    public async Task Metadata_of_several_batches_and_chunks_is_found()
    {
        // Batches have 65,536 rows, checksums cover 64 KiB: row numbers cross both.
        const int Many = 140_000;
        VectorMatrix vectors = GeneratedVectors.Normal(Many, 1, 1);
        var metadata = new RecordBatch(("number", ArrowArray.From<long>(Enumerable.Range(0, Many).Select(i => 3L * i).ToArray())));
        using VectorIndex index = await TestIndex.BuildAsync(vectors, null, null, metadata);
        var options = new SearchOptions { Columns = ["number"] };
        for (int q = 0; q < 5; q++)
        {
            SearchResult result = index.Search(vectors[q * 27_000], 100, options);
            Assert.Contains(result.Hits(), hit => hit.Ordinal == q * 27_000);
            for (int rank = 0; rank < result.Count; rank++)
                Assert.Equal(3 * result[rank].Ordinal, result.Rows!.Column<PrimitiveArray<long>>("number")[rank]);
        }
    }

    private static void AssertRows(SearchResult result)
    {
        Assert.Equal(["year", "title", "vector", "even"], result.Rows!.Schema.Fields.Select(field => field.Name));
        Assert.Equal(result.Count, result.Rows.RowCount);
        for (int rank = 0; rank < result.Count; rank++)
        {
            int row = (int)result[rank].Ordinal;
            Assert.Equal(Metadata.Column<Utf8Array>("title").GetString(row), result.Rows.Column<Utf8Array>("title").GetString(rank));
            Assert.Equal(Metadata.Column<PrimitiveArray<int>>("year")[row], result.Rows.Column<PrimitiveArray<int>>("year")[rank]);
            Assert.Equal(Metadata.Column<BoolArray>("even")[row], result.Rows.Column<BoolArray>("even")[rank]);
            Assert.Equal(
                Metadata.Column<FixedSizeListArray<float>>("vector")[row].ToArray(),
                result.Rows.Column<FixedSizeListArray<float>>("vector")[rank].ToArray());
        }
    }
}

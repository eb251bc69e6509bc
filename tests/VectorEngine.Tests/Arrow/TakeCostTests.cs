using VectorEngine.Arrow;
using VectorEngine.Storage;
using VectorEngine.Testing;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Arrow;

/// <summary>What it costs to take single rows does not depend on how many there are.</summary>
public class TakeCostTests
{
    private const int Wanted = 10;

    [Theory]
    [InlineData(20_000)]
    [InlineData(400_000)]
    public async Task ReadsAreAsManyAsRowsAskFor(int rowCount)
    {
        RecordBatch table = Table(rowCount);
        (MemoryFile file, ArrowFileSummary summary) = await MemoryFile.WriteAsync(table.Schema, [table], rowsPerBatch: 4096);
        ArrowFileReader reader = ArrowFileReader.Open("file", file, summary.Footer, summary.RowCounts);
        var random = new Random(1);
        for (int round = 0; round < 20; round++)
        {
            long[] rows = [.. Enumerable.Range(0, Wanted).Select(_ => random.NextInt64(rowCount))];
            // The first time, the metadata of the rows' batches has to be read, too.
            RecordBatch expected = await reader.TakeAsync(rows);
            (int reads, long bytes) = (file.Reads, file.BytesRead);
            ArrowText.AssertEqual(expected, await reader.TakeAsync(rows));
            // Per row: a number, a byte of validity, two offsets, a text; what lies closer than a page is read as one, gap included.
            Assert.InRange(file.Reads - reads, 1, 4 * Wanted);
            Assert.InRange(file.BytesRead - bytes, 1, 4 * Wanted * 4096);
        }
    }

    [Fact]
    public async Task OfMetadataOnlyTheChunksOfTheRowsAreReadAndVerified()
    {
        const int Rows = 140_000, Chunk = 64 << 10;
        var store = new SimulatedStore(new MemoryObjectStore(), new NetworkProfile { RoundTrip = TimeSpan.Zero });
        using VectorIndex index = await TestIndex.BuildAsync(
            GeneratedVectors.Normal(Rows, 2, 1), new VectorIndexOptions { ClusterCount = 4 }, store, Table(Rows));
        float[] query = [0.5f, 0.5f];
        var options = new SearchOptions { Columns = ["number", "text"] };
        await index.SearchAsync(query, 1);
        long before = store.Statistics.BytesRead;
        SearchResult one = await index.SearchAsync(query, 1, options);
        long bytes = store.Statistics.BytesRead - before;
        // Four ranges, each of which may cross from one chunk into the next, and the metadata of a batch.
        Assert.InRange(bytes, 1, 9 * Chunk);
        Assert.True(index.Size.MetadataBytes > 40 * Chunk);
        Assert.Equal($"text of row {one[0].Ordinal}", one.Rows!.Column<Utf8Array>("text").GetString(0));

        before = store.Statistics.BytesRead;
        await index.SearchAsync(query, 1, options);
        Assert.Equal(before, store.Statistics.BytesRead);
        SearchResult many = await index.SearchAsync(query, Wanted, options);
        Assert.InRange(store.Statistics.BytesRead - before, 1, 9 * Chunk * Wanted);
        Assert.Equal(Wanted, many.Rows!.RowCount);
    }

    private static RecordBatch Table(int rowCount) => new(
        ("number", ArrowArray.From<long>([.. Enumerable.Range(0, rowCount).Select(row => row % 5 == 0 ? (long?)null : row)])),
        ("text", ArrowArray.From([.. Enumerable.Range(0, rowCount).Select(row => $"text of row {row}")])));
}

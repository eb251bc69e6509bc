using VectorEngine.Arrow;
using VectorEngine.Input;
using VectorEngine.Storage;
using VectorEngine.Tests.Input;
using VectorEngine.Tests.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Building;

/// <summary>Rows that cannot be indexed are left out if asked, counted and named, and the others keep what belongs to them.</summary>
public sealed class SkippedRowsTests
{
    private const int Dimensions = 4;

    [Theory]
    [InlineData(null, 1, true)]
    [InlineData(6, 64, false)]
    public async Task The_others_keep_their_metadata_and_ids(int? clusters, int batch, bool canReread)
    {
        const int Count = 300;
        float[] values = GeneratedVectors.Normal(Count, Dimensions, 1).Values.ToArray();
        float[] bad = [float.NaN, float.PositiveInfinity, float.NegativeInfinity, 2e18f];
        int[] badRows = [0, 1, 64, 200, 299];
        for (int i = 0; i < badRows.Length - 1; i++)
            values[(badRows[i] * Dimensions) + i] = bad[i];
        values.AsSpan(299 * Dimensions).Clear();
        // Row 7 has no id, which is as bad.
        string?[] ids = [.. Enumerable.Range(0, Count).Select(row => row == 7 ? null : $"row {row}")];
        var metadata = new RecordBatch(("id", ArrowArray.From(ids)));
        var vectors = new VectorMatrix(values, Dimensions);
        var store = new MemoryObjectStore();
        var options = new VectorIndexOptions
        {
            Metric = Metric.Cosine, ClusterCount = clusters, IdColumn = "id", SkipInvalidRows = true, StoredVectors = StoredVectors.Float32,
        };
        BuildReport report = await VectorIndexBuilder.BuildAsync(
            store, TestIndex.Name, VectorSource.FromBatches(VectorFiles.BatchesAsync(vectors, metadata, batch), canReread), options);
        Assert.Equal((Count - 6L, 6L), (report.Count, report.SkippedCount));
        Assert.Equal([0L, 1, 7, 64, 200, 299], report.Skipped.Select(row => row.Row));
        Assert.Equal("dimension 0 is NaN.", report.Skipped[0].Reason);
        Assert.Equal("it has no id.", report.Skipped[2].Reason);

        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        int[] good = [.. Enumerable.Range(0, Count).Where(row => row != 7 && !badRows.Contains(row))];
        long[] ordinals = await index.FindAsync(ArrowArray.From([.. good.Select(row => ids[row])]));
        Assert.Equal(Enumerable.Range(0, good.Length).Select(i => (long)i), ordinals);
        VectorMatrix stored = await index.GetVectorsAsync(ordinals);
        for (int i = 0; i < good.Length; i++)
            Assert.Equal(vectors[good[i]].ToArray(), stored[i].ToArray());
        Assert.Equal(good.Select(row => ids[row]), (await index.GetRowsAsync(ordinals, ["id"])).Column<Utf8Array>("id").Strings());
    }

    [Fact]
    public async Task All_are_counted_and_the_first_thousand_are_named()
    {
        float[] values = new float[5000 * Dimensions];
        values.AsSpan(Dimensions, 4000 * Dimensions).Fill(float.NaN);
        var options = new VectorIndexOptions { SkipInvalidRows = true };
        BuildReport report = await VectorIndexBuilder.BuildAsync(
            new MemoryObjectStore(), TestIndex.Name, new VectorMatrix(values, Dimensions), options);
        Assert.Equal((1000L, 4000L), (report.Count, report.SkippedCount));
        Assert.Equal(Enumerable.Range(1, 1000).Select(row => (long)row), report.Skipped.Select(row => row.Row));
    }

    [Fact]
    public async Task Nothing_good_is_an_error()
    {
        var bad = new VectorMatrix(Enumerable.Repeat(float.NaN, 100).ToArray(), Dimensions);
        InvalidInputException error = await BuiltObjects.FailAsync<InvalidInputException>(
            VectorSource.FromMatrix(bad), new VectorIndexOptions { SkipInvalidRows = true });
        Assert.Equal("none of its vectors can be indexed", error.Reason);
    }

    [Fact]
    public async Task Missing_vectors_of_a_file_are_skipped_with_their_metadata()
    {
        using var folder = new TemporaryFolder();
        var table = new RecordBatch(
            ("v", ArrowArray.Vectors<float>([[1, 2], null, [5, 6]], 2)), ("text", ArrowArray.From(["a", "b", "c"])));
        string path = await VectorFiles.WriteAsync(folder.Path, "a.arrow", await VectorFiles.ArrowAsync(table));
        InvalidVectorException error = await BuiltObjects.FailAsync<InvalidVectorException>(VectorSource.FromFile(path));
        Assert.Equal((1L, path), (error.Row, error.InputName));
        var store = new MemoryObjectStore();
        BuildReport report = await VectorIndexBuilder.BuildAsync(
            store, TestIndex.Name, VectorSource.FromFile(path), new VectorIndexOptions { SkipInvalidRows = true });
        Assert.Equal(1, Assert.Single(report.Skipped).Row);
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        Assert.Equal(["a", "c"], (await index.GetRowsAsync(new long[] { 0, 1 })).Column<Utf8Array>("text").Strings());
    }
}

file static class Texts
{
    public static IEnumerable<string?> Strings(this Utf8Array texts) => Enumerable.Range(0, texts.Length).Select(texts.GetString);
}

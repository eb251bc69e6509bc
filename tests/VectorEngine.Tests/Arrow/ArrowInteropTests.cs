using System.Text.Json;
using System.Text.Json.Nodes;
using VectorEngine.Arrow;

namespace VectorEngine.Tests.Arrow;

/// <summary>Files go both ways between this implementation and npm's apache-arrow; both sides describe what they see as JSON.</summary>
public sealed class ArrowInteropTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("vectorengine-arrow-");

    private string FilePath => Path.Combine(_folder.FullName, "file.arrow");

    public void Dispose() => _folder.Delete(recursive: true);

    [NodeFact]
    public async Task TheirFilesAreReadHere()
    {
        string theirs = await Node.RunAsync("write", FilePath);
        var file = new MemoryFile(await File.ReadAllBytesAsync(FilePath));
        ArrowFileReader reader = await ArrowFileReader.OpenAsync("file", file);
        var batches = new RecordBatch[reader.Blocks.Count];
        for (int i = 0; i < batches.Length; i++)
            batches[i] = await reader.ReadBatchAsync(i);
        AssertSameJson(theirs, Describe(reader.Schema, batches));

        object?[][] rows = [.. batches.SelectMany(ArrowText.Rows)];
        RecordBatch taken = await reader.TakeAsync(new long[] { 40, 3, 4, 5, 0 });
        Assert.Equal([rows[40], rows[3], rows[4], rows[5], rows[0]], ArrowText.Rows(taken));
    }

    [NodeFact]
    public async Task OurFilesAreReadThere()
    {
        // Random schemas; then one with every type and batches of 0, 1 and many rows; then extreme values.
        foreach (int seed in new[] { 3, 29, 41, 77, 1234 })
        {
            (ArrowSchema schema, RecordBatch[] batches) = new ArrowCase(seed).Make();
            // Their reader does not tell the number of rows of a batch without columns.
            if (schema.Fields.Count != 0)
                await AssertReadThereAsync(schema, batches);
        }

        ArrowType[] types =
        [
            ArrowType.Bool, ArrowType.Int8, ArrowType.Int16, ArrowType.Int32, ArrowType.Int64,
            ArrowType.UInt8, ArrowType.UInt16, ArrowType.UInt32, ArrowType.UInt64,
            ArrowType.Float16, ArrowType.Float32, ArrowType.Float64, ArrowType.Utf8,
            ArrowType.FixedSizeList(ArrowType.Float16, 3), ArrowType.FixedSizeList(ArrowType.Float32, 5),
        ];
        var all = new ArrowSchema(types.SelectMany(type =>
            new[] { new ArrowField($"{type}, complete", type, Nullable: false), new ArrowField($"{type} 🚀", type) }));
        var random = new Random(7);
        RecordBatch Make(int rows) => new(all, [.. all.Fields.Select(field => ArrowCase.RandomColumn(random, field, rows))]);
        await AssertReadThereAsync(all, Make(0), Make(1), Make(1000), Make(0));
        await AssertReadThereAsync(all);

        var extremes = new RecordBatch(
            ("int64", ArrowArray.From<long>([long.MinValue, long.MaxValue, null, 9007199254740993])),
            ("uint64", ArrowArray.From<ulong>([0, ulong.MaxValue, null, 9007199254740993])),
            ("float16", ArrowArray.From<Half>([Half.Epsilon, Half.MaxValue, Half.NegativeZero, null])),
            ("float64", ArrowArray.From<double>([double.Epsilon, double.NaN, double.NegativeInfinity, -0.0])));
        await AssertReadThereAsync(extremes.Schema, extremes);
    }

    [NodeFact]
    public async Task OurStreamedVectorsAreReadThere()
    {
        var type = ArrowType.FixedSizeList(ArrowType.Float32, 3);
        await using (FileStream stream = File.Create(FilePath))
        {
            var writer = new VectorFileWriter("vector", type, 7, 3, stream.WriteAsync);
            float[] values = [.. Enumerable.Range(0, 21).Select(i => (float)i)];
            await writer.WriteAsync(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
            await writer.FinishAsync();
        }
        ArrowFileReader reader = await ArrowFileReader.OpenAsync("file", new MemoryFile(await File.ReadAllBytesAsync(FilePath)));
        RecordBatch[] batches = [await reader.ReadBatchAsync(0), await reader.ReadBatchAsync(1), await reader.ReadBatchAsync(2)];
        AssertSameJson(await Node.RunAsync("read", FilePath), Describe(reader.Schema, batches));
    }

    [NodeFact]
    public async Task TheirFilesOfOtherTypesAreRefusedByName()
    {
        (string Command, string Name)[] files =
        [
            ("write-dictionary", "dictionar"),
            ("write-timestamp", "timestamp"),
            ("write-large-utf8", "large utf8"),
            ("write-list", "nested"),
        ];
        foreach ((string command, string name) in files)
        {
            await Node.RunAsync(command, FilePath);
            var file = new MemoryFile(await File.ReadAllBytesAsync(FilePath));
            var exception = await Assert.ThrowsAsync<NotSupportedException>(async () => await ArrowFileReader.OpenAsync("file", file));
            Assert.Contains(name, exception.Message);
        }
    }

    private async Task AssertReadThereAsync(ArrowSchema schema, params RecordBatch[] batches)
    {
        (MemoryFile file, _) = await MemoryFile.WriteAsync(schema, batches);
        await File.WriteAllBytesAsync(FilePath, file.Bytes);
        AssertSameJson(await Node.RunAsync("read", FilePath), Describe(schema, batches));
    }

    private static JsonObject Describe(ArrowSchema schema, IEnumerable<RecordBatch> batches) => new()
    {
        ["fields"] = new JsonArray([.. schema.Fields.Select(field =>
            new JsonObject { ["name"] = field.Name, ["type"] = field.Type.ToString(), ["nullable"] = field.Nullable })]),
        ["batches"] = new JsonArray([.. batches.Select(batch => new JsonObject
        {
            ["rows"] = batch.RowCount,
            ["columns"] = new JsonArray([.. batch.Columns.Select(column => new JsonArray(
                [.. Enumerable.Range(0, column.Length).Select(row => JsonSerializer.SerializeToNode(ArrowText.ValueAt(column, row)))]))]),
        })]),
    };

    private static void AssertSameJson(string theirs, JsonObject ours)
    {
        JsonNode parsed = JsonNode.Parse(theirs)!;
        // The texts are compared only to show where they differ.
        if (!JsonNode.DeepEquals(parsed, ours))
            Assert.Equal(ours.ToJsonString(), parsed.ToJsonString());
    }
}

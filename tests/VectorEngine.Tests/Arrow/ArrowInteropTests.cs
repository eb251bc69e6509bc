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

    [NodeTheory]
    [InlineData("write")]
    [InlineData("write-batches")]
    [InlineData("write-delta")]
    public async Task TheirFilesAreReadHere(string command)
    {
        string theirs = await Node.RunAsync(command, FilePath);
        using ArrowFileReader reader = await ArrowFile.OpenAsync(FilePath);
        var batches = new RecordBatch[reader.BatchCount];
        for (int i = 0; i < batches.Length; i++)
            batches[i] = await reader.ReadBatchAsync(i);
        AssertSameJson(theirs, Describe(reader.Schema, batches));

        object?[][] rows = [.. batches.SelectMany(ArrowText.Rows)];
        int last = rows.Length - 1;
        RecordBatch taken = await reader.TakeAsync(new long[] { last, 3, 4, 5, 0 });
        Assert.Equal([rows[last], rows[3], rows[4], rows[5], rows[0]], ArrowText.Rows(taken));
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

        var all = new ArrowSchema(ArrowCase.Types.SelectMany(type =>
            new[] { new ArrowField($"{type}, complete", type, Nullable: type == ArrowType.Null), new ArrowField($"{type} 🚀", type) }));
        var random = new Random(7);
        RecordBatch Make(int rows) => new(all, [.. all.Fields.Select(field => ArrowCase.RandomColumn(random, field, rows))]);
        await AssertReadThereAsync(all, Make(0), Make(1), Make(1000), Make(0));
        await AssertReadThereAsync(all);
        await AssertReadThereAsync(all, [.. Enumerable.Range(0, 2000).Select(i => Make(i % 3))]);

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
    public async Task ColumnsOfOtherTypesAreSteppedOver()
    {
        await Node.RunAsync("write-others", FilePath);
        using ArrowFileReader reader = await ArrowFile.OpenAsync(FilePath);
        Assert.Equal(
            ["list", "list", "struct", "map", "date", "dictionary of int", null, null],
            reader.Schema.Fields.Select(field => field.Type.UnsupportedName));
        RecordBatch read = await reader.ReadBatchAsync(0, ["vector", "text"]);
        Assert.Equal(["a", null, "c", "a", null, "c"], Enumerable.Range(0, 6).Select(read.Column<Utf8Array>("text").GetString));
        Assert.Equal([4, 5, 6], read.Column<FixedSizeListArray<float>>("vector")[5].ToArray());
        Assert.Equal(2, read.Column("vector").NullCount);
        var exception = await Assert.ThrowsAsync<NotSupportedException>(async () => await reader.ReadColumnAsync(0, "struct"));
        Assert.Contains("'struct'", exception.Message);
    }

    /// <summary>
    /// Files longer than their reader takes into memory at once, 3 GB, if VECTORENGINE_ARROW_LONG says so; otherwise short ones.
    /// </summary>
    [NodeFact]
    public async Task LongFilesGoBothWays()
    {
        int batches = Environment.GetEnvironmentVariable("VECTORENGINE_ARROW_LONG") == "1" ? 720 : 6;
        JsonNode theirs = JsonNode.Parse(await Node.RunAsync("write-long", FilePath, batches.ToString()))!;
        using (ArrowFileReader reader = await ArrowFile.OpenAsync(FilePath))
        {
            var sum = new LongSum();
            for (int i = 0; i < reader.BatchCount; i++)
                sum.Add(await reader.ReadBatchAsync(i));
            Assert.Equal(theirs.ToJsonString(), sum.ToJson().ToJsonString());
            long row = await reader.CountRowsAsync() - 1;
            Assert.Equal($"row {row}", (await reader.TakeAsync(new[] { row }, ["text"])).Column<Utf8Array>("text").GetString(0));
        }

        var ours = new LongSum();
        await using (FileStream stream = File.Create(FilePath))
            await ArrowFile.WriteAsync(stream, LongSum.Schema, Enumerable.Range(0, batches).Select(ours.Make));
        Assert.Equal(ours.ToJson().ToJsonString(), JsonNode.Parse(await Node.RunAsync("sum", FilePath))!.ToJsonString());
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

    /// <summary>What the batches of a long file add up to, and batches made of the row's numbers, as the script makes them.</summary>
    private sealed class LongSum
    {
        private const int Rows = 4096, Dimensions = 256;

        private long _batches, _rows, _ids, _textLength;
        private double _elements;

        public static ArrowSchema Schema { get; } = new(
            new ArrowField("id", ArrowType.Int64, Nullable: false),
            new ArrowField("vector", ArrowType.FixedSizeList(ArrowType.Float32, Dimensions), Nullable: false),
            new ArrowField("text", ArrowType.Utf8, Nullable: false));

        public RecordBatch Make(int number)
        {
            long[] ids = [.. Enumerable.Range(number * Rows, Rows).Select(id => (long)id)];
            var elements = new float[Rows * Dimensions];
            elements.AsSpan().Fill(number);
            var batch = new RecordBatch(Schema,
            [
                ArrowArray.Wrap<long>(ids),
                ArrowArray.Vectors<float>(elements, Dimensions),
                ArrowArray.From([.. ids.Select(id => $"row {id}")]),
            ]);
            Add(batch);
            return batch;
        }

        public void Add(RecordBatch batch)
        {
            _batches++;
            _rows += batch.RowCount;
            foreach (long id in batch.Column<PrimitiveArray<long>>("id").Values)
                _ids += id;
            foreach (float element in batch.Column<FixedSizeListArray<float>>("vector").Values)
                _elements += element;
            Utf8Array texts = batch.Column<Utf8Array>("text");
            for (int i = 0; i < texts.Length; i++)
                _textLength += texts.GetBytes(i).Length;
        }

        public JsonObject ToJson() => new()
        {
            ["batches"] = _batches.ToString(),
            ["rows"] = _rows.ToString(),
            ["ids"] = _ids.ToString(),
            ["elements"] = _elements.ToString("f0"),
            ["textLength"] = _textLength.ToString(),
        };
    }
}

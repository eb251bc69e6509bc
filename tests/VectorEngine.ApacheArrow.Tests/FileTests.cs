using VectorEngine.Arrow;
using VectorEngine.Tests.Arrow;
using Theirs = Apache.Arrow;

namespace VectorEngine.ApacheArrow.Tests;

/// <summary>Arrow IPC files go both ways.</summary>
public sealed class FileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("vectorengine-arrow-");

    private string FilePath => Path.Combine(_folder.FullName, "file.arrow");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(2000)]
    public async Task OurFilesAreReadThere(int batchCount)
    {
        (ArrowSchema schema, RecordBatch[] batches) = Make(batchCount);
        await using (FileStream stream = File.Create(FilePath))
            await ArrowFile.WriteAsync(stream, schema, batches);

        await using FileStream file = File.OpenRead(FilePath);
        using var reader = new Theirs.Ipc.ArrowFileReader(file);
        Assert.Equal(batchCount, await reader.RecordBatchCountAsync());
        for (int i = 0; i < batchCount; i++)
        {
            using Theirs.RecordBatch there = await reader.ReadRecordBatchAsync(i);
            Assert.Equal(schema.Fields.Select(TheirText.Describe), there.Schema.FieldsList.Select(TheirText.Describe));
            Assert.Equal(ArrowText.Rows(batches[i]), TheirText.Rows(there));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(2000)]
    public async Task TheirFilesAreReadHere(int batchCount)
    {
        (ArrowSchema schema, RecordBatch[] batches) = Make(batchCount);
        await using (FileStream stream = File.Create(FilePath))
        {
            using var writer = new Theirs.Ipc.ArrowFileWriter(stream, schema.ToApacheArrow());
            await writer.WriteStartAsync();
            foreach (RecordBatch batch in batches)
            {
                using Theirs.RecordBatch there = batch.ToApacheArrow();
                await writer.WriteRecordBatchAsync(there);
            }
            await writer.WriteEndAsync();
        }

        using ArrowFileReader reader = await ArrowFile.OpenAsync(FilePath);
        Assert.Equal(schema.Fields, reader.Schema.Fields);
        Assert.Equal(batchCount, reader.BatchCount);
        for (int i = 0; i < batchCount; i++)
            ArrowText.AssertEqual(batches[i], await reader.ReadBatchAsync(i));
    }

    [Fact]
    public async Task TheirDictionariesAreReadHere()
    {
        Theirs.StringArray words = new Theirs.StringArray.Builder().Append("red").Append("grün").Build();
        var type = new Theirs.Types.DictionaryType(Theirs.Types.Int16Type.Default, Theirs.Types.StringType.Default, false);
        Theirs.Schema schema = new Theirs.Schema.Builder().Field(field => field.Name("color").DataType(type).Nullable(true)).Build();
        await using (FileStream stream = File.Create(FilePath))
        {
            using var writer = new Theirs.Ipc.ArrowFileWriter(stream, schema);
            await writer.WriteStartAsync();
            for (int i = 0; i < 3; i++)
            {
                Theirs.Int16Array positions = new Theirs.Int16Array.Builder().Append(1).AppendNull().Append(0).Build();
                await writer.WriteRecordBatchAsync(new Theirs.RecordBatch(schema, [new Theirs.DictionaryArray(type, positions, words)], 3));
            }
            await writer.WriteEndAsync();
        }

        using ArrowFileReader reader = await ArrowFile.OpenAsync(FilePath);
        Assert.Equal(9, await reader.CountRowsAsync());
        Assert.Equal([["red"], ["grün"], [null]], ArrowText.Rows(await reader.TakeAsync(new long[] { 8, 3, 1 })));
    }

    private static (ArrowSchema Schema, RecordBatch[] Batches) Make(int batchCount)
    {
        var schema = new ArrowSchema(ArrowCase.Types.SelectMany(type =>
            new[] { new ArrowField($"{type}, complete", type, Nullable: type == ArrowType.Null), new ArrowField($"{type} 🚀", type) }));
        var random = new Random(batchCount);
        return (schema, [.. Enumerable.Range(0, batchCount).Select(i => new RecordBatch(
            schema, [.. schema.Fields.Select(field => ArrowCase.RandomColumn(random, field, batchCount == 1 ? 300 : i % 4))]))]);
    }
}

using FsCheck;
using FsCheck.Fluent;
using VectorEngine.Arrow;
using VectorEngine.Tests.Storage;

namespace VectorEngine.Tests.Arrow;

public class ArrowFileTests
{
    private static readonly Config Many = Config.QuickThrowOnFailure.WithMaxTest(300);

    [Fact]
    public void WhatIsWrittenIsReadBack() => Prop.ForAll(ArrowCase.Arbitrary, random =>
    {
        (ArrowSchema schema, RecordBatch[] batches) = random.Make();
        (MemoryFile file, _) = Run(MemoryFile.WriteAsync(schema, batches));
        ArrowFileReader reader = Run(ArrowFileReader.OpenAsync("file", file));
        Assert.Equal(schema.Fields, reader.Schema.Fields);
        Assert.Equal(batches.Length, reader.Blocks.Count);
        Assert.Equal(batches.Sum(batch => (long)batch.RowCount), Run(reader.CountRowsAsync()));
        for (int i = 0; i < batches.Length; i++)
            ArrowText.AssertEqual(batches[i], Run(reader.ReadBatchAsync(i)));
    }).Check(Many);

    [Fact]
    public void TakenRowsAreThoseOfTheBatchesInTheOrderAsked() => Prop.ForAll(ArrowCase.Arbitrary, test =>
    {
        (ArrowSchema schema, RecordBatch[] batches) = test.Make();
        (MemoryFile file, ArrowFileSummary summary) = Run(MemoryFile.WriteAsync(schema, batches));
        ArrowFileReader reader = test.Seed % 2 == 0
            ? Run(ArrowFileReader.OpenAsync("file", file))
            : ArrowFileReader.Open("file", file, summary.Footer, summary.RowCounts);
        object?[][] all = [.. batches.SelectMany(ArrowText.Rows)];

        var random = new Random(test.Seed);
        long[] rows = all.Length == 0 ? [] : [.. Enumerable.Range(0, random.Next(50)).Select(_ => random.NextInt64(all.Length))];
        if (rows.Length > 20)
            rows = [.. rows[..20], .. Enumerable.Range(0, (int)(all.Length - rows[0])).Select(i => rows[0] + i)];
        string[]? columns = random.Next(2) == 0 || schema.Fields.Count == 0
            ? null
            : [.. schema.Fields.Where(_ => random.Next(2) == 0).Select(field => field.Name).Reverse()];
        RecordBatch taken = Run(reader.TakeAsync(rows, columns));

        int[] indexes = [.. columns?.Select(schema.IndexOf) ?? Enumerable.Range(0, schema.Fields.Count)];
        Assert.Equal(indexes.Select(i => schema.Fields[i]), taken.Schema.Fields);
        Assert.Equal(rows.Length, taken.RowCount);
        Assert.Equal(rows.Select(row => indexes.Select(i => all[row][i]).ToArray()), ArrowText.Rows(taken));
    }).Check(Many);

    [Fact]
    public void BigBatchesAreSplit() => Prop.ForAll(ArrowCase.Arbitrary, random =>
    {
        (ArrowSchema schema, RecordBatch[] batches) = random.Make();
        int rowsPerBatch = random.Seed % 40 + 1;
        (MemoryFile file, ArrowFileSummary summary) = Run(MemoryFile.WriteAsync(schema, batches, rowsPerBatch));
        Assert.All(summary.RowCounts, count => Assert.InRange(count, 0, rowsPerBatch));
        ArrowFileReader reader = Run(ArrowFileReader.OpenAsync("file", file));
        var read = new List<object?[]>();
        for (int i = 0; i < summary.Blocks.Count; i++)
            read.AddRange(ArrowText.Rows(Run(reader.ReadBatchAsync(i))));
        Assert.Equal(batches.SelectMany(ArrowText.Rows), read);
    }).Check(Many);

    [Fact]
    public async Task TakingRowsReadsLittleMore()
    {
        const int Rows = 20_000, Dimensions = 256, Wanted = 10;
        var random = new Random(1);
        var schema = new ArrowSchema(
            new ArrowField("text", ArrowType.Utf8),
            new ArrowField("vector", ArrowType.FixedSizeList(ArrowType.Float32, Dimensions)));
        var batch = new RecordBatch(schema, [.. schema.Fields.Select(field => ArrowCase.RandomColumn(random, field, Rows))]);
        (MemoryFile file, ArrowFileSummary summary) = await MemoryFile.WriteAsync(schema, [batch], rowsPerBatch: 4096);
        ArrowFileReader reader = ArrowFileReader.Open("file", file, summary.Footer, summary.RowCounts);
        long[] rows = [.. Enumerable.Range(0, Wanted).Select(_ => random.NextInt64(Rows))];

        ArrowText.AssertEqual(await reader.TakeAsync(rows), await reader.TakeAsync(rows));
        (int reads, long bytes) = (file.Reads, file.BytesRead);
        await reader.TakeAsync(rows);
        // A vector, two offsets, a text, and two bytes of validity; neighbours closer than a page are read as one, gap included.
        Assert.InRange(file.Reads - reads, 1, 5 * Wanted);
        Assert.InRange(file.BytesRead - bytes, Wanted * Dimensions * sizeof(float) / 2, 5 * Wanted * 4096);

        reads = file.Reads;
        await reader.TakeAsync(new long[] { 100, 101, 102, 103 }, ["vector"]);
        Assert.Equal(2, file.Reads - reads);
    }

    [Fact]
    public async Task ReadingAColumnReadsNothingOfTheOthers()
    {
        var batch = new RecordBatch(
            ("text", ArrowArray.From([.. Enumerable.Range(0, 10_000).Select(i => $"text {i}")])),
            ("vector", ArrowArray.Vectors<float>(new float[10_000 * 64], 64)),
            ("number", ArrowArray.From<long>([.. Enumerable.Range(0, 10_000).Select(i => (long)i)])));
        (MemoryFile file, _) = await MemoryFile.WriteAsync(batch.Schema, [batch, batch], rowsPerBatch: 5000);
        ArrowFileReader reader = await ArrowFileReader.OpenAsync("file", file);
        Assert.Equal(20_000, await reader.CountRowsAsync());
        Assert.Equal(4, reader.BatchCount);
        (int reads, long bytes) = (file.Reads, file.BytesRead);
        var numbers = Assert.IsType<PrimitiveArray<long>>(await reader.ReadColumnAsync(3, "number"));
        Assert.Equal((1, 5000 * sizeof(long)), (file.Reads - reads, file.BytesRead - bytes));
        Assert.Equal(Enumerable.Range(5000, 5000).Select(i => (long)i), numbers.Values.ToArray());
        Assert.Equal("text 5001", ((Utf8Array)await reader.ReadColumnAsync(1, "text")).GetString(1));
    }

    [Fact]
    public async Task LocalFilesAreWrittenBatchByBatchAndReadBack()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "file.arrow");
        var schema = new ArrowSchema(new ArrowField("n", ArrowType.Int32));
        int made = 0;
        IEnumerable<RecordBatch> Tables()
        {
            for (; made < 10; made++)
                yield return new RecordBatch(schema, [ArrowArray.From<int>([made, -made, null])]);
        }

        await using (FileStream stream = File.Create(path))
            await ArrowFile.WriteAsync(stream, schema, Tables(), rowsPerBatch: 2);
        using (ArrowFileReader reader = await ArrowFile.OpenAsync(path))
        {
            Assert.Equal((20, 30), (reader.BatchCount, await reader.CountRowsAsync()));
            Assert.Equal([["7"], [null], ["-9"]], ArrowText.Rows(await reader.TakeAsync(new long[] { 21, 29, 28 })));
        }
        await File.WriteAllBytesAsync(path, new byte[100]);
        var exception = await Assert.ThrowsAsync<CorruptDataException>(async () => await ArrowFile.OpenAsync(path));
        Assert.Equal(path, exception.ObjectKey);
        File.Delete(path);
        await Assert.ThrowsAsync<FileNotFoundException>(async () => await ArrowFile.OpenAsync(path));
    }

    [Fact]
    public async Task ManyThreadsReadAtOnce()
    {
        (ArrowSchema schema, RecordBatch[] batches) = new ArrowCase(29).Make();
        (MemoryFile file, _) = await MemoryFile.WriteAsync(schema, batches, rowsPerBatch: 7);
        file.Yields = true;
        ArrowFileReader reader = await ArrowFileReader.OpenAsync("file", file);
        object?[][] all = [.. batches.SelectMany(ArrowText.Rows)];
        Assert.NotEmpty(all);
        await Parallel.ForEachAsync(Enumerable.Range(0, 200), async (seed, cancellationToken) =>
        {
            long row = new Random(seed).NextInt64(all.Length);
            RecordBatch taken = await reader.TakeAsync(new[] { row }, null, cancellationToken);
            Assert.Equal(all[row], ArrowText.Row(taken, 0));
        });
    }

    [Fact]
    public async Task MistakesOfTheCallerAreNamed()
    {
        var batch = new RecordBatch(("a", ArrowArray.From<long>([1, 2])));
        (MemoryFile file, ArrowFileSummary summary) = await MemoryFile.WriteAsync(batch.Schema, [batch]);
        ArrowFileReader reader = await ArrowFileReader.OpenAsync("file", file);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await reader.TakeAsync(new long[] { 2 }));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await reader.TakeAsync(new long[] { -1 }));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await reader.ReadBatchAsync(1));
        await Assert.ThrowsAsync<KeyNotFoundException>(async () => await reader.ReadBatchAsync(0, ["b"]));
        await Assert.ThrowsAsync<OperationCanceledException>(async () => await reader.ReadBatchAsync(0, null, new CancellationToken(true)));
        // Row counts come from storage, like the footer.
        Assert.Throws<CorruptDataException>(() => ArrowFileReader.Open("file", file, summary.Footer, [1, 1]));

        var other = new RecordBatch(("b", ArrowArray.From<long>([1, 2])));
        await Assert.ThrowsAsync<ArgumentException>(() => MemoryFile.WriteAsync(batch.Schema, [other]));
        var required = new ArrowSchema(new ArrowField("a", ArrowType.Int64, Nullable: false));
        var nulls = new RecordBatch(("a", ArrowArray.From<long>([1, null])));
        await Assert.ThrowsAsync<ArgumentException>(() => MemoryFile.WriteAsync(required, [nulls]));
    }

    private static T Run<T>(Task<T> task) => task.GetAwaiter().GetResult();

    private static T Run<T>(ValueTask<T> task) => task.AsTask().GetAwaiter().GetResult();
}

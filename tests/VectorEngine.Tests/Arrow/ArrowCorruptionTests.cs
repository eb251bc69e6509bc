using System.Buffers.Binary;
using FsCheck;
using FsCheck.Fluent;
using VectorEngine.Arrow;

namespace VectorEngine.Tests.Arrow;

public class ArrowCorruptionTests
{
    // What the tests themselves take to compare and to print, and pooled buffers; the damaged files are about 10 KB to 200 KB long.
    private const long AllocationLimit = 64 << 20;

    private static readonly long[] Extremes =
        [0, 1, -1, 7, 255, 65535, int.MaxValue, int.MinValue, uint.MaxValue, long.MaxValue, long.MinValue, 1L << 32, 1L << 40, 1L << 62];

    [Fact]
    public void DamagedFilesAreReadOrRefused() => Prop.ForAll(ArrowCase.Arbitrary, test =>
    {
        (ArrowSchema schema, RecordBatch[] batches) = test.Make();
        (MemoryFile file, ArrowFileSummary summary) = Run(MemoryFile.WriteAsync(schema, batches));
        var random = new Random(test.Seed);
        for (int i = 0; i < 20; i++)
        {
            byte[] damaged = file.Bytes.ToArray();
            for (int changes = random.Next(1, 4); changes > 0; changes--)
                Damage(damaged, summary, random);
            Exercise(new MemoryFile(damaged), random);
        }
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(200));

    [Fact]
    public void DamagedFootersAreReadOrRefused() => Prop.ForAll(ArrowCase.Arbitrary, test =>
    {
        (ArrowSchema schema, RecordBatch[] batches) = test.Make();
        (MemoryFile file, ArrowFileSummary summary) = Run(MemoryFile.WriteAsync(schema, batches));
        var random = new Random(test.Seed);
        for (int i = 0; i < 20; i++)
        {
            byte[] footer = summary.Footer.ToArray();
            Overwrite(footer.AsSpan(random.Next(footer.Length)), random);
            Exercise(() => ArrowFileReader.Open("file", file, footer), random);
            Exercise(() => ArrowFileReader.Open("file", file, footer.AsMemory(0, random.Next(footer.Length))), random);
        }
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(100));

    [Fact]
    public void DamagedDictionariesAreReadOrRefused()
    {
        var maker = new DictionaryFile();
        byte[] bytes = maker.Make([["a", "é", null], ["three", ""]], [[0, 1, null, 4], [3, 2]]).Bytes;
        int start = (int)maker.Dictionaries[0].Offset;
        var random = new Random(1);
        for (int i = 0; i < 5000; i++)
        {
            byte[] damaged = [.. bytes];
            for (int changes = random.Next(1, 4); changes > 0; changes--)
                Overwrite(damaged.AsSpan(random.Next(start, damaged.Length)), random);
            Exercise(new MemoryFile(damaged), random);
        }
    }

    [Fact]
    public void TruncatedFilesAreRefused()
    {
        (ArrowSchema schema, RecordBatch[] batches) = new ArrowCase(29).Make();
        (MemoryFile file, _) = Run(MemoryFile.WriteAsync(schema, batches.Select(batch => batch.Slice(0, Math.Min(3, batch.RowCount)))));
        for (int length = 0; length < file.Bytes.Length; length++)
        {
            var truncated = new MemoryFile(file.Bytes[..length]);
            var exception = Assert.Throws<CorruptDataException>(() => Run(ArrowFileReader.OpenAsync("the file", truncated)));
            Assert.Equal("the file", exception.ObjectKey);
        }
    }

    [Theory]
    [InlineData("offsets decrease", 4, 9)]
    [InlineData("offsets begin below zero", 0, -1)]
    [InlineData("offsets end beyond the bytes", 12, 10_000)]
    [InlineData("a text begins within a character", 4, 1)]
    public async Task DamagedOffsetsAreRefused(string damage, int at, int value)
    {
        var texts = new RecordBatch(("t", ArrowArray.From(["éa", "b", "c"])));
        (MemoryFile file, ArrowFileSummary summary) = await MemoryFile.WriteAsync(texts.Schema, [texts]);
        BinaryPrimitives.WriteInt32LittleEndian(file.Bytes.AsSpan((int)summary.Blocks[0].BodyOffset + at), value);
        await AssertCorruptAsync(file, damage);
    }

    [Fact]
    public async Task BytesThatAreNotUtf8AreRefused()
    {
        var texts = new RecordBatch(("t", ArrowArray.From(["éa", "b", "c"])));
        (MemoryFile file, ArrowFileSummary summary) = await MemoryFile.WriteAsync(texts.Schema, [texts]);
        file.Bytes[summary.Blocks[0].BodyOffset + 64 + 1] = 0xFF;
        await AssertCorruptAsync(file, "not UTF-8");
    }

    [Fact]
    public async Task WhatLiesUnderAMissingTextDoesNotMatter()
    {
        var column = new Utf8Array(ArrowType.Utf8, new[] { 0, 1, 3, 4 }, new byte[] { 97, 0xFF, 0xFE, 99 }, Validity.FromBits([0b101], 3));
        var texts = new RecordBatch(("t", column));
        (MemoryFile file, _) = await MemoryFile.WriteAsync(texts.Schema, [texts]);
        RecordBatch read = await (await ArrowFileReader.OpenAsync("file", file)).ReadBatchAsync(0);
        Assert.Equal([["a"], [null], ["c"]], ArrowText.Rows(read));
    }

    [Fact]
    public async Task AWrongNumberOfMissingValuesIsRefused()
    {
        var numbers = new RecordBatch(("n", ArrowArray.From<int>([1, null, 3])));
        (MemoryFile file, ArrowFileSummary summary) = await MemoryFile.WriteAsync(numbers.Schema, [numbers]);
        file.Bytes[summary.Blocks[0].BodyOffset] = 0b111;
        await AssertCorruptAsync(file, "missing values");
    }

    [Fact]
    public async Task RecordedRowCountsAreVerified()
    {
        var numbers = new RecordBatch(("n", ArrowArray.From<int>([1, 2, 3])));
        (MemoryFile file, ArrowFileSummary summary) = await MemoryFile.WriteAsync(numbers.Schema, [numbers]);
        ArrowFileReader reader = ArrowFileReader.Open("file", file, summary.Footer, [4]);
        await Assert.ThrowsAsync<CorruptDataException>(async () => await reader.TakeAsync(new long[] { 3 }));
    }

    [Fact]
    public async Task MissingElementsOfVectorsAreRefusedUnlessTheVectorIsMissingToo()
    {
        byte[] MakeBatch(byte elementBits)
        {
            var stream = new MemoryStream();
            var schema = new ArrowSchema(new ArrowField("v", ArrowType.FixedSizeList(ArrowType.Float32, 2)));
            var frame = new ArrowFileFrame(schema, stream.WriteAsync);
            Run(frame.StartBatchAsync(3, [(3, 1), (6, 2)], [1, 1, 24], default));
            foreach (byte[] buffer in new byte[][] { [0b101], [elementBits], new byte[24] })
            {
                Run(frame.WriteAsync(buffer, default));
                Run(frame.PadAsync(default));
            }
            frame.FinishAsync(default).AsTask().GetAwaiter().GetResult();
            return stream.ToArray();
        }

        ArrowFileReader reader = await ArrowFileReader.OpenAsync("file", new MemoryFile(MakeBatch(0b110011)));
        Assert.Equal(1, (await reader.ReadBatchAsync(0)).Columns[0].NullCount);
        ArrowFileReader bad = await ArrowFileReader.OpenAsync("file", new MemoryFile(MakeBatch(0b001111)));
        await Assert.ThrowsAsync<NotSupportedException>(async () => await bad.ReadBatchAsync(0));
        await Assert.ThrowsAsync<NotSupportedException>(async () => await bad.TakeAsync(new long[] { 2 }));
        Assert.Equal(2, (await bad.TakeAsync(new long[] { 0, 1 })).RowCount);
    }

    private static async Task AssertCorruptAsync(MemoryFile file, string why)
    {
        ArrowFileReader reader = await ArrowFileReader.OpenAsync("file", file);
        var exception = await Assert.ThrowsAsync<CorruptDataException>(async () => await reader.ReadBatchAsync(0));
        Assert.True(exception.ObjectKey == "file" && exception.Offset > 0, why);
    }

    /// <summary>Most damage goes where it matters: the footer and the batches' metadata.</summary>
    private static void Damage(byte[] bytes, ArrowFileSummary summary, Random random)
    {
        ArrowBlock block = summary.Blocks.Count == 0 ? default : summary.Blocks[random.Next(summary.Blocks.Count)];
        (long start, long length) = random.Next(4) switch
        {
            0 => (0, bytes.Length),
            1 or 2 when block.MetadataLength != 0 => (block.Offset, block.MetadataLength),
            _ => (bytes.Length - summary.Footer.Length - 10, summary.Footer.Length + 10),
        };
        Overwrite(bytes.AsSpan((int)(start + random.NextInt64(length))), random);
    }

    private static void Overwrite(Span<byte> at, Random random)
    {
        Span<byte> value = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(value, Extremes[random.Next(Extremes.Length)]);
        switch (random.Next(4))
        {
            case 0:
                at[0] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                at[0] = (byte)random.Next(256);
                break;
            default:
                int length = Math.Min(at.Length, 1 << random.Next(4));
                value[..length].CopyTo(at);
                break;
        }
    }

    private static void Exercise(MemoryFile file, Random random) => Exercise(() => Run(ArrowFileReader.OpenAsync("file", file)), random);

    /// <summary>Reads everything in every way; of all exceptions only the two announced ones may come out.</summary>
    private static void Exercise(Func<ArrowFileReader> open, Random random)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        if (Attempt(open) is { } reader)
        {
            for (int i = 0; i < reader.Blocks.Count; i++)
            {
                int batch = i;
                if (Attempt(() => Run(reader.ReadBatchAsync(batch))) is { } read && IsBounded(read.Schema))
                    ArrowText.Rows(read);
            }
            foreach (ArrowField field in reader.Schema.Fields)
                Attempt(() => Run(reader.FindRowsAsync(field.Name)) as object);
            Attempt(() =>
            {
                long count = Run(reader.CountRowsAsync());
                long[] rows = count == 0 ? [] : [.. Enumerable.Range(0, 10).Select(_ => random.NextInt64(count))];
                return ArrowText.Rows(Run(reader.TakeAsync(rows)));
            });
        }
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, AllocationLimit);
    }

    /// <summary>Whether rows take bytes of the file: without them, a small file may have very many.</summary>
    private static bool IsBounded(ArrowSchema schema) => schema.Fields.Any(field => field.Type != ArrowType.Null);

    private static T? Attempt<T>(Func<T> action) where T : class?
    {
        try
        {
            return action();
        }
        catch (Exception exception) when (exception is CorruptDataException or NotSupportedException)
        {
            return null;
        }
    }

    private static void Run(ValueTask task) => task.AsTask().GetAwaiter().GetResult();

    private static T Run<T>(Task<T> task) => task.GetAwaiter().GetResult();

    private static T Run<T>(ValueTask<T> task) => task.AsTask().GetAwaiter().GetResult();
}

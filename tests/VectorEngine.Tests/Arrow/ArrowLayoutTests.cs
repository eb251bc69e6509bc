using System.Buffers.Binary;
using System.Runtime.InteropServices;
using VectorEngine.Arrow;

namespace VectorEngine.Tests.Arrow;

public class ArrowLayoutTests
{
    [Fact]
    public async Task TheFileIsFramedAsTheFormatSays()
    {
        (ArrowSchema schema, RecordBatch[] batches) = new ArrowCase(29).Make();
        (MemoryFile file, ArrowFileSummary summary) = await MemoryFile.WriteAsync(schema, batches, rowsPerBatch: 50);
        byte[] bytes = file.Bytes;
        Assert.Equal("ARROW1\0\0"u8, bytes.AsSpan(0, 8));
        Assert.Equal("ARROW1"u8, bytes.AsSpan(^6..));
        Assert.Equal(summary.Footer.Length, BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(^10..)));
        Assert.Equal(summary.Footer.Span, bytes.AsSpan(bytes.Length - 10 - summary.Footer.Length, summary.Footer.Length));
        Assert.Equal(0, summary.Footer.Length % 8);

        long position = 8 + 8 + BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(12));
        Assert.Equal(-1, BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(8)));
        Assert.True(summary.Blocks.Count > 2);
        foreach (ArrowBlock block in summary.Blocks)
        {
            Assert.Equal(position, block.Offset);
            Assert.Equal(0, block.Offset % 64);
            Assert.Equal(0, block.BodyOffset % 64);
            Assert.Equal(0, block.BodyLength % 64);
            Assert.Equal(summary.Blocks[0].MetadataLength, block.MetadataLength);
            Assert.Equal(-1, BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan((int)position)));
            Assert.Equal(block.MetadataLength - 8, BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan((int)position + 4)));
            position = block.BodyOffset + block.BodyLength;
        }
        Assert.Equal(0xFFFFFFFFu, BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan((int)position)));
    }

    [Fact]
    public async Task EveryBufferIsAligned()
    {
        for (int seed = 0; seed < 100; seed++)
        {
            (ArrowSchema schema, RecordBatch[] batches) = new ArrowCase(seed).Make();
            (MemoryFile file, ArrowFileSummary summary) = await MemoryFile.WriteAsync(schema, batches);
            ArrowFooter footer = MetadataDecoder.Footer(new FlatBuffer("file", 0, summary.Footer), file.Length);
            foreach (ArrowBlock block in summary.Blocks)
            {
                Memory<byte> metadata = file.Bytes.AsMemory((int)block.Offset + 8, block.MetadataLength - 8);
                foreach (ColumnLayout column in MetadataDecoder.Batch(new FlatBuffer("file", 0, metadata), footer, block).Columns)
                {
                    FileRange[] buffers = [column.Validity, column.Values, column.Bytes, column.ChildValidity];
                    Assert.All(buffers, buffer => Assert.Equal(0, buffer.Offset % 64));
                }
            }
        }
    }

    [Theory]
    [InlineData(0, 5)]
    [InlineData(1, 5)]
    [InlineData(5, 5)]
    [InlineData(23, 5)]
    [InlineData(25, 5)]
    [InlineData(7, 1)]
    public async Task VectorsAreWrittenAsTheyComeAndFoundByArithmetic(int rowCount, int rowsPerBatch)
    {
        const int Dimensions = 19;
        float[] values = [.. Enumerable.Range(0, rowCount * Dimensions).Select(i => (float)i)];
        byte[] bytes = MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
        var stream = new MemoryStream();
        var type = ArrowType.FixedSizeList(ArrowType.Float32, Dimensions);
        var writer = new VectorFileWriter("vector", type, rowCount, rowsPerBatch, stream.WriteAsync);
        for (int start = 0, length = 1; start < bytes.Length; start += length, length = length * 3 % 1000)
            await writer.WriteAsync(bytes.AsMemory(start, length = Math.Min(length, bytes.Length - start)));
        (ArrowFileSummary summary, RowBatches rows) = await writer.FinishAsync();

        byte[] file = stream.ToArray();
        Assert.Equal(file.Length, summary.Length);
        for (int row = 0; row < rowCount; row++)
            Assert.Equal(bytes.AsSpan(row * Dimensions * 4, Dimensions * 4), file.AsSpan((int)rows.OffsetOf(row), Dimensions * 4));

        ArrowFileReader reader = await ArrowFileReader.OpenAsync("file", new MemoryFile(file));
        RowBatches? found = await reader.FindRowsAsync("vector");
        Assert.NotNull(found);
        Assert.Equal((rowCount, (rowCount + rowsPerBatch - 1) / rowsPerBatch), (found.RowCount, found.Count));
        Assert.All(Enumerable.Range(0, rowCount), row => Assert.Equal(rows.OffsetOf(row), found.OffsetOf(row)));
        Assert.Equal([new ArrowField("vector", type, Nullable: false)], reader.Schema.Fields);
        RecordBatch all = await reader.TakeAsync(Enumerable.Range(0, rowCount).Select(row => (long)row).ToArray());
        Assert.Equal(values, all.Column<FixedSizeListArray<float>>("vector").Values);
    }

    [Fact]
    public async Task StreamedVectorsAreTheSameFileAsABatchOfThem()
    {
        float[] values = [.. Enumerable.Range(0, 6 * 10).Select(i => i * 0.5f)];
        var schema = new ArrowSchema(new ArrowField("v", ArrowType.FixedSizeList(ArrowType.Float32, 6), Nullable: false));
        (MemoryFile file, _) = await MemoryFile.WriteAsync(schema, [new RecordBatch(schema, [ArrowArray.Vectors<float>(values, 6)])], 4);
        var stream = new MemoryStream();
        var writer = new VectorFileWriter("v", schema["v"].Type, 10, 4, stream.WriteAsync);
        await writer.WriteAsync(MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
        await writer.FinishAsync();
        Assert.Equal(file.Bytes, stream.ToArray());
    }

    [Fact]
    public async Task VectorsMustBeAsManyAsAnnounced()
    {
        var writer = new VectorFileWriter("v", ArrowType.FixedSizeList(ArrowType.Float16, 2), 3, 2, new MemoryStream().WriteAsync);
        await writer.WriteAsync(new byte[11]);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await writer.FinishAsync());
        await Assert.ThrowsAsync<ArgumentException>(async () => await writer.WriteAsync(new byte[2]));
        await writer.WriteAsync(new byte[1]);
        await writer.FinishAsync();
    }

    [Fact]
    public async Task VectorsOfUnevenBatchesAreFoundAndMissingOnesAreNot()
    {
        RecordBatch Vectors(params float[]?[] vectors) =>
            new(("t", ArrowArray.From(new string?[vectors.Length])), ("v", ArrowArray.Vectors(vectors, 1)));
        async Task<(RowBatches? Rows, byte[] File)> Find(string column, params RecordBatch[] batches)
        {
            (MemoryFile file, _) = await MemoryFile.WriteAsync(batches[0].Schema, batches);
            return (await (await ArrowFileReader.OpenAsync("file", file)).FindRowsAsync(column), file.Bytes);
        }

        int[][] cases = [[2, 2, 1], [1, 2], [2, 1, 2], [3, 0, 5, 1, 0, 4], [1, 9, 9, 9]];
        foreach (int[] counts in cases)
        {
            float next = 0;
            (RowBatches? rows, byte[] file) = await Find(
                "v", [.. counts.Select(count => Vectors([.. Enumerable.Range(0, count).Select(_ => new[] { next++ })]))]);
            Assert.Equal((counts.Sum(), counts.Count(count => count > 0)), (rows!.RowCount, rows.Count));
            for (int row = 0; row < next; row++)
                Assert.Equal(row, BitConverter.ToSingle(file, (int)rows.OffsetOf(row)));
            Assert.Equal(rows.Count == 1 || Enumerable.Range(0, rows.Count).All(i => counts[..i].Sum() % 2 == 0), rows.AreAligned(2));
        }

        Assert.Null((await Find("v", Vectors([1], null))).Rows);
        Assert.Null((await Find("t", Vectors([1]))).Rows);
    }
}

using VectorEngine.Arrow;

namespace VectorEngine.Tests.Arrow;

public class ArrowDictionaryTests
{
    private static readonly string?[][] Words = [["zero", "één", ""], [], ["three", null]];

    [Fact]
    public async Task TextIsLookedUpInAllBatchesOfTheDictionary()
    {
        MemoryFile file = new DictionaryFile().Make(Words, [[4, 0, null], [], [3, 3, 1, 2]]);
        ArrowFileReader reader = await ArrowFileReader.OpenAsync("file", file);
        Assert.Equal([new ArrowField("d", ArrowType.Utf8)], reader.Schema.Fields);
        Assert.Equal([[null], ["zero"], [null]], ArrowText.Rows(await reader.ReadBatchAsync(0)));
        Assert.Equal(0, (await reader.ReadBatchAsync(1)).RowCount);
        Assert.Equal([["three"], ["three"], ["één"], [""]], ArrowText.Rows(await reader.ReadBatchAsync(2)));
        Assert.Equal([["één"], [null], [""], ["zero"]], ArrowText.Rows(await reader.TakeAsync(new long[] { 5, 0, 6, 1 })));
    }

    [Fact]
    public async Task ADictionaryIsReadOnce()
    {
        MemoryFile file = new DictionaryFile().Make([[.. Enumerable.Range(0, 100).Select(i => new string('x', 1000))]], [[1, 2, 3]]);
        ArrowFileReader reader = await ArrowFileReader.OpenAsync("file", file);
        await reader.TakeAsync(new long[] { 0 });
        long bytes = file.BytesRead;
        await reader.TakeAsync(new long[] { 0, 2 });
        Assert.InRange(file.BytesRead - bytes, 1, 64);
    }

    [Fact]
    public async Task WithoutADictionaryAllValuesAreMissing()
    {
        MemoryFile file = new DictionaryFile().Make([], [[null, null]]);
        Assert.Equal([[null], [null]], ArrowText.Rows(await (await ArrowFileReader.OpenAsync("file", file)).ReadBatchAsync(0)));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(-1)]
    [InlineData(sbyte.MinValue)]
    [InlineData(sbyte.MaxValue)]
    public async Task PositionsOutsideTheDictionaryAreRefused(int position) =>
        await AssertCorruptAsync(new DictionaryFile().Make(Words, [[0, 1], [2, (sbyte)position]]), batch: 1);

    [Fact]
    public async Task ContradictingDictionariesAreRefused()
    {
        await AssertCorruptAsync(new DictionaryFile().Make(Words, [[0]], allDeltas: false));
        await AssertCorruptAsync(new DictionaryFile().Make(Words, [[0]], id: 8));
        MemoryFile file = new DictionaryFile().Make(Words, [[0]], nullable: false);
        ArrowFileReader reader = await ArrowFileReader.OpenAsync("file", file);
        await Assert.ThrowsAsync<NotSupportedException>(async () => await reader.ReadBatchAsync(0));
    }

    [Fact]
    public async Task BatchesInTheWrongTableAreRefused()
    {
        var maker = new DictionaryFile();
        MemoryFile file = maker.Make(Words, [[0]]);
        byte[] bytes = file.Bytes;
        // The record batch's message becomes one of a dictionary batch.
        Span<byte> from = bytes.AsSpan((int)maker.Dictionaries[0].Offset, maker.Dictionaries[0].MetadataLength);
        Span<byte> to = bytes.AsSpan((int)maker.Batches[0].Offset, maker.Batches[0].MetadataLength);
        from[..Math.Min(from.Length, to.Length)].CopyTo(to);
        await AssertCorruptAsync(new MemoryFile(bytes));
    }

    private static async Task AssertCorruptAsync(MemoryFile file, int batch = 0)
    {
        ArrowFileReader reader = await ArrowFileReader.OpenAsync("the file", file);
        var exception = await Assert.ThrowsAsync<CorruptDataException>(async () => await reader.ReadBatchAsync(batch));
        Assert.Equal("the file", exception.ObjectKey);
    }
}

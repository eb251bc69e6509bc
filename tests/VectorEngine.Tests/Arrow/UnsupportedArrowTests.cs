using VectorEngine.Arrow;

namespace VectorEngine.Tests.Arrow;

/// <summary>Footers of valid files that this library does not read, and of invalid ones, made field by field.</summary>
public class UnsupportedArrowTests
{
    private static readonly MemoryFile Nothing = new(new byte[1000]);

    [Fact]
    public void ASupportedFooterIsRead() =>
        Assert.Equal([new ArrowField("c", ArrowType.Int32, Nullable: false)], Open(Footer()).Schema.Fields);

    [Theory]
    [InlineData((byte)7, 0, "decimal")]
    [InlineData((byte)13, 2, "struct")]
    [InlineData((byte)16, 1, "fixed-size list")]
    public async Task UnsupportedTypesAreNamedWhenAColumnIsAskedFor(byte typeType, int children, string name)
    {
        ArrowFileReader reader = Open(Footer(typeType: typeType, children: children, block: new ArrowBlock(0, 8, 0)));
        Assert.Equal(ArrowTypeKind.Unsupported, reader.Schema["c"].Type.Kind);
        Assert.Equal(name, reader.Schema["c"].Type.UnsupportedName);
        Assert.Throws<ArgumentException>(() => new ArrowFileWriter(reader.Schema, (_, _) => default));
        ArrowFileReader empty = ArrowFileReader.Open("the file", Nothing, Footer(typeType: typeType, children: children));
        var exception = await Assert.ThrowsAsync<NotSupportedException>(async () => await empty.TakeAsync(ReadOnlyMemory<long>.Empty));
        Assert.Contains(name, exception.Message);
        Assert.Contains("'c'", exception.Message);
        Assert.Contains("'the file'", exception.Message);
        Assert.Equal(0, (await empty.TakeAsync(ReadOnlyMemory<long>.Empty, [])).RowCount);
    }

    [Fact]
    public void UnsupportedFeaturesAreNamed()
    {
        Assert.Contains("big-endian", Assert.Throws<NotSupportedException>(() => Open(Footer(endianness: 1))).Message);
        Assert.Contains("version 3", Assert.Throws<NotSupportedException>(() => Open(Footer(version: 2))).Message);
        // What a batch has of these cannot be known without reading more of the type, or at all.
        Assert.Contains("union", Assert.Throws<NotSupportedException>(() => Open(Footer(typeType: 14, children: 2))).Message);
        Assert.Contains("number 200", Assert.Throws<NotSupportedException>(() => Open(Footer(typeType: 200))).Message);
    }

    [Fact]
    public void DeepNestingIsRefused()
    {
        var builder = new FlatBufferBuilder();
        int field = AddField(builder, 2, 32, dictionary: false, children: 0, nameLength: 1);
        for (int depth = 0; depth < 100_000; depth++)
        {
            int children = builder.AddOffsets([field]);
            builder.StartTable();
            builder.SetOffset(Wire.Field.Children, children);
            builder.SetByte(Wire.Field.TypeType, 13);
            field = builder.EndTable();
        }
        builder.StartTable();
        int type = builder.EndTable();
        int outer = builder.AddOffsets([field]);
        builder.StartTable();
        builder.SetOffset(Wire.Field.Type, type);
        builder.SetOffset(Wire.Field.Children, outer);
        builder.SetByte(Wire.Field.TypeType, 13);
        int fields = builder.AddOffsets([builder.EndTable()]);
        Assert.Contains("deep", Assert.Throws<NotSupportedException>(() => Open(AddFooter(builder, fields, 0, 4, 0, null))).Message);
    }

    [Fact]
    public void ContradictionsAreCorrupt()
    {
        Assert.Throws<CorruptDataException>(() => Open(Footer(typeType: 0)));
        Assert.Throws<CorruptDataException>(() => Open(Footer(bitWidth: 24)));
        Assert.Throws<CorruptDataException>(() => Open(Footer(typeType: 16, children: 2)));
        Assert.Throws<CorruptDataException>(() => Open(Footer(block: new ArrowBlock(0, 8, 993))));
        Assert.Throws<CorruptDataException>(() => Open(Footer(block: new ArrowBlock(-8, 8, 0))));
        Assert.Throws<CorruptDataException>(() => Open(Footer(block: new ArrowBlock(0, 4, 0))));
        Assert.Throws<CorruptDataException>(() => Open(Footer(block: new ArrowBlock(long.MaxValue, 8, long.MaxValue))));
    }

    [Fact]
    public void MetadataThatUnfoldsBeyondMeasureIsCorrupt()
    {
        var builder = new FlatBufferBuilder();
        int field = AddField(builder, 2, 32, dictionary: false, children: 0, nameLength: 50_000);
        int fields = builder.AddOffsets([.. Enumerable.Repeat(field, 10_000)]);
        Assert.Throws<CorruptDataException>(() => Open(AddFooter(builder, fields, 0, 4, 0, null)));
    }

    [Fact]
    public async Task CompressedBatchesAreNotSupported()
    {
        var builder = new FlatBufferBuilder();
        builder.StartTable();
        int compression = builder.EndTable();
        builder.StartTable();
        builder.SetInt64(Wire.RecordBatch.Length, 0);
        builder.SetOffset(Wire.RecordBatch.Compression, compression);
        int batch = builder.EndTable();
        builder.StartTable();
        builder.SetOffset(Wire.Message.Header, batch);
        builder.SetInt64(Wire.Message.BodyLength, 0);
        builder.SetInt16(Wire.Message.Version, Wire.MetadataV5);
        builder.SetByte(Wire.Message.HeaderType, Wire.HeaderRecordBatch);
        byte[] message = builder.Finish(builder.EndTable());
        byte[] file = [0xFF, 0xFF, 0xFF, 0xFF, (byte)message.Length, 0, 0, 0, .. message];

        byte[] footer = Footer(block: new ArrowBlock(0, file.Length, 0));
        ArrowFileReader reader = ArrowFileReader.Open("the file", new MemoryFile(file), footer);
        var exception = await Assert.ThrowsAsync<NotSupportedException>(async () => await reader.ReadBatchAsync(0));
        Assert.Contains("compressed", exception.Message);
    }

    private static ArrowFileReader Open(byte[] footer) => ArrowFileReader.Open("the file", Nothing, footer);

    private static byte[] Footer(
        byte typeType = 2, int bitWidth = 32, bool dictionary = false, int dictionaryBatches = 0, short endianness = 0, short version = 4,
        int children = 0, ArrowBlock? block = null)
    {
        var builder = new FlatBufferBuilder();
        int fields = builder.AddOffsets([AddField(builder, typeType, bitWidth, dictionary, children, nameLength: 1)]);
        return AddFooter(builder, fields, endianness, version, dictionaryBatches, block);
    }

    private static int AddField(FlatBufferBuilder builder, byte typeType, int bitWidth, bool dictionary, int children, int nameLength)
    {
        int childVector = builder.AddOffsets(
            [.. Enumerable.Range(0, children).Select(_ => AddField(builder, 2, 32, dictionary: false, children: 0, nameLength: 1))]);
        int name = builder.AddString(new string('c', nameLength));
        builder.StartTable();
        builder.SetInt32(Wire.Int.BitWidth, bitWidth);
        builder.SetByte(Wire.Int.IsSigned, 1);
        int type = builder.EndTable();
        builder.StartTable();
        builder.SetOffset(Wire.Field.Name, name);
        builder.SetOffset(Wire.Field.Type, type);
        builder.SetOffset(Wire.Field.Children, childVector);
        if (dictionary)
            builder.SetOffset(Wire.Field.Dictionary, type);
        builder.SetByte(Wire.Field.TypeType, typeType);
        return builder.EndTable();
    }

    private static byte[] AddFooter(
        FlatBufferBuilder builder, int fields, short endianness, short version, int dictionaryBatches, ArrowBlock? block)
    {
        builder.StartTable();
        builder.SetOffset(Wire.Schema.Fields, fields);
        builder.SetInt16(Wire.Schema.Endianness, endianness);
        int schema = builder.EndTable();
        var blockBytes = new byte[block is null ? 0 : Wire.BlockLength];
        if (block is { } place)
        {
            BitConverter.TryWriteBytes(blockBytes, place.Offset);
            BitConverter.TryWriteBytes(blockBytes.AsSpan(8), place.MetadataLength);
            BitConverter.TryWriteBytes(blockBytes.AsSpan(16), place.BodyLength);
        }
        int batches = builder.AddStructs(blockBytes, blockBytes.Length / Wire.BlockLength);
        int dictionaries = builder.AddStructs(new byte[dictionaryBatches * Wire.BlockLength], dictionaryBatches);
        builder.StartTable();
        builder.SetOffset(Wire.Footer.Schema, schema);
        builder.SetOffset(Wire.Footer.Dictionaries, dictionaries);
        builder.SetOffset(Wire.Footer.RecordBatches, batches);
        builder.SetInt16(Wire.Footer.Version, version);
        return builder.Finish(builder.EndTable());
    }
}

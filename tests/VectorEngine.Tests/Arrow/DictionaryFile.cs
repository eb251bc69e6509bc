using System.Buffers.Binary;
using System.Runtime.InteropServices;
using VectorEngine.Arrow;

namespace VectorEngine.Tests.Arrow;

/// <summary>A file of one column of text that is encoded by a dictionary, which the engine reads and does not write.</summary>
internal sealed class DictionaryFile
{
    private const long Id = 7;

    private readonly MemoryStream _file = new();
    private readonly List<ArrowBlock> _dictionaries = [];
    private readonly List<ArrowBlock> _batches = [];

    /// <summary>The place of each dictionary batch.</summary>
    public IReadOnlyList<ArrowBlock> Dictionaries => _dictionaries;

    /// <summary>The place of each record batch.</summary>
    public IReadOnlyList<ArrowBlock> Batches => _batches;

    /// <summary>Makes a file.</summary>
    /// <param name="dictionary">The dictionary's batches.</param>
    /// <param name="positions">The record batches: for each row a position, or null.</param>
    /// <param name="allDeltas">Whether all but the first of the dictionary's batches say that they add to it.</param>
    /// <param name="id">The dictionary that the batches say they belong to.</param>
    /// <param name="nullable">Whether values may be missing.</param>
    public MemoryFile Make(
        string?[][] dictionary, sbyte?[][] positions, bool allDeltas = true, long id = Id, bool nullable = true)
    {
        _file.Write("ARROW1\0\0"u8);
        for (int i = 0; i < dictionary.Length; i++)
            _dictionaries.Add(Add(ArrowArray.From(dictionary[i]), id, isDelta: allDeltas && i != 0));
        foreach (sbyte?[] batch in positions)
            _batches.Add(Add(ArrowArray.From(batch), null, false));
        byte[] footer = Footer(nullable);
        _file.Write(new byte[8]);
        _file.Write(footer);
        _file.Write(BitConverter.GetBytes(footer.Length));
        _file.Write("ARROW1"u8);
        return new MemoryFile(_file.ToArray());
    }

    private ArrowBlock Add(ArrowArray column, long? dictionary, bool isDelta)
    {
        var body = new BatchBody(rebase: true);
        column.AppendTo(body);
        var bytes = new MemoryStream();
        var buffers = new byte[body.Buffers.Count * Wire.BufferLength];
        for (int i = 0; i < body.Buffers.Count; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(buffers.AsSpan(i * 16), bytes.Length);
            BinaryPrimitives.WriteInt64LittleEndian(buffers.AsSpan(i * 16 + 8), body.Buffers[i].Length);
            bytes.Write(body.Buffers[i].Span);
            bytes.Write(new byte[-bytes.Length & 7]);
        }

        long offset = _file.Length;
        byte[] message = Message(column, buffers, bytes.Length, dictionary, isDelta);
        _file.Write(BitConverter.GetBytes(-1));
        _file.Write(BitConverter.GetBytes(message.Length));
        _file.Write(message);
        _file.Write(bytes.ToArray());
        return new ArrowBlock(offset, message.Length + 8, bytes.Length);
    }

    private static byte[] Message(ArrowArray column, byte[] buffers, long bodyLength, long? dictionary, bool isDelta)
    {
        var builder = new FlatBufferBuilder();
        int bufferVector = builder.AddStructs(buffers, buffers.Length / Wire.BufferLength);
        int nodes = builder.AddStructs(MemoryMarshal.AsBytes<long>([column.Length, column.NullCount]), 1);
        builder.StartTable();
        builder.SetInt64(Wire.RecordBatch.Length, column.Length);
        builder.SetOffset(Wire.RecordBatch.Nodes, nodes);
        builder.SetOffset(Wire.RecordBatch.Buffers, bufferVector);
        int header = builder.EndTable();
        if (dictionary is { } id)
        {
            builder.StartTable();
            builder.SetInt64(Wire.DictionaryBatch.Id, id);
            builder.SetOffset(Wire.DictionaryBatch.Data, header);
            builder.SetByte(Wire.DictionaryBatch.IsDelta, isDelta ? (byte)1 : (byte)0);
            header = builder.EndTable();
        }
        builder.StartTable();
        builder.SetInt64(Wire.Message.BodyLength, bodyLength);
        builder.SetOffset(Wire.Message.Header, header);
        builder.SetInt16(Wire.Message.Version, Wire.MetadataV5);
        builder.SetByte(Wire.Message.HeaderType, dictionary is null ? Wire.HeaderRecordBatch : Wire.HeaderDictionaryBatch);
        return builder.Finish(builder.EndTable());
    }

    private byte[] Footer(bool nullable)
    {
        var builder = new FlatBufferBuilder();
        int batches = AddBlocks(builder, _batches), dictionaries = AddBlocks(builder, _dictionaries);
        int name = builder.AddString("d"), children = builder.AddOffsets([]);
        builder.StartTable();
        int type = builder.EndTable();
        builder.StartTable();
        builder.SetInt32(Wire.Int.BitWidth, 8);
        builder.SetByte(Wire.Int.IsSigned, 1);
        int indexType = builder.EndTable();
        builder.StartTable();
        builder.SetInt64(Wire.DictionaryEncoding.Id, Id);
        builder.SetOffset(Wire.DictionaryEncoding.IndexType, indexType);
        int encoding = builder.EndTable();
        builder.StartTable();
        builder.SetOffset(Wire.Field.Name, name);
        builder.SetOffset(Wire.Field.Type, type);
        builder.SetOffset(Wire.Field.Dictionary, encoding);
        builder.SetOffset(Wire.Field.Children, children);
        builder.SetByte(Wire.Field.TypeType, Wire.TypeUtf8);
        builder.SetByte(Wire.Field.Nullable, nullable ? (byte)1 : (byte)0);
        int fields = builder.AddOffsets([builder.EndTable()]);
        builder.StartTable();
        builder.SetOffset(Wire.Schema.Fields, fields);
        int schema = builder.EndTable();
        builder.StartTable();
        builder.SetOffset(Wire.Footer.Schema, schema);
        builder.SetOffset(Wire.Footer.Dictionaries, dictionaries);
        builder.SetOffset(Wire.Footer.RecordBatches, batches);
        builder.SetInt16(Wire.Footer.Version, Wire.MetadataV5);
        return builder.Finish(builder.EndTable());
    }

    private static int AddBlocks(FlatBufferBuilder builder, List<ArrowBlock> blocks)
    {
        var bytes = new byte[blocks.Count * Wire.BlockLength];
        for (int i = 0; i < blocks.Count; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(i * 24), blocks[i].Offset);
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(i * 24 + 8), blocks[i].MetadataLength);
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(i * 24 + 16), blocks[i].BodyLength);
        }
        return builder.AddStructs(bytes, blocks.Count);
    }
}

using System.Buffers.Binary;

namespace VectorEngine.Arrow;

/// <summary>Turns schemas, batch layouts and block tables into the format's FlatBuffers.</summary>
internal static class MetadataEncoder
{
    public static byte[] SchemaMessage(ArrowSchema schema)
    {
        var builder = new FlatBufferBuilder();
        return Message(builder, Wire.HeaderSchema, AddSchema(builder, schema), bodyLength: 0);
    }

    /// <param name="rowCount">Rows of the batch.</param>
    /// <param name="nodes">Length and number of nulls of each column and each column's child, in order.</param>
    /// <param name="bufferLengths">The unpadded length of each buffer, in order.</param>
    /// <param name="bodyLength">The padded buffers' length.</param>
    public static byte[] BatchMessage(
        long rowCount, ReadOnlySpan<(long Length, long NullCount)> nodes, ReadOnlySpan<long> bufferLengths, long bodyLength)
    {
        var nodeBytes = new byte[nodes.Length * Wire.NodeLength];
        for (int i = 0; i < nodes.Length; i++)
            WritePair(nodeBytes.AsSpan(i * Wire.NodeLength), nodes[i].Length, nodes[i].NullCount);

        var bufferBytes = new byte[bufferLengths.Length * Wire.BufferLength];
        long offset = 0;
        for (int i = 0; i < bufferLengths.Length; i++)
        {
            WritePair(bufferBytes.AsSpan(i * Wire.BufferLength), offset, bufferLengths[i]);
            offset += ArrowFormat.Align(bufferLengths[i]);
        }

        var builder = new FlatBufferBuilder();
        int bufferVector = builder.AddStructs(bufferBytes, bufferLengths.Length);
        int nodeVector = builder.AddStructs(nodeBytes, nodes.Length);
        builder.StartTable();
        builder.SetInt64(Wire.RecordBatch.Length, rowCount);
        builder.SetOffset(Wire.RecordBatch.Nodes, nodeVector);
        builder.SetOffset(Wire.RecordBatch.Buffers, bufferVector);
        return Message(builder, Wire.HeaderRecordBatch, builder.EndTable(), bodyLength);
    }

    public static byte[] Footer(ArrowSchema schema, IReadOnlyList<ArrowBlock> blocks)
    {
        var blockBytes = new byte[checked(blocks.Count * Wire.BlockLength)];
        for (int i = 0; i < blocks.Count; i++)
        {
            Span<byte> block = blockBytes.AsSpan(i * Wire.BlockLength);
            BinaryPrimitives.WriteInt64LittleEndian(block, blocks[i].Offset);
            BinaryPrimitives.WriteInt32LittleEndian(block[8..], blocks[i].MetadataLength);
            BinaryPrimitives.WriteInt64LittleEndian(block[16..], blocks[i].BodyLength);
        }

        var builder = new FlatBufferBuilder();
        int batches = builder.AddStructs(blockBytes, blocks.Count);
        // Readers differ in whether this vector may be absent.
        int dictionaries = builder.AddStructs([], 0);
        int schemaTable = AddSchema(builder, schema);
        builder.StartTable();
        builder.SetOffset(Wire.Footer.RecordBatches, batches);
        builder.SetOffset(Wire.Footer.Dictionaries, dictionaries);
        builder.SetOffset(Wire.Footer.Schema, schemaTable);
        builder.SetInt16(Wire.Footer.Version, Wire.MetadataV5);
        return builder.Finish(builder.EndTable());
    }

    private static byte[] Message(FlatBufferBuilder builder, byte headerType, int header, long bodyLength)
    {
        builder.StartTable();
        builder.SetInt64(Wire.Message.BodyLength, bodyLength);
        builder.SetOffset(Wire.Message.Header, header);
        builder.SetInt16(Wire.Message.Version, Wire.MetadataV5);
        builder.SetByte(Wire.Message.HeaderType, headerType);
        return builder.Finish(builder.EndTable());
    }

    private static int AddSchema(FlatBufferBuilder builder, ArrowSchema schema)
    {
        var fields = new int[schema.Fields.Count];
        for (int i = 0; i < fields.Length; i++)
            fields[i] = AddField(builder, schema.Fields[i]);
        int fieldVector = builder.AddOffsets(fields);
        builder.StartTable();
        builder.SetOffset(Wire.Schema.Fields, fieldVector);
        builder.SetInt16(Wire.Schema.Endianness, 0);
        return builder.EndTable();
    }

    private static int AddField(FlatBufferBuilder builder, ArrowField field)
    {
        // "item" and nullable is how other implementations call a list's child, and some compare types with it.
        int[] children = field.Type.ElementType is { } elementType ? [AddField(builder, new ArrowField("item", elementType))] : [];
        int childVector = builder.AddOffsets(children);
        int name = builder.AddString(field.Name);
        int timeZone = field.Type.TimeZone is { } zone ? builder.AddString(zone) : 0;
        (byte typeType, int type) = AddType(builder, field.Type, timeZone);
        builder.StartTable();
        builder.SetOffset(Wire.Field.Children, childVector);
        builder.SetOffset(Wire.Field.Type, type);
        builder.SetOffset(Wire.Field.Name, name);
        builder.SetByte(Wire.Field.TypeType, typeType);
        builder.SetByte(Wire.Field.Nullable, field.Nullable ? (byte)1 : (byte)0);
        return builder.EndTable();
    }

    private static (byte TypeType, int Type) AddType(FlatBufferBuilder builder, ArrowType type, int timeZone)
    {
        builder.StartTable();
        byte typeType = TypeNumber(type.Kind);
        switch (typeType)
        {
            case Wire.TypeFixedSizeList:
                builder.SetInt32(Wire.FixedSizeList.ListSize, type.ListSize);
                break;
            case Wire.TypeTimestamp:
                builder.SetInt16(Wire.Timestamp.Unit, (short)type.Unit!.Value);
                if (timeZone != 0)
                    builder.SetOffset(Wire.Timestamp.TimeZone, timeZone);
                break;
            case Wire.TypeFloatingPoint:
                builder.SetInt16(Wire.FloatingPoint.Precision, (short)(type.Kind - ArrowTypeKind.Float16));
                break;
            case Wire.TypeInt:
                builder.SetInt32(Wire.Int.BitWidth, (int)type.BitWidth);
                builder.SetByte(Wire.Int.IsSigned, type.Kind <= ArrowTypeKind.Int64 ? (byte)1 : (byte)0);
                break;
        }
        return (typeType, builder.EndTable());
    }

    private static byte TypeNumber(ArrowTypeKind kind) => kind switch
    {
        ArrowTypeKind.Null => Wire.TypeNull,
        ArrowTypeKind.Bool => Wire.TypeBool,
        ArrowTypeKind.Utf8 => Wire.TypeUtf8,
        ArrowTypeKind.LargeUtf8 => Wire.TypeLargeUtf8,
        ArrowTypeKind.Binary => Wire.TypeBinary,
        ArrowTypeKind.LargeBinary => Wire.TypeLargeBinary,
        ArrowTypeKind.Timestamp => Wire.TypeTimestamp,
        ArrowTypeKind.FixedSizeList => Wire.TypeFixedSizeList,
        ArrowTypeKind.Float16 or ArrowTypeKind.Float32 or ArrowTypeKind.Float64 => Wire.TypeFloatingPoint,
        _ => Wire.TypeInt,
    };

    private static void WritePair(Span<byte> target, long first, long second)
    {
        BinaryPrimitives.WriteInt64LittleEndian(target, first);
        BinaryPrimitives.WriteInt64LittleEndian(target[8..], second);
    }
}

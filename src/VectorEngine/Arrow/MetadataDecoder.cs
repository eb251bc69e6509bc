namespace VectorEngine.Arrow;

/// <summary>
/// Turns the format's FlatBuffers into schemas, block tables and batch layouts. What a layout says lies within the file was checked to;
/// metadata that contradicts itself is a <see cref="CorruptDataException"/>, a valid file of another kind a
/// <see cref="NotSupportedException"/>.
/// </summary>
internal static class MetadataDecoder
{
    /// <summary>The format's types, by number: to name the ones that are not supported.</summary>
    private static readonly string[] TypeNames =
    [
        "none", "null", "int", "floating point", "binary", "utf8", "bool", "decimal", "date", "time", "timestamp", "interval", "list",
        "struct", "union", "fixed-size binary", "fixed-size list", "map", "duration", "large binary", "large utf8", "large list",
        "run-end encoded", "binary view", "utf8 view", "list view", "large list view",
    ];

    /// <param name="footer">The footer.</param>
    /// <param name="fileLength">The blocks lie below this.</param>
    public static (ArrowSchema Schema, ArrowBlock[] Blocks) Footer(FlatBuffer footer, long fileLength)
    {
        FlatTable root = footer.Root();
        CheckVersion(root.Int16(Wire.Footer.Version), footer);
        if (root.Vector(Wire.Footer.Dictionaries, Wire.BlockLength).Count != 0)
            throw footer.Unsupported("dictionaries");
        ArrowSchema schema = Schema(root.Table(Wire.Footer.Schema));

        FlatVector vector = root.Vector(Wire.Footer.RecordBatches, Wire.BlockLength);
        var blocks = new ArrowBlock[vector.Count];
        long available = fileLength;
        for (int i = 0; i < blocks.Length; i++)
        {
            var block = new ArrowBlock(vector.Int64(i, 0), vector.Int32(i, 8), vector.Int64(i, 16));
            if (block.MetadataLength is < ArrowFormat.PrefixLength or > ArrowFormat.MaxBatchMetadataLength
                || block.Offset < 0 || block.BodyLength < 0
                || block.Offset > fileLength - block.MetadataLength || block.BodyLength > fileLength - block.BodyOffset)
                throw root.Corrupt($"batch {i} lies outside the file");
            // Many blocks in one place would make a small file a large one.
            available -= block.MetadataLength + block.BodyLength;
            if (available < 0)
                throw root.Corrupt("the batches are longer than the file");
            blocks[i] = block;
        }
        return (schema, blocks);
    }

    /// <param name="message">The FlatBuffer of the batch's message.</param>
    /// <param name="schema">The file's schema.</param>
    /// <param name="block">The batch's place.</param>
    public static BatchLayout Batch(FlatBuffer message, ArrowSchema schema, ArrowBlock block)
    {
        FlatTable root = message.Root();
        CheckVersion(root.Int16(Wire.Message.Version), message);
        if (root.Byte(Wire.Message.HeaderType) != Wire.HeaderRecordBatch)
            throw root.Corrupt("a message that is not a record batch");
        if (root.Int64(Wire.Message.BodyLength) != block.BodyLength)
            throw root.Corrupt("message and footer tell different lengths of a batch");
        FlatTable batch = root.Table(Wire.Message.Header);
        if (batch.Has(Wire.RecordBatch.Compression))
            throw message.Unsupported("compressed batches");
        long rowCount = batch.Int64(Wire.RecordBatch.Length);
        if (rowCount < 0)
            throw batch.Corrupt($"a batch of {rowCount} rows");
        if (rowCount > int.MaxValue)
            throw message.Unsupported($"a batch of {rowCount} rows");

        var parts = new BatchParts(batch, block);
        var columns = new ColumnLayout[schema.Fields.Count];
        for (int i = 0; i < columns.Length; i++)
        {
            columns[i] = Column(parts, schema.Fields[i].Type, rowCount);
            if (columns[i].NullCount != 0 && !schema.Fields[i].Nullable)
                throw batch.Corrupt($"column '{schema.Fields[i].Name}' misses {columns[i].NullCount} values, but is not nullable");
        }
        parts.CheckAllUsed();
        return new BatchLayout((int)rowCount, columns);
    }

    private static ColumnLayout Column(BatchParts parts, ArrowType type, long rowCount)
    {
        long nullCount = parts.NextNode(rowCount, rowCount);
        FileRange validity = parts.NextValidity(nullCount, rowCount);
        switch (type.Kind)
        {
            case ArrowTypeKind.Utf8:
                // An empty column may come without its only offset.
                FileRange offsets = parts.NextBuffer(8 * sizeof(int), rowCount == 0 ? 0 : rowCount + 1);
                return new ColumnLayout(nullCount, validity, offsets, Bytes: parts.NextBuffer(0, 0));
            case ArrowTypeKind.FixedSizeList:
                long elements = rowCount * type.ListSize;
                long childNullCount = parts.NextNode(elements, long.MaxValue);
                FileRange childValidity = parts.NextValidity(childNullCount, elements);
                return new ColumnLayout(nullCount, validity, parts.NextBuffer(type.BitWidth, rowCount))
                {
                    ChildNullCount = childNullCount,
                    ChildValidity = childValidity,
                };
            default:
                return new ColumnLayout(nullCount, validity, parts.NextBuffer(type.BitWidth, rowCount));
        }
    }

    private static ArrowSchema Schema(FlatTable schema)
    {
        if (schema.Int16(Wire.Schema.Endianness) != 0)
            throw schema.Buffer.Unsupported("big-endian values");
        FlatVector vector = schema.Vector(Wire.Schema.Fields, sizeof(int));
        var fields = new ArrowField[vector.Count];
        for (int i = 0; i < fields.Length; i++)
            fields[i] = Field(vector.Table(i));
        return new ArrowSchema(fields);
    }

    private static ArrowField Field(FlatTable field)
    {
        string name = field.String(Wire.Field.Name);
        if (field.Has(Wire.Field.Dictionary))
            throw field.Buffer.Unsupported($"a dictionary-encoded column '{name}'");
        FlatVector children = field.Vector(Wire.Field.Children, sizeof(int));
        ArrowType type;
        if (field.Byte(Wire.Field.TypeType) == Wire.TypeFixedSizeList)
            type = ListType(field, children, name);
        else if (children.Count == 0)
            type = ScalarType(field, name);
        else
            throw field.Buffer.Unsupported($"a column '{name}' of a nested type");
        return new ArrowField(name, type, field.Byte(Wire.Field.Nullable) != 0);
    }

    private static ArrowType ListType(FlatTable field, FlatVector children, string name)
    {
        if (children.Count != 1)
            throw field.Corrupt($"column '{name}' is a list with {children.Count} children");
        int listSize = field.Table(Wire.Field.Type).Int32(Wire.FixedSizeList.ListSize);
        if (listSize < 0)
            throw field.Corrupt($"column '{name}' has lists of {listSize} elements");
        FlatTable child = children.Table(0);
        if (child.Has(Wire.Field.Dictionary))
            throw field.Buffer.Unsupported($"a dictionary-encoded column '{name}'");
        ArrowType? elementType = child.Byte(Wire.Field.TypeType) == Wire.TypeFloatingPoint ? ScalarType(child, name) : null;
        if (listSize == 0 || elementType is not { Kind: ArrowTypeKind.Float16 or ArrowTypeKind.Float32 })
            throw field.Buffer.Unsupported($"a column '{name}' of lists of {listSize} elements other than float16 or float32");
        return ArrowType.FixedSizeList(elementType, listSize);
    }

    private static ArrowType ScalarType(FlatTable field, string name)
    {
        byte typeType = field.Byte(Wire.Field.TypeType);
        FlatTable type = field.Table(Wire.Field.Type);
        return typeType switch
        {
            Wire.TypeBool => ArrowType.Bool,
            Wire.TypeUtf8 => ArrowType.Utf8,
            Wire.TypeInt => IntType(type),
            Wire.TypeFloatingPoint => type.Int16(Wire.FloatingPoint.Precision) switch
            {
                0 => ArrowType.Float16,
                1 => ArrowType.Float32,
                2 => ArrowType.Float64,
                var precision => throw type.Corrupt($"column '{name}' has floats of precision {precision}"),
            },
            0 => throw field.Corrupt($"column '{name}' has no type"),
            _ => throw field.Buffer.Unsupported(
                $"a column '{name}' of type {(typeType < TypeNames.Length ? TypeNames[typeType] : $"number {typeType}")}"),
        };
    }

    private static ArrowType IntType(FlatTable type) => (type.Int32(Wire.Int.BitWidth), type.Byte(Wire.Int.IsSigned) != 0) switch
    {
        (8, true) => ArrowType.Int8,
        (16, true) => ArrowType.Int16,
        (32, true) => ArrowType.Int32,
        (64, true) => ArrowType.Int64,
        (8, false) => ArrowType.UInt8,
        (16, false) => ArrowType.UInt16,
        (32, false) => ArrowType.UInt32,
        (64, false) => ArrowType.UInt64,
        (int bitWidth, _) => throw type.Corrupt($"integers of {bitWidth} bits"),
    };

    private static void CheckVersion(short version, FlatBuffer buffer)
    {
        // Version 4 lays out all types read here just as 5 does.
        if (version is not (Wire.MetadataV4 or Wire.MetadataV5))
            throw buffer.Unsupported($"metadata version {version + 1}");
    }
}

namespace VectorEngine.Arrow;

/// <summary>What a file's footer says.</summary>
/// <param name="Schema">The columns.</param>
/// <param name="Encodings">For each column how it is encoded by a dictionary; null where it is not.</param>
/// <param name="Batches">The place of each record batch.</param>
/// <param name="Dictionaries">The place of each dictionary batch.</param>
internal sealed record ArrowFooter(ArrowSchema Schema, DictionaryEncoding?[] Encodings, ArrowBlock[] Batches, ArrowBlock[] Dictionaries);

/// <summary>A column whose buffers have positions in a dictionary in place of values.</summary>
/// <param name="Id">Which of the file's dictionaries.</param>
/// <param name="IndexType">The positions' type.</param>
internal sealed record DictionaryEncoding(long Id, ArrowType IndexType);

/// <summary>
/// Turns the format's FlatBuffers into block tables and batch layouts. What a layout says lies within the file was checked to;
/// metadata that contradicts itself is a <see cref="CorruptDataException"/>, a valid file of another kind a
/// <see cref="NotSupportedException"/>.
/// </summary>
internal static class MetadataDecoder
{
    /// <param name="footer">The footer.</param>
    /// <param name="fileLength">The blocks lie below this.</param>
    public static ArrowFooter Footer(FlatBuffer footer, long fileLength)
    {
        FlatTable root = footer.Root();
        CheckVersion(root.Int16(Wire.Footer.Version), footer);
        (ArrowField Field, DictionaryEncoding? Encoding)[] columns = SchemaDecoder.Columns(root.Table(Wire.Footer.Schema));
        long available = fileLength;
        return new ArrowFooter(
            new ArrowSchema(columns.Select(column => column.Field)),
            Array.ConvertAll(columns, column => column.Encoding),
            Blocks(root, Wire.Footer.RecordBatches, fileLength, ref available),
            Blocks(root, Wire.Footer.Dictionaries, fileLength, ref available));
    }

    /// <param name="message">The FlatBuffer of the batch's message.</param>
    /// <param name="footer">The file's schema.</param>
    /// <param name="block">The batch's place.</param>
    public static BatchLayout Batch(FlatBuffer message, ArrowFooter footer, ArrowBlock block)
    {
        FlatTable batch = Header(message, Wire.HeaderRecordBatch, block);
        (BatchParts parts, int rowCount) = Parts(batch, block);
        var columns = new ColumnLayout[footer.Schema.Fields.Count];
        for (int i = 0; i < columns.Length; i++)
        {
            (string name, ArrowType type, bool nullable) = footer.Schema.Fields[i];
            columns[i] = Column(parts, footer.Encodings[i]?.IndexType ?? type, rowCount);
            if (columns[i].NullCount != 0 && !nullable)
                throw batch.Corrupt($"column '{name}' misses {columns[i].NullCount} values, but is not nullable");
        }
        parts.CheckAllUsed();
        return new BatchLayout(rowCount, columns);
    }

    /// <summary>The header of a dictionary batch's message.</summary>
    public static FlatTable DictionaryHeader(FlatBuffer message, ArrowBlock block) => Header(message, Wire.HeaderDictionaryBatch, block);

    /// <param name="header">The dictionary batch.</param>
    /// <param name="valueType">The type of its values.</param>
    /// <param name="block">Its place.</param>
    public static BatchLayout Dictionary(FlatTable header, ArrowType valueType, ArrowBlock block)
    {
        (BatchParts parts, int count) = Parts(header.Table(Wire.DictionaryBatch.Data), block);
        ColumnLayout values = Column(parts, valueType, count);
        parts.CheckAllUsed();
        return new BatchLayout(count, [values]);
    }

    private static ArrowBlock[] Blocks(FlatTable footer, int slot, long fileLength, ref long available)
    {
        FlatVector vector = footer.Vector(slot, Wire.BlockLength);
        var blocks = new ArrowBlock[vector.Count];
        for (int i = 0; i < blocks.Length; i++)
        {
            var block = new ArrowBlock(vector.Int64(i, 0), vector.Int32(i, 8), vector.Int64(i, 16));
            if (block.MetadataLength is < ArrowFormat.PrefixLength or > ArrowFormat.MaxBatchMetadataLength
                || block.Offset < 0 || block.BodyLength < 0
                || block.Offset > fileLength - block.MetadataLength || block.BodyLength > fileLength - block.BodyOffset)
                throw footer.Corrupt($"batch {i} lies outside the file");
            // Many blocks in one place would make a small file a large one.
            available -= block.MetadataLength + block.BodyLength;
            if (available < 0)
                throw footer.Corrupt("the batches are longer than the file");
            blocks[i] = block;
        }
        return blocks;
    }

    private static FlatTable Header(FlatBuffer message, byte headerType, ArrowBlock block)
    {
        FlatTable root = message.Root();
        CheckVersion(root.Int16(Wire.Message.Version), message);
        if (root.Byte(Wire.Message.HeaderType) != headerType)
            throw root.Corrupt("a message that is not the batch that the footer announces");
        if (root.Int64(Wire.Message.BodyLength) != block.BodyLength)
            throw root.Corrupt("message and footer tell different lengths of a batch");
        return root.Table(Wire.Message.Header);
    }

    private static (BatchParts Parts, int RowCount) Parts(FlatTable batch, ArrowBlock block)
    {
        if (batch.Has(Wire.RecordBatch.Compression))
            throw batch.Buffer.Unsupported("compressed batches");
        long rowCount = batch.Int64(Wire.RecordBatch.Length);
        if (rowCount < 0)
            throw batch.Corrupt($"a batch of {rowCount} rows");
        if (rowCount > int.MaxValue)
            throw batch.Buffer.Unsupported($"a batch of {rowCount} rows");
        return (new BatchParts(batch, block), (int)rowCount);
    }

    private static ColumnLayout Column(BatchParts parts, ArrowType type, long rowCount)
    {
        if (type.Kind is ArrowTypeKind.Unsupported or ArrowTypeKind.Null)
        {
            parts.Skip(type.Kind == ArrowTypeKind.Null ? new ArrowParts(1, 0, 0) : type.UnsupportedParts);
            return new ColumnLayout(type.Kind == ArrowTypeKind.Null ? rowCount : 0, default, default);
        }

        (long nullCount, FileRange validity) = parts.NextColumn(rowCount, rowCount);
        if (type.IsVariable)
        {
            // An empty column may come without its only offset.
            FileRange offsets = parts.NextBuffer(type.IsLarge ? 64 : 32, rowCount == 0 ? 0 : rowCount + 1);
            return new ColumnLayout(nullCount, validity, offsets, Bytes: parts.NextBuffer(0, 0));
        }

        if (type.Kind != ArrowTypeKind.FixedSizeList)
            return new ColumnLayout(nullCount, validity, parts.NextBuffer(type.BitWidth, rowCount));
        long elements = rowCount * type.ListSize;
        (long childNullCount, FileRange childValidity) = parts.NextColumn(elements, long.MaxValue);
        return new ColumnLayout(nullCount, validity, parts.NextBuffer(type.BitWidth, rowCount))
        {
            ChildNullCount = childNullCount,
            ChildValidity = childValidity,
        };
    }

    private static void CheckVersion(short version, FlatBuffer buffer)
    {
        // Version 4 lays out all types read here just as 5 does.
        if (version is not (Wire.MetadataV4 or Wire.MetadataV5))
            throw buffer.Unsupported($"metadata version {version + 1}");
    }
}

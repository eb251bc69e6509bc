namespace VectorEngine.Arrow;

/// <summary>Turns the FlatBuffer of a schema into fields; types that are not read keep their names and are stepped over.</summary>
internal static class SchemaDecoder
{
    /// <summary>A small buffer can nest deeper than the stack.</summary>
    private const int MaxDepth = 64;

    /// <summary>
    /// The format's types, by number: their names, and how many buffers a column has besides its children; -1 where that depends on more.
    /// </summary>
    private static readonly (string Name, int Buffers)[] Types =
    [
        ("none", -1), ("null", 0), ("int", 2), ("floating point", 2), ("binary", 3), ("utf8", 3), ("bool", 2), ("decimal", 2), ("date", 2),
        ("time", 2), ("timestamp", 2), ("interval", 2), ("list", 2), ("struct", 1), ("union", -1), ("fixed-size binary", 2),
        ("fixed-size list", 1), ("map", 2), ("duration", 2), ("large binary", 3), ("large utf8", 3), ("large list", 2),
        ("run-end encoded", 0), ("binary view", 2), ("utf8 view", 2), ("list view", 3), ("large list view", 3),
    ];

    public static (ArrowField Field, DictionaryEncoding? Encoding)[] Columns(FlatTable schema)
    {
        if (schema.Int16(Wire.Schema.Endianness) != 0)
            throw schema.Buffer.Unsupported("big-endian values");
        FlatVector vector = schema.Vector(Wire.Schema.Fields, sizeof(int));
        var columns = new (ArrowField, DictionaryEncoding?)[vector.Count];
        for (int i = 0; i < columns.Length; i++)
            columns[i] = Column(vector.Table(i));
        return columns;
    }

    private static (ArrowField Field, DictionaryEncoding? Encoding) Column(FlatTable field)
    {
        string name = field.String(Wire.Field.Name);
        bool nullable = field.Byte(Wire.Field.Nullable) != 0;
        ArrowType? type = SupportedType(field, name);
        if (!field.Has(Wire.Field.Dictionary))
            return (new ArrowField(name, type ?? UnsupportedType(field, name), nullable), null);

        FlatTable dictionary = field.Table(Wire.Field.Dictionary);
        if (type is not { IsVariable: true })
            return (new ArrowField(name, ArrowType.Unsupported($"dictionary of {TypeName(field)}", Parts(field, name, 0)), nullable), null);
        ArrowType indexType = dictionary.Has(Wire.DictionaryEncoding.IndexType)
            ? IntType(dictionary.Table(Wire.DictionaryEncoding.IndexType))
            : ArrowType.Int32;
        return (new ArrowField(name, type, nullable), new DictionaryEncoding(dictionary.Int64(Wire.DictionaryEncoding.Id), indexType));
    }

    private static ArrowType UnsupportedType(FlatTable field, string name) =>
        ArrowType.Unsupported(TypeName(field), Parts(field, name, 0));

    private static string TypeName(FlatTable field) =>
        field.Byte(Wire.Field.TypeType) is var type && type < Types.Length ? Types[type].Name : $"number {type}";

    /// <summary>What a column has in each batch, its children included.</summary>
    private static ArrowParts Parts(FlatTable field, string name, int depth)
    {
        if (depth == MaxDepth)
            throw field.Buffer.Unsupported($"a column '{name}' of types nested {MaxDepth} deep");
        if (field.Has(Wire.Field.Dictionary))
            return new ArrowParts(1, 2, 0);
        byte type = field.Byte(Wire.Field.TypeType);
        int buffers = type < Types.Length ? Types[type].Buffers : -1;
        if (buffers < 0)
            throw field.Buffer.Unsupported($"a column '{name}' of type {TypeName(field)}");
        var parts = new ArrowParts(1, buffers, type is Wire.TypeBinaryView or Wire.TypeUtf8View ? 1 : 0);
        FlatVector children = field.Vector(Wire.Field.Children, sizeof(int));
        for (int i = 0; i < children.Count; i++)
            parts += Parts(children.Table(i), name, depth + 1);
        return parts;
    }

    /// <summary>The type of a column's values, or null if it is not read.</summary>
    private static ArrowType? SupportedType(FlatTable field, string name)
    {
        FlatVector children = field.Vector(Wire.Field.Children, sizeof(int));
        if (field.Byte(Wire.Field.TypeType) == Wire.TypeFixedSizeList)
            return ListType(field, children, name);
        return children.Count == 0 ? ScalarType(field, name) : null;
    }

    private static ArrowType? ListType(FlatTable field, FlatVector children, string name)
    {
        if (children.Count != 1)
            throw field.Corrupt($"column '{name}' is a list with {children.Count} children");
        int listSize = field.Table(Wire.Field.Type).Int32(Wire.FixedSizeList.ListSize);
        if (listSize < 0)
            throw field.Corrupt($"column '{name}' has lists of {listSize} elements");
        FlatTable child = children.Table(0);
        ArrowType? elementType = child.Has(Wire.Field.Dictionary) ? null : ScalarType(child, name);
        return listSize != 0 && elementType is not null && ArrowType.IsElement(elementType)
            ? ArrowType.FixedSizeList(elementType, listSize)
            : null;
    }

    private static ArrowType? ScalarType(FlatTable field, string name)
    {
        byte typeType = field.Byte(Wire.Field.TypeType);
        if (typeType == 0)
            throw field.Corrupt($"column '{name}' has no type");
        FlatTable type = field.Table(Wire.Field.Type);
        return typeType switch
        {
            Wire.TypeNull => ArrowType.Null,
            Wire.TypeBool => ArrowType.Bool,
            Wire.TypeUtf8 => ArrowType.Utf8,
            Wire.TypeLargeUtf8 => ArrowType.LargeUtf8,
            Wire.TypeBinary => ArrowType.Binary,
            Wire.TypeLargeBinary => ArrowType.LargeBinary,
            Wire.TypeInt => IntType(type),
            Wire.TypeTimestamp => TimestampType(type, name),
            Wire.TypeFloatingPoint => type.Int16(Wire.FloatingPoint.Precision) switch
            {
                0 => ArrowType.Float16,
                1 => ArrowType.Float32,
                2 => ArrowType.Float64,
                var precision => throw type.Corrupt($"column '{name}' has floats of precision {precision}"),
            },
            _ => null,
        };
    }

    private static ArrowType TimestampType(FlatTable type, string name)
    {
        var unit = (ArrowTimeUnit)type.Int16(Wire.Timestamp.Unit);
        if (!Enum.IsDefined(unit))
            throw type.Corrupt($"column '{name}' counts time in units of number {(int)unit}");
        return ArrowType.Timestamp(unit, type.Has(Wire.Timestamp.TimeZone) ? type.String(Wire.Timestamp.TimeZone) : null);
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
}

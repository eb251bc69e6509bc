namespace VectorEngine.Arrow;

/// <summary>The kinds of column that the engine reads and writes.</summary>
public enum ArrowTypeKind
{
    /// <summary>True or false, one bit each: <see cref="BoolArray"/>.</summary>
    Bool = 0,

    /// <summary><see cref="sbyte"/>.</summary>
    Int8 = 1,

    /// <summary><see cref="short"/>.</summary>
    Int16 = 2,

    /// <summary><see cref="int"/>.</summary>
    Int32 = 3,

    /// <summary><see cref="long"/>.</summary>
    Int64 = 4,

    /// <summary><see cref="byte"/>.</summary>
    UInt8 = 5,

    /// <summary><see cref="ushort"/>.</summary>
    UInt16 = 6,

    /// <summary><see cref="uint"/>.</summary>
    UInt32 = 7,

    /// <summary><see cref="ulong"/>.</summary>
    UInt64 = 8,

    /// <summary><see cref="Half"/>.</summary>
    Float16 = 9,

    /// <summary><see cref="float"/>.</summary>
    Float32 = 10,

    /// <summary><see cref="double"/>.</summary>
    Float64 = 11,

    /// <summary>Text in UTF-8: <see cref="Utf8Array"/>.</summary>
    Utf8 = 12,

    /// <summary>Vectors, all of one length: <see cref="FixedSizeListArray{T}"/>.</summary>
    FixedSizeList = 13,

    /// <summary>Text in UTF-8 with 64-bit offsets: <see cref="Utf8Array"/>.</summary>
    LargeUtf8 = 14,

    /// <summary>Byte strings: <see cref="BinaryArray"/>.</summary>
    Binary = 15,

    /// <summary>Byte strings with 64-bit offsets: <see cref="BinaryArray"/>.</summary>
    LargeBinary = 16,

    /// <summary>Points in time, as counts of a unit since 1970-01-01: <see cref="PrimitiveArray{T}"/> of <see cref="long"/>.</summary>
    Timestamp = 17,

    /// <summary>No values at all, all are missing: <see cref="NullArray"/>.</summary>
    Null = 18,

    /// <summary>A column that a file has and the engine does not read; there is no array of it.</summary>
    Unsupported = 19,
}

/// <summary>What a timestamp counts.</summary>
public enum ArrowTimeUnit
{
    /// <summary>Seconds.</summary>
    Second = 0,

    /// <summary>Thousandths of a second.</summary>
    Millisecond = 1,

    /// <summary>Millionths of a second.</summary>
    Microsecond = 2,

    /// <summary>Billionths of a second.</summary>
    Nanosecond = 3,
}

/// <summary>The type of a column. Two types are equal when they describe the same values.</summary>
public sealed record ArrowType
{
    private ArrowType(ArrowTypeKind kind, long bitWidth)
    {
        Kind = kind;
        BitWidth = bitWidth;
    }

    /// <summary>True or false.</summary>
    public static ArrowType Bool { get; } = new(ArrowTypeKind.Bool, 1);

    /// <summary>Signed integers of 8 bits.</summary>
    public static ArrowType Int8 { get; } = new(ArrowTypeKind.Int8, 8);

    /// <summary>Signed integers of 16 bits.</summary>
    public static ArrowType Int16 { get; } = new(ArrowTypeKind.Int16, 16);

    /// <summary>Signed integers of 32 bits.</summary>
    public static ArrowType Int32 { get; } = new(ArrowTypeKind.Int32, 32);

    /// <summary>Signed integers of 64 bits.</summary>
    public static ArrowType Int64 { get; } = new(ArrowTypeKind.Int64, 64);

    /// <summary>Unsigned integers of 8 bits.</summary>
    public static ArrowType UInt8 { get; } = new(ArrowTypeKind.UInt8, 8);

    /// <summary>Unsigned integers of 16 bits.</summary>
    public static ArrowType UInt16 { get; } = new(ArrowTypeKind.UInt16, 16);

    /// <summary>Unsigned integers of 32 bits.</summary>
    public static ArrowType UInt32 { get; } = new(ArrowTypeKind.UInt32, 32);

    /// <summary>Unsigned integers of 64 bits.</summary>
    public static ArrowType UInt64 { get; } = new(ArrowTypeKind.UInt64, 64);

    /// <summary>IEEE 754 floats of 16 bits.</summary>
    public static ArrowType Float16 { get; } = new(ArrowTypeKind.Float16, 16);

    /// <summary>IEEE 754 floats of 32 bits.</summary>
    public static ArrowType Float32 { get; } = new(ArrowTypeKind.Float32, 32);

    /// <summary>IEEE 754 floats of 64 bits.</summary>
    public static ArrowType Float64 { get; } = new(ArrowTypeKind.Float64, 64);

    /// <summary>Text in UTF-8, less than 2 GiB of it in one array.</summary>
    public static ArrowType Utf8 { get; } = new(ArrowTypeKind.Utf8, 0);

    /// <summary>Text in UTF-8; files may have more than 2 GiB of it in one batch, an array in memory has less.</summary>
    public static ArrowType LargeUtf8 { get; } = new(ArrowTypeKind.LargeUtf8, 0);

    /// <summary>Byte strings, less than 2 GiB of them in one array.</summary>
    public static ArrowType Binary { get; } = new(ArrowTypeKind.Binary, 0);

    /// <summary>Byte strings; files may have more than 2 GiB of them in one batch, an array in memory has less.</summary>
    public static ArrowType LargeBinary { get; } = new(ArrowTypeKind.LargeBinary, 0);

    /// <summary>No values.</summary>
    public static ArrowType Null { get; } = new(ArrowTypeKind.Null, 0);

    /// <summary>Which kind of values.</summary>
    public ArrowTypeKind Kind { get; }

    /// <summary>The type of a vector's elements; null for other kinds.</summary>
    public ArrowType? ElementType { get; private init; }

    /// <summary>Elements per vector; 0 for other kinds.</summary>
    public int ListSize { get; private init; }

    /// <summary>What a timestamp counts; null for other kinds.</summary>
    public ArrowTimeUnit? Unit { get; private init; }

    /// <summary>
    /// The time zone in which a timestamp is meant to be shown, such as <c>Europe/Zurich</c>: the timestamp itself then counts from
    /// midnight UTC. Null where it is a local time of no particular zone, and for other kinds.
    /// </summary>
    public string? TimeZone { get; private init; }

    /// <summary>Where the kind is <see cref="ArrowTypeKind.Unsupported"/>, the type's name in the format; otherwise null.</summary>
    public string? UnsupportedName { get; private init; }

    /// <summary>What a column of an unsupported type has in each batch: a reader steps over it.</summary>
    internal ArrowParts UnsupportedParts { get; private init; }

    /// <summary>Bits that one value takes in its buffer; 0 where that varies.</summary>
    internal long BitWidth { get; }

    /// <summary>Whether values have different lengths: text and byte strings.</summary>
    internal bool IsVariable => Kind is ArrowTypeKind.Utf8 or ArrowTypeKind.LargeUtf8 or ArrowTypeKind.Binary or ArrowTypeKind.LargeBinary;

    /// <summary>Whether files have the values' offsets in 64 bits.</summary>
    internal bool IsLarge => Kind is ArrowTypeKind.LargeUtf8 or ArrowTypeKind.LargeBinary;

    internal bool IsText => Kind is ArrowTypeKind.Utf8 or ArrowTypeKind.LargeUtf8;

    /// <summary>Vectors of <paramref name="listSize"/> elements each.</summary>
    /// <param name="elementType">
    /// <see cref="Float16"/>, <see cref="Float32"/>, <see cref="Float64"/>, <see cref="Int8"/> or <see cref="UInt8"/>.
    /// </param>
    /// <param name="listSize">Elements per vector, at least 1.</param>
    /// <exception cref="ArgumentException">The element type is not a supported one.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="listSize"/> is less than 1.</exception>
    public static ArrowType FixedSizeList(ArrowType elementType, int listSize)
    {
        ArgumentNullException.ThrowIfNull(elementType);
        ArgumentOutOfRangeException.ThrowIfLessThan(listSize, 1);
        if (!IsElement(elementType))
            throw new ArgumentException($"A vector's elements are floats, int8 or uint8, not {elementType}.", nameof(elementType));
        return new(ArrowTypeKind.FixedSizeList, elementType.BitWidth * listSize) { ElementType = elementType, ListSize = listSize };
    }

    /// <summary>Points in time, as 64-bit counts of a unit since 1970-01-01 00:00.</summary>
    /// <param name="unit">What they count.</param>
    /// <param name="timeZone">See <see cref="TimeZone"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such unit.</exception>
    public static ArrowType Timestamp(ArrowTimeUnit unit, string? timeZone = null) => Enum.IsDefined(unit)
        ? new(ArrowTypeKind.Timestamp, 64) { Unit = unit, TimeZone = timeZone }
        : throw new ArgumentOutOfRangeException(nameof(unit), unit, "No such unit of time.");

    /// <summary>A type that files may have and that is not read.</summary>
    internal static ArrowType Unsupported(string name, ArrowParts parts) =>
        new(ArrowTypeKind.Unsupported, 0) { UnsupportedName = name, UnsupportedParts = parts };

    internal static bool IsElement(ArrowType type) => type.Kind is ArrowTypeKind.Float16 or ArrowTypeKind.Float32 or ArrowTypeKind.Float64
        or ArrowTypeKind.Int8 or ArrowTypeKind.UInt8;

    /// <summary>The type's name, such as <c>float32</c>, <c>timestamp[ms, UTC]</c> or <c>fixed_size_list&lt;float16&gt;[768]</c>.</summary>
    public override string ToString() => Kind switch
    {
        ArrowTypeKind.FixedSizeList => $"fixed_size_list<{ElementType}>[{ListSize}]",
        ArrowTypeKind.Timestamp => $"timestamp[{UnitName}{(TimeZone is null ? "" : $", {TimeZone}")}]",
        ArrowTypeKind.LargeUtf8 => "large_utf8",
        ArrowTypeKind.LargeBinary => "large_binary",
        ArrowTypeKind.Unsupported => UnsupportedName!,
        _ => Kind.ToString().ToLowerInvariant(),
    };

    /// <summary>The type of an array of <typeparamref name="T"/>.</summary>
    /// <exception cref="NotSupportedException">No column holds values of this type.</exception>
    internal static ArrowType Of<T>() where T : unmanaged
    {
        if (typeof(T) == typeof(sbyte)) return Int8;
        if (typeof(T) == typeof(short)) return Int16;
        if (typeof(T) == typeof(int)) return Int32;
        if (typeof(T) == typeof(long)) return Int64;
        if (typeof(T) == typeof(byte)) return UInt8;
        if (typeof(T) == typeof(ushort)) return UInt16;
        if (typeof(T) == typeof(uint)) return UInt32;
        if (typeof(T) == typeof(ulong)) return UInt64;
        if (typeof(T) == typeof(Half)) return Float16;
        if (typeof(T) == typeof(float)) return Float32;
        if (typeof(T) == typeof(double)) return Float64;
        throw new NotSupportedException($"No Arrow column holds values of {typeof(T)}.");
    }

    private string UnitName => Unit switch
    {
        ArrowTimeUnit.Second => "s",
        ArrowTimeUnit.Millisecond => "ms",
        ArrowTimeUnit.Microsecond => "us",
        _ => "ns",
    };
}

/// <summary>How many nodes and buffers, and how many buffers besides that each batch has its own number of, a column has.</summary>
internal readonly record struct ArrowParts(int Nodes, int Buffers, int Views)
{
    public static ArrowParts operator +(ArrowParts x, ArrowParts y) => new(x.Nodes + y.Nodes, x.Buffers + y.Buffers, x.Views + y.Views);
}

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
}

/// <summary>The type of a column. Two types are equal when they describe the same values.</summary>
public sealed record ArrowType
{
    private ArrowType(ArrowTypeKind kind, long bitWidth, ArrowType? elementType = null, int listSize = 0)
    {
        Kind = kind;
        BitWidth = bitWidth;
        ElementType = elementType;
        ListSize = listSize;
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

    /// <summary>Which kind of values.</summary>
    public ArrowTypeKind Kind { get; }

    /// <summary>The type of a vector's elements; null for other kinds.</summary>
    public ArrowType? ElementType { get; }

    /// <summary>Elements per vector; 0 for other kinds.</summary>
    public int ListSize { get; }

    /// <summary>Bits that one value takes in its buffer; 0 where that varies.</summary>
    internal long BitWidth { get; }

    /// <summary>Vectors of <paramref name="listSize"/> elements each.</summary>
    /// <param name="elementType"><see cref="Float16"/> or <see cref="Float32"/>.</param>
    /// <param name="listSize">Elements per vector, at least 1.</param>
    /// <exception cref="ArgumentException">The element type is not a supported one.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="listSize"/> is less than 1.</exception>
    public static ArrowType FixedSizeList(ArrowType elementType, int listSize)
    {
        ArgumentNullException.ThrowIfNull(elementType);
        ArgumentOutOfRangeException.ThrowIfLessThan(listSize, 1);
        if (elementType.Kind is not (ArrowTypeKind.Float16 or ArrowTypeKind.Float32))
            throw new ArgumentException($"A vector's elements are float16 or float32, not {elementType}.", nameof(elementType));
        return new(ArrowTypeKind.FixedSizeList, elementType.BitWidth * listSize, elementType, listSize);
    }

    /// <summary>The type's name, such as <c>float32</c> or <c>fixed_size_list&lt;float16&gt;[768]</c>.</summary>
    public override string ToString() => Kind switch
    {
        ArrowTypeKind.FixedSizeList => $"fixed_size_list<{ElementType}>[{ListSize}]",
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
}

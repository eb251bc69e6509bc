using System.Runtime.InteropServices;

namespace VectorEngine.Arrow;

/// <summary>ArrowSchema of the Arrow C Data Interface (https://arrow.apache.org/docs/format/CDataInterface.html).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct CSchema
{
    /// <summary>The flag of a field whose values may be missing.</summary>
    public const long Nullable = 2;

    /// <summary>The type, as a short text that ends with 0.</summary>
    public byte* Format;
    public byte* Name;
    public byte* Metadata;
    public long Flags;
    public long ChildCount;
    public CSchema** Children;

    /// <summary>The type of a dictionary's values; the format is then that of the positions.</summary>
    public CSchema* Dictionary;

    /// <summary>Frees the structure's contents; null once that has happened, or when another structure has taken them over.</summary>
    public delegate* unmanaged[Cdecl]<CSchema*, void> Release;
    public void* PrivateData;
}

/// <summary>ArrowArray of the Arrow C Data Interface.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct CArray
{
    public long Length;

    /// <summary>Number of missing values, or -1 where it is not known.</summary>
    public long NullCount;

    /// <summary>Values to skip at the beginning of every buffer and child.</summary>
    public long Offset;
    public long BufferCount;
    public long ChildCount;
    public void** Buffers;
    public CArray** Children;
    public CArray* Dictionary;

    /// <inheritdoc cref="CSchema.Release"/>
    public delegate* unmanaged[Cdecl]<CArray*, void> Release;
    public void* PrivateData;
}

/// <summary>The texts by which the interface names types.</summary>
internal static class CFormat
{
    public const string Struct = "+s", FixedSizeList = "+w:", Timestamp = "ts";

    private static readonly (string Format, ArrowType Type)[] Scalars =
    [
        ("n", ArrowType.Null), ("b", ArrowType.Bool),
        ("c", ArrowType.Int8), ("s", ArrowType.Int16), ("i", ArrowType.Int32), ("l", ArrowType.Int64),
        ("C", ArrowType.UInt8), ("S", ArrowType.UInt16), ("I", ArrowType.UInt32), ("L", ArrowType.UInt64),
        ("e", ArrowType.Float16), ("f", ArrowType.Float32), ("g", ArrowType.Float64),
        ("u", ArrowType.Utf8), ("U", ArrowType.LargeUtf8), ("z", ArrowType.Binary), ("Z", ArrowType.LargeBinary),
    ];

    private const string Units = "smun";

    public static string Of(ArrowType type) => type.Kind switch
    {
        ArrowTypeKind.Timestamp => $"{Timestamp}{Units[(int)type.Unit!.Value]}:{type.TimeZone}",
        ArrowTypeKind.FixedSizeList => $"{FixedSizeList}{type.ListSize}",
        ArrowTypeKind.Unsupported => throw new NotSupportedException($"Columns of type {type} are not supported."),
        _ => Array.Find(Scalars, scalar => scalar.Type == type).Format,
    };

    /// <summary>The type of a format without children, or null if it is not supported.</summary>
    public static ArrowType? Parse(string format)
    {
        // "tsu:Europe/Zurich"; without a time zone, nothing comes after the colon.
        if (format.Length >= 4 && format.StartsWith(Timestamp, StringComparison.Ordinal) && format[3] == ':')
        {
            int unit = Units.IndexOf(format[2], StringComparison.Ordinal);
            return unit < 0 ? null : ArrowType.Timestamp((ArrowTimeUnit)unit, format.Length == 4 ? null : format[4..]);
        }

        return Array.Find(Scalars, scalar => scalar.Format == format).Type;
    }
}

using System.Buffers.Binary;
using System.Numerics;

namespace VectorEngine.Format;

/// <summary>What the zones of a column tell about each list; the numbers are on disk.</summary>
internal enum ZoneKind : uint
{
    /// <summary>Nothing: the column has no zones.</summary>
    None = 0,

    /// <summary>Smallest and largest value, as int64.</summary>
    Signed = 1,

    /// <summary>The same, as uint64; true and false are 1 and 0.</summary>
    Unsigned = 2,

    /// <summary>The same, as float64, and the number of NaNs.</summary>
    Float = 3,

    /// <summary>The distinct texts, if they are few.</summary>
    Text = 4,
}

/// <summary>Where the zones of each column of the metadata lie, in the order of the columns.</summary>
internal sealed class ZoneTable
{
    private const int EntryLength = 16;

    private readonly (ZoneKind Kind, Extent Extent)[] _columns;

    public ZoneTable(IReadOnlyList<(ZoneKind Kind, int Length, uint Checksum)> columns)
    {
        _columns = new (ZoneKind, Extent)[columns.Count];
        Length = ObjectHeader.Length;
        for (int i = 0; i < _columns.Length; i++)
        {
            _columns[i] = (columns[i].Kind, new Extent(Length, columns[i].Length, columns[i].Checksum));
            Length += columns[i].Length;
        }
    }

    /// <summary>Number of columns.</summary>
    public int Count => _columns.Length;

    /// <summary>Length of the object.</summary>
    public long Length { get; }

    public ZoneKind Kind(int column) => _columns[column].Kind;

    public Extent Extent(int column) => _columns[column].Extent;

    public byte[] ToBytes()
    {
        byte[] bytes = new byte[_columns.Length * EntryLength];
        for (int i = 0; i < _columns.Length; i++)
        {
            Span<byte> entry = bytes.AsSpan(i * EntryLength);
            BinaryPrimitives.WriteUInt32LittleEndian(entry, (uint)_columns[i].Kind);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], _columns[i].Extent.Checksum);
            BinaryPrimitives.WriteInt64LittleEndian(entry[8..], _columns[i].Extent.Length);
        }

        return bytes;
    }

    /// <summary>Reads and checks the section.</summary>
    /// <exception cref="CorruptDataException">A value is out of range.</exception>
    public static ZoneTable Read(Container root, SegmentDescription description)
    {
        ReadOnlySpan<byte> bytes = root.Section(SectionKind.ZoneTable).Span;
        if (bytes.Length % EntryLength != 0)
            throw root.Corrupt(SectionKind.ZoneTable, "not whole entries");
        var columns = new (ZoneKind, int, uint)[bytes.Length / EntryLength];
        for (int column = 0; column < columns.Length; column++, bytes = bytes[EntryLength..])
        {
            var kind = (ZoneKind)BinaryPrimitives.ReadUInt32LittleEndian(bytes);
            long length = BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]);
            long longest = kind switch
            {
                ZoneKind.None => 0,
                ZoneKind.Text => 8 + ((long)description.ListCount * TextZones.MaxEntryLength),
                _ => (long)description.ListCount * NumberZones.EntryLength,
            };
            if (kind > ZoneKind.Text || length < 0 || length > Math.Min(longest, ListTable.MaxListLength))
                throw root.Corrupt(SectionKind.ZoneTable, $"zones of kind {(uint)kind} and {length} bytes");
            columns[column] = (kind, (int)length, BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]));
        }

        return new ZoneTable(columns);
    }
}

/// <summary>The zones of some columns, by name.</summary>
internal sealed class ZoneMaps(IReadOnlyDictionary<string, ZoneColumn> columns)
{
    /// <summary>A column's zones; null if it has none.</summary>
    public ZoneColumn? this[string column] => columns.GetValueOrDefault(column);
}

/// <summary>What is known of one column's values in each posting list.</summary>
internal abstract class ZoneColumn(ListTable lists)
{
    /// <summary>Missing values.</summary>
    public abstract int Nulls(int list);

    /// <summary>Values that are there.</summary>
    public int Present(int list) => lists.Count(list) - Nulls(list);

    /// <summary>Reads and checks a column's zones.</summary>
    /// <exception cref="FormatException">They are not as FORMAT.md says.</exception>
    public static ZoneColumn Read(ZoneKind kind, ReadOnlySpan<byte> bytes, ListTable lists) =>
        kind == ZoneKind.Text ? new TextZones(bytes, lists) : new NumberZones(kind, bytes, lists);
}

/// <summary>Smallest and largest number of each list: 24 bytes per list.</summary>
internal sealed class NumberZones : ZoneColumn
{
    public const int EntryLength = 24;

    private readonly ZoneKind _kind;
    private readonly (ulong Low, ulong High, int Nulls, int NaNs, bool HasNumbers)[] _zones;

    public NumberZones(ZoneKind kind, ReadOnlySpan<byte> bytes, ListTable lists) : base(lists)
    {
        if (bytes.Length != lists.ListCount * EntryLength)
            throw new FormatException($"{bytes.Length} bytes for {lists.ListCount} lists");
        _kind = kind;
        _zones = new (ulong, ulong, int, int, bool)[lists.ListCount];
        for (int list = 0; list < _zones.Length; list++)
        {
            ReadOnlySpan<byte> entry = bytes[(list * EntryLength)..];
            int nulls = BinaryPrimitives.ReadInt32LittleEndian(entry[16..]), nans = BinaryPrimitives.ReadInt32LittleEndian(entry[20..]);
            if (nulls < 0 || nans < 0 || (long)nulls + nans > lists.Count(list))
                throw new FormatException($"{nulls} missing values and {nans} NaNs among {lists.Count(list)}");
            _zones[list] = (
                BinaryPrimitives.ReadUInt64LittleEndian(entry), BinaryPrimitives.ReadUInt64LittleEndian(entry[8..]), nulls, nans,
                lists.Count(list) > nulls + nans);
        }
    }

    public override int Nulls(int list) => _zones[list].Nulls;

    /// <summary>Whether a number may lie from low to high.</summary>
    public bool Overlaps<T>(int list, T low, T high) where T : INumber<T> =>
        _zones[list].HasNumbers && Value<T>(_zones[list].Low) <= high && Value<T>(_zones[list].High) >= low;

    /// <summary>Whether every value that is there lies from low to high.</summary>
    public bool IsWithin<T>(int list, T low, T high) where T : INumber<T> =>
        _zones[list].NaNs == 0 && Value<T>(_zones[list].Low) >= low && Value<T>(_zones[list].High) <= high;

    private T Value<T>(ulong bits) where T : INumber<T> => _kind switch
    {
        ZoneKind.Signed => T.CreateSaturating((long)bits),
        ZoneKind.Unsigned => T.CreateSaturating(bits),
        _ => T.CreateSaturating(BitConverter.UInt64BitsToDouble(bits)),
    };
}

/// <summary>The distinct texts of each list.</summary>
internal sealed class TextZones : ZoneColumn
{
    /// <summary>Lists with more distinct texts, or a longer one, have none here.</summary>
    public const int MaxTexts = 16, MaxTextLength = 64;

    /// <summary>Stands for the number of texts where they are not told.</summary>
    public const uint Unknown = MaxTexts + 1;

    /// <summary>The most bytes that a list takes.</summary>
    public const int MaxEntryLength = 8 + (MaxTexts * (4 + MaxTextLength));

    private readonly int[] _nulls;
    private readonly byte[]?[]?[] _values;

    public TextZones(ReadOnlySpan<byte> bytes, ListTable lists) : base(lists)
    {
        _nulls = new int[lists.ListCount];
        _values = new byte[lists.ListCount][][];
        for (int list = 0; list < _nulls.Length; list++)
        {
            uint nulls = Take(ref bytes), count = Take(ref bytes);
            if (nulls > (uint)lists.Count(list) || count > Unknown)
                throw new FormatException($"{nulls} missing and {count} distinct texts among {lists.Count(list)}");
            _nulls[list] = (int)nulls;
            if (count == Unknown)
                continue;
            byte[][] values = new byte[count][];
            for (int i = 0; i < values.Length; i++)
            {
                uint length = Take(ref bytes);
                if (length > MaxTextLength || length > bytes.Length)
                    throw new FormatException($"a text of {length} bytes");
                values[i] = bytes[..(int)length].ToArray();
                bytes = bytes[(int)length..];
            }

            _values[list] = values;
        }
    }

    public override int Nulls(int list) => _nulls[list];

    /// <summary>The distinct texts; null if they are not known.</summary>
    public byte[][]? Values(int list) => _values[list]!;

    private static uint Take(ref ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 4)
            throw new FormatException("too short");
        uint value = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        bytes = bytes[4..];
        return value;
    }
}

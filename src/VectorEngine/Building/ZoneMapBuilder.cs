using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using VectorEngine.Arrow;
using VectorEngine.Format;

namespace VectorEngine.Building;

/// <summary>
/// Gathers for each list and column of the metadata what filters can rule it out by, as rows pass by in any order.
/// Memory depends on lists and columns, not on rows.
/// </summary>
internal sealed class ZoneMapBuilder
{
    private readonly ColumnZones?[] _columns;

    public ZoneMapBuilder(ArrowSchema schema, int lists) =>
        _columns = [.. schema.Fields.Select(field => ColumnZones.Create(field.Type, lists))];

    /// <summary>Takes notice of rows.</summary>
    /// <param name="labels">The list of each.</param>
    /// <param name="rows">Their metadata.</param>
    public void Observe(ReadOnlySpan<int> labels, RecordBatch rows)
    {
        for (int i = 0; i < _columns.Length; i++)
            _columns[i]?.Observe(labels, rows.Columns[i]);
    }

    /// <summary>The bytes of the object, and where each column's zones lie in it.</summary>
    public (byte[] Content, ZoneTable Table) Finish()
    {
        byte[][] columns = [.. _columns.Select(column => column?.ToBytes() ?? [])];
        var table = new ZoneTable([.. columns.Select(
            (bytes, i) => (_columns[i]?.Kind ?? ZoneKind.None, bytes.Length, Crc32C.Compute(bytes)))]);
        byte[] content = [.. ObjectHeader.Create(ObjectKind.Zones, table.Length), .. columns.SelectMany(bytes => bytes)];
        return (content, table);
    }

    private abstract class ColumnZones(int lists)
    {
        public abstract ZoneKind Kind { get; }

        protected int[] Nulls { get; } = new int[lists];

        public static ColumnZones? Create(ArrowType type, int lists) => type.Kind switch
        {
            ArrowTypeKind.Int8 => new NumbersOf<sbyte, long>(ZoneKind.Signed, lists),
            ArrowTypeKind.Int16 => new NumbersOf<short, long>(ZoneKind.Signed, lists),
            ArrowTypeKind.Int32 => new NumbersOf<int, long>(ZoneKind.Signed, lists),
            ArrowTypeKind.Int64 => new NumbersOf<long, long>(ZoneKind.Signed, lists),
            ArrowTypeKind.UInt8 => new NumbersOf<byte, ulong>(ZoneKind.Unsigned, lists),
            ArrowTypeKind.UInt16 => new NumbersOf<ushort, ulong>(ZoneKind.Unsigned, lists),
            ArrowTypeKind.UInt32 => new NumbersOf<uint, ulong>(ZoneKind.Unsigned, lists),
            ArrowTypeKind.UInt64 => new NumbersOf<ulong, ulong>(ZoneKind.Unsigned, lists),
            ArrowTypeKind.Float16 => new NumbersOf<Half, double>(ZoneKind.Float, lists),
            ArrowTypeKind.Float32 => new NumbersOf<float, double>(ZoneKind.Float, lists),
            ArrowTypeKind.Float64 => new NumbersOf<double, double>(ZoneKind.Float, lists),
            ArrowTypeKind.Bool => new BoolColumn(lists),
            ArrowTypeKind.Utf8 => new TextColumn(lists),
            _ => null,
        };

        public void Observe(ReadOnlySpan<int> labels, ArrowArray values)
        {
            for (int row = 0; row < labels.Length; row++)
            {
                if (values.Validity.IsNull(row))
                    Nulls[labels[row]]++;
            }

            ObservePresent(labels, values);
        }

        public abstract byte[] ToBytes();

        protected abstract void ObservePresent(ReadOnlySpan<int> labels, ArrowArray values);
    }

    /// <summary>Smallest and largest number of each list.</summary>
    private abstract class NumberColumn<TWide>(ZoneKind kind, int lists) : ColumnZones(lists)
        where TWide : unmanaged, INumber<TWide>
    {
        private readonly (TWide Low, TWide High, bool Any)[] _ranges = new (TWide, TWide, bool)[lists];
        private readonly int[] _nans = new int[lists];

        public override ZoneKind Kind => kind;

        public override byte[] ToBytes()
        {
            byte[] bytes = new byte[NumberZones.EntryLength * _ranges.Length];
            for (int list = 0; list < _ranges.Length; list++)
            {
                Span<byte> entry = bytes.AsSpan(list * NumberZones.EntryLength);
                MemoryMarshal.Write(entry, _ranges[list].Low);
                MemoryMarshal.Write(entry[8..], _ranges[list].High);
                BinaryPrimitives.WriteInt32LittleEndian(entry[16..], Nulls[list]);
                BinaryPrimitives.WriteInt32LittleEndian(entry[20..], _nans[list]);
            }

            return bytes;
        }

        protected void Add(int list, TWide value)
        {
            ref (TWide Low, TWide High, bool Any) range = ref _ranges[list];
            if (TWide.IsNaN(value))
                _nans[list]++;
            else
                range = range.Any ? (TWide.Min(range.Low, value), TWide.Max(range.High, value), true) : (value, value, true);
        }
    }

    private sealed class NumbersOf<T, TWide>(ZoneKind kind, int lists) : NumberColumn<TWide>(kind, lists)
        where T : unmanaged, INumber<T>
        where TWide : unmanaged, INumber<TWide>
    {
        protected override void ObservePresent(ReadOnlySpan<int> labels, ArrowArray values)
        {
            ReadOnlySpan<T> numbers = ((PrimitiveArray<T>)values).Values;
            for (int row = 0; row < labels.Length; row++)
            {
                if (!values.Validity.IsNull(row))
                    Add(labels[row], TWide.CreateChecked(numbers[row]));
            }
        }
    }

    private sealed class BoolColumn(int lists) : NumberColumn<ulong>(ZoneKind.Unsigned, lists)
    {
        protected override void ObservePresent(ReadOnlySpan<int> labels, ArrowArray values)
        {
            for (int row = 0; row < labels.Length; row++)
            {
                if (((BoolArray)values)[row] is { } value)
                    Add(labels[row], value ? 1u : 0);
            }
        }
    }

    /// <summary>The distinct texts of each list, as long as they are few.</summary>
    private sealed class TextColumn(int lists) : ColumnZones(lists)
    {
        /// <summary>Null where there are too many.</summary>
        private readonly List<byte[]>?[] _texts = [.. Enumerable.Range(0, lists).Select(_ => new List<byte[]>())];

        public override ZoneKind Kind => ZoneKind.Text;

        public override byte[] ToBytes()
        {
            var bytes = new MemoryStream();
            for (int list = 0; list < _texts.Length; list++)
            {
                Write((uint)Nulls[list]);
                Write(_texts[list] is { } known ? (uint)known.Count : TextZones.Unknown);
                foreach (byte[] text in _texts[list] ?? [])
                {
                    Write((uint)text.Length);
                    bytes.Write(text);
                }
            }

            while (bytes.Length % 8 != 0)
                bytes.WriteByte(0);
            return bytes.ToArray();

            void Write(uint value) => bytes.Write(BitConverter.GetBytes(value));
        }

        protected override void ObservePresent(ReadOnlySpan<int> labels, ArrowArray values)
        {
            var texts = (Utf8Array)values;
            for (int row = 0; row < labels.Length; row++)
            {
                if (_texts[labels[row]] is { } known && !values.Validity.IsNull(row))
                    Add(labels[row], known, texts.GetBytes(row));
            }
        }

        private void Add(int list, List<byte[]> known, ReadOnlySpan<byte> text)
        {
            foreach (byte[] other in known)
            {
                if (text.SequenceEqual(other))
                    return;
            }

            if (known.Count == TextZones.MaxTexts || text.Length > TextZones.MaxTextLength)
                _texts[list] = null;
            else
                known.Add(text.ToArray());
        }
    }
}

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

    public ZoneMapBuilder(ArrowSchema schema, int clusters) =>
        _columns = [.. schema.Fields.Select(field => ColumnZones.Create(field.Type, clusters))];

    /// <summary>Takes notice of rows.</summary>
    /// <param name="labels">The cluster of each.</param>
    /// <param name="rows">Their metadata.</param>
    public void Observe(ReadOnlySpan<int> labels, RecordBatch rows)
    {
        for (int i = 0; i < _columns.Length; i++)
            _columns[i]?.Observe(labels, rows.Columns[i]);
    }

    /// <summary>The bytes of the object, and where each column's zones lie in it.</summary>
    /// <param name="plan">The lists of each cluster.</param>
    /// <param name="counts">The rows of each cluster.</param>
    public (byte[] Content, ZoneTable Table) Finish(ListPlan plan, int[] counts)
    {
        byte[][] columns = [.. _columns.Select(column => column?.ToBytes(plan, counts) ?? [])];
        var table = new ZoneTable([.. columns.Select(
            (bytes, i) => (_columns[i]?.Kind ?? ZoneKind.None, bytes.Length, Crc32C.Compute(bytes)))]);
        byte[] content = [.. ObjectHeader.Create(ObjectKind.Zones, table.Length), .. columns.SelectMany(bytes => bytes)];
        return (content, table);
    }

    private abstract class ColumnZones(int clusters)
    {
        public abstract ZoneKind Kind { get; }

        protected int[] Nulls { get; } = new int[clusters];

        public static ColumnZones? Create(ArrowType type, int lists) => type.Kind switch
        {
            ArrowTypeKind.Int8 => new NumbersOf<sbyte, long>(ZoneKind.Signed, lists),
            ArrowTypeKind.Int16 => new NumbersOf<short, long>(ZoneKind.Signed, lists),
            ArrowTypeKind.Int32 => new NumbersOf<int, long>(ZoneKind.Signed, lists),
            ArrowTypeKind.Int64 or ArrowTypeKind.Timestamp => new NumbersOf<long, long>(ZoneKind.Signed, lists),
            ArrowTypeKind.UInt8 => new NumbersOf<byte, ulong>(ZoneKind.Unsigned, lists),
            ArrowTypeKind.UInt16 => new NumbersOf<ushort, ulong>(ZoneKind.Unsigned, lists),
            ArrowTypeKind.UInt32 => new NumbersOf<uint, ulong>(ZoneKind.Unsigned, lists),
            ArrowTypeKind.UInt64 => new NumbersOf<ulong, ulong>(ZoneKind.Unsigned, lists),
            ArrowTypeKind.Float16 => new NumbersOf<Half, double>(ZoneKind.Float, lists),
            ArrowTypeKind.Float32 => new NumbersOf<float, double>(ZoneKind.Float, lists),
            ArrowTypeKind.Float64 => new NumbersOf<double, double>(ZoneKind.Float, lists),
            ArrowTypeKind.Bool => new BoolColumn(lists),
            ArrowTypeKind.Utf8 or ArrowTypeKind.LargeUtf8 => new TextColumn(lists),
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

        public abstract byte[] ToBytes(ListPlan plan, int[] counts);

        /// <summary>
        /// How many of a list's rows to state, where so many of its cluster's are of a kind: of several lists of one cluster nobody knows,
        /// so all only if all are, and otherwise not all.
        /// </summary>
        protected static int Share(int part, int clusterCount, int listCount) =>
            part == clusterCount ? listCount : Math.Min(part, listCount - 1);

        protected abstract void ObservePresent(ReadOnlySpan<int> labels, ArrowArray values);
    }

    /// <summary>Smallest and largest number of each list.</summary>
    private abstract class NumberColumn<TWide>(ZoneKind kind, int clusters) : ColumnZones(clusters)
        where TWide : unmanaged, INumber<TWide>
    {
        private readonly (TWide Low, TWide High, bool Any)[] _ranges = new (TWide, TWide, bool)[clusters];
        private readonly int[] _nans = new int[clusters];

        public override ZoneKind Kind => kind;

        public override byte[] ToBytes(ListPlan plan, int[] counts)
        {
            byte[] bytes = new byte[NumberZones.EntryLength * plan.Clusters.Length];
            for (int list = 0; list < plan.Clusters.Length; list++)
            {
                int cluster = plan.Clusters[list], nulls = Share(Nulls[cluster], counts[cluster], plan.Counts[list]);
                (TWide low, TWide high, bool any) = _ranges[cluster];
                Span<byte> entry = bytes.AsSpan(list * NumberZones.EntryLength);
                int rest = plan.Counts[list] - nulls, nans = any ? Math.Min(_nans[cluster], rest - 1) : rest;
                MemoryMarshal.Write(entry, low);
                MemoryMarshal.Write(entry[8..], high);
                BinaryPrimitives.WriteInt32LittleEndian(entry[16..], nulls);
                BinaryPrimitives.WriteInt32LittleEndian(entry[20..], nans);
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

        public override byte[] ToBytes(ListPlan plan, int[] counts)
        {
            var bytes = new MemoryStream();
            for (int list = 0; list < plan.Clusters.Length; list++)
            {
                int cluster = plan.Clusters[list];
                Write((uint)Share(Nulls[cluster], counts[cluster], plan.Counts[list]));
                Write(_texts[cluster] is { } known ? (uint)known.Count : TextZones.Unknown);
                foreach (byte[] text in _texts[cluster] ?? [])
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

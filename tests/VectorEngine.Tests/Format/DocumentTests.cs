using System.Text;
using VectorEngine.Arrow;
using VectorEngine.Storage;
using VectorEngine.Tests.Quantization;
using VectorEngine.Tests.TestData;
using static VectorEngine.Tests.Format.DocumentDecoder;

namespace VectorEngine.Tests.Format;

/// <summary>What FORMAT.md says of an index of two segments is so, byte by byte, by a decoder that has the document alone.</summary>
public sealed class DocumentTests : IAsyncLifetime
{
    private const int Dimensions = 20, First = 1600, Second = 700, Lists = 12;

    private static readonly VectorMatrix Vectors = GeneratedVectors.Latent(First + Second, Dimensions, 5);

    private static readonly long?[] Numbers = Draw<long?>(i => i % 7 == 0 ? null : (long)(i - 900) * i);
    private static readonly long?[] Times = Draw<long?>(i => i % 5 == 0 ? null : i);
    private static readonly bool?[] Flags = Draw<bool?>(i => i % 3 == 0 ? null : i % 2 == 0);
    private static readonly double?[] Floats = Draw<double?>(i => i % 4 == 0 ? null : i % 9 == 0 ? double.NaN : -i / 3.0);
    private static readonly string?[] Words = [.. Enumerable.Range(0, Vectors.Count).Select(i => i % 6 == 0 ? null : $"ä{i % 11}")];
    private static readonly string?[] Names = [.. Enumerable.Range(0, Vectors.Count).Select(i => $"name {i}")];

    private SortedDictionary<string, byte[]> _objects = [];
    private SegmentEntry[] _segments = [];

    public async Task InitializeAsync()
    {
        var options = new VectorIndexOptions { ClusterCount = Lists, StoredVectors = StoredVectors.Float32, IdColumn = "name" };
        var metadata = new RecordBatch(
            ("number", ArrowArray.From(Numbers)), ("time", ArrowArray.Timestamps(Times, ArrowTimeUnit.Second)),
            ("flag", ArrowArray.From(Flags)), ("float", ArrowArray.From(Floats)), ("word", ArrowArray.From(Words)),
            ("name", ArrowArray.From(Names)), ("vector", ArrowArray.Vectors(Vectors)));
        var store = new MemoryObjectStore();
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors.Slice(0, First), options, metadata.Slice(0, First));
        await VectorIndexBuilder.AppendAsync(
            store, TestIndex.Name, Vectors.Slice(First, Second), options, metadata.Slice(First, Second));
        _objects = await TestIndex.ObjectsAsync(store);
        _segments = Manifest(Sections(_objects["test/pointer"], 2)[32]).Segments;
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public void The_pointer_names_the_roots_of_all_segments()
    {
        VersionContent newest = Manifest(Sections(_objects["test/pointer"], 2)[32]);
        Assert.Equal((2UL, 2), (newest.Version, _segments.Length));
        Assert.InRange(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() - newest.Published, 0, 600_000);
        // The first version is what the second says of it, in an object of its own; so is the second.
        string second = $"test/versions/{2:D20}-{newest.Nonce}", first = $"test/versions/{1:D20}-{newest.History[0].Nonce}";
        VersionContent before = Manifest(Sections(_objects[first], 2)[32]);
        Assert.Equal([new HistoryEntry(before.Version, before.Published, before.Nonce, 1)], newest.History);
        Assert.Equal((1UL, _segments[0], 0), (before.Version, Assert.Single(before.Segments), before.History.Length));
        Assert.Equal(_objects["test/pointer"], _objects[second]);
        string[] names = ["root", "sign", "ex", "vectors", "checksums", "metadata", "ids", "zones"];
        IEnumerable<string> keys = _segments.SelectMany(segment => names.Select(name => $"test/segments/{segment.Id}/{name}"));
        Assert.Equal(keys.Concat(["test/pointer", first, second]).Order(StringComparer.Ordinal), _objects.Keys);
        foreach (SegmentEntry segment in _segments)
        {
            byte[] root = Object(segment, "root");
            Assert.Equal(((ulong)root.Length, Crc(root)), (segment.RootLength, segment.RootChecksum));
        }
    }

    [Fact]
    public void Roots_describe_the_other_objects()
    {
        foreach (SegmentEntry segment in _segments)
        {
            Dictionary<uint, byte[]> sections = Sections(Object(segment, "root"), 1);
            Assert.Equal((uint[])[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17], sections.Keys.Order());
            Assert.Equal("name", Encoding.UTF8.GetString(sections[16]));
            string[] lengths = ["sign", "ex", "vectors", "checksums", "metadata"];
            for (int i = 0; i < lengths.Length; i++)
                Assert.Equal((ulong)Object(segment, lengths[i]).Length, UInt64(sections[1].AsSpan(32 + (8 * i))));
            foreach ((string name, uint kind) in new[] { ("sign", 3u), ("ex", 4u), ("checksums", 5u), ("ids", 6u), ("zones", 7u) })
                CheckHeader(Object(segment, name), kind);
        }
    }

    [Fact]
    public void The_root_of_a_small_segment_has_copies_of_the_other_objects()
    {
        foreach (SegmentEntry segment in _segments)
        {
            string[] names = ["sign", "ex", "vectors", "checksums", "metadata", "ids", "zones"];
            byte[][] objects = [.. names.Select(name => Object(segment, name))], copies = DocumentDecoder.Copies(
                Sections(Object(segment, "root"), 1)[17], [.. objects.Select(content => content.Length)]);
            Assert.Equal(objects, copies);
            Assert.InRange(objects.Sum(content => content.Length), 1, 512 << 10);
        }
    }

    [Fact]
    public void Vectors_lie_where_the_root_says()
    {
        foreach (SegmentEntry segment in _segments)
        {
            byte[] batches = Sections(Object(segment, "root"), 1)[7], vectors = Object(segment, "vectors");
            Assert.Equal((16, (ulong)Count(segment)), (batches.Length, UInt64(batches.AsSpan(8))));
            int first = segment == _segments[0] ? 0 : First, offset = (int)UInt64(batches);
            float[] rows = DocumentDecoder.Floats(vectors.AsSpan(offset, 4 * Dimensions * Count(segment)));
            Assert.Equal(Vectors.Slice(first, Count(segment)).Values.ToArray(), rows);
        }
    }

    [Fact]
    public void The_root_repeats_the_messages_of_the_metadata()
    {
        foreach (SegmentEntry segment in _segments)
        {
            Dictionary<uint, byte[]> sections = Sections(Object(segment, "root"), 1);
            Assert.Equal((ulong)Count(segment), UInt64(sections[10]));
            Assert.Equal(8, sections[10].Length);
            // One batch: a message with the schema, then its own.
            byte[] metadata = Object(segment, "metadata");
            int start = 8 + 8 + (int)UInt32(metadata.AsSpan(12)), end = start + 8 + (int)UInt32(metadata.AsSpan(start + 4));
            Assert.Equal(metadata[start..end], sections[14]);
        }
    }

    [Fact]
    public void Recall_curves_rise_and_end_below_the_number_of_vectors()
    {
        foreach (SegmentEntry segment in _segments)
        {
            Level[] levels = DocumentDecoder.RecallCurve(Sections(Object(segment, "root"), 1)[11]);
            Assert.Equal(Count(segment) > 1000 ? (uint[])[10, 100, 1000] : [10, 100], levels.Select(level => level.K));
            foreach (Level level in levels)
            {
                Assert.Equal(level.Lists.Order(), level.Lists);
                Assert.Equal(level.Slacks.Order(), level.Slacks);
                Assert.InRange(level.Lists[0], 1, level.Lists[^1]);
                Assert.InRange(level.Lists[^1], 1, Lists);
                Assert.All(level.Slacks, slack => Assert.InRange(slack, -1e6f, 1e6f));
            }
        }
    }

    [Fact]
    public void Spreads_are_mean_squared_distances_from_the_centroids()
    {
        foreach (SegmentEntry segment in _segments)
        {
            float[] spreads = DocumentDecoder.Floats(Sections(Object(segment, "root"), 1)[12]);
            int[][] lists = Members(segment);
            Assert.Equal(lists.Length, spreads.Length);
            for (int list = 0; list < lists.Length; list++)
            {
                // A centroid of k-means is the mean, or near it: around the mean the sum of squares is smallest.
                double[] mean = [.. Enumerable.Range(0, Dimensions).Select(d => lists[list].Average(row => (double)Vectors[row][d]))];
                double spread = lists[list].Average(row => Enumerable.Range(0, Dimensions).Sum(d => Math.Pow(Vectors[row][d] - mean[d], 2)));
                Assert.InRange(spreads[list], 0.999 * spread, 1.2 * spread);
            }
        }
    }

    [Fact]
    public void Zones_are_of_the_rows_of_each_list()
    {
        foreach (SegmentEntry segment in _segments)
        {
            ColumnEntry[] columns = ZoneTable(Sections(Object(segment, "root"), 1)[13]);
            Assert.Equal((uint[])[1, 1, 2, 3, 4, 4, 0], columns.Select(column => column.Kind));
            int[][] lists = Members(segment);
            ReadOnlySpan<byte> rest = Object(segment, "zones").AsSpan(64);
            var zones = new Zone[columns.Length][];
            for (int i = 0; i < columns.Length; i++)
            {
                ReadOnlySpan<byte> bytes = rest[..(int)columns[i].Length];
                Assert.Equal(columns[i].Checksum, Crc(bytes));
                zones[i] = columns[i].Kind == 0 ? [] : Zones(bytes, columns[i].Kind, lists.Length);
                rest = rest[bytes.Length..];
            }

            Assert.True(rest.IsEmpty);
            for (int list = 0; list < lists.Length; list++)
            {
                CheckNumbers(zones[0][list], [.. lists[list].Select(row => Numbers[row])], value => (ulong)value);
                CheckNumbers(zones[1][list], [.. lists[list].Select(row => Times[row])], value => (ulong)value);
                CheckNumbers(zones[2][list], [.. lists[list].Select(row => Flags[row])], value => value ? 1UL : 0);
                CheckNumbers(zones[3][list], [.. lists[list].Select(row => Floats[row])], BitConverter.DoubleToUInt64Bits);
                string?[] words = [.. lists[list].Select(row => Words[row])], names = [.. lists[list].Select(row => Names[row])];
                Assert.Equal((uint)words.Count(word => word is null), zones[4][list].Missing);
                Assert.Equal(words.OfType<string>().Distinct().Order(), zones[4][list].Texts!.Order());
                Assert.Equal((0u, names.Length > 16), (zones[5][list].Missing, zones[5][list].Texts is null));
            }
        }
    }

    private static void CheckNumbers<T>(Zone zone, T?[] values, Func<T, ulong> bitsOf) where T : struct, IComparable<T>
    {
        T[] present = [.. values.Where(value => value is not null).Select(value => value!.Value)];
        T[] numbers = [.. present.Where(value => value is not double.NaN).Order()];
        Assert.Equal(((uint)(values.Length - present.Length), (uint)(present.Length - numbers.Length)), (zone.Missing, zone.NaNs));
        Assert.Equal((bitsOf(numbers[0]), bitsOf(numbers[^1])), (zone.Low, zone.High));
    }

    /// <summary>The rows of the input that each list has, none of which is empty.</summary>
    private int[][] Members(SegmentEntry segment)
    {
        byte[] table = Sections(Object(segment, "root"), 1)[6], sign = Object(segment, "sign");
        var decoder = new FormatDecoder(Dimensions);
        int start = segment == _segments[0] ? 0 : First, offset = 64;
        var lists = new int[table.Length / 12][];
        for (int list = 0; list < lists.Length; list++)
        {
            int count = (int)UInt32(table.AsSpan(12 * list)), length = decoder.SignListBytes(count);
            Assert.Equal(UInt32(table.AsSpan((12 * list) + 4)), Crc(sign.AsSpan(offset, length)));
            byte[] blocks = sign[(offset + decoder.CentroidBytes)..];
            lists[list] = [.. Enumerable.Range(0, count).Select(posting => start + (int)decoder.Ordinal(blocks, posting))];
            Assert.NotEmpty(lists[list]);
            offset += length;
        }

        Assert.Equal(sign.Length, offset);
        Assert.Equal(Enumerable.Range(start, Count(segment)), lists.SelectMany(list => list).Order());
        return lists;
    }

    private int Count(SegmentEntry segment) => segment == _segments[0] ? First : Second;

    private byte[] Object(SegmentEntry segment, string name) => _objects[$"test/segments/{segment.Id}/{name}"];

    private static T[] Draw<T>(Func<int, T> draw) => [.. Enumerable.Range(0, Vectors.Count).Select(draw)];
}

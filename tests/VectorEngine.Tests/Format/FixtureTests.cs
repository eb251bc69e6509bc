using System.Runtime.CompilerServices;
using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Format;

/// <summary>
/// A small index as it was written once, byte by byte: a change of the format, of the clustering or of the codes shows here.
/// </summary>
/// <remarks>
/// The vectors are small integers, symmetric around the centres of four clusters, so that every sum is exact in float32 and the bytes do
/// not depend on the order in which an instruction set adds. After an intended change, run the tests once with
/// <c>VECTORENGINE_WRITE_FIXTURES=1</c>, which writes the files anew, and review what changed. The library has them, too: it searches that
/// index to have its code compiled.
/// </remarks>
public sealed class FixtureTests
{
    private const string Variable = "VECTORENGINE_WRITE_FIXTURES";
    private const int Count = 64, Dimensions = 45;

    private const string Bare = "bare-";

    private static readonly string[] BareNames = ["root", "sign", "ex", "vectors", "checksums"];

    private static readonly string[] ObjectNames = ["root", "sign", "ex", "vectors", "checksums", "metadata", "ids", "zones"];

    private static readonly VectorIndexOptions Options = new()
    {
        ClusterCount = 4,
        StoredVectors = StoredVectors.Float16,
        IdColumn = "row",
        CopyLimit = 0,
    };

    [Fact]
    public async Task A_build_writes_the_same_bytes_as_ever()
    {
        var store = new MemoryObjectStore();
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors(), Options, Metadata());
        await VectorIndexVersions.RollBackAsync(store, TestIndex.Name, 1); // so that there is a version before
        SortedDictionary<string, byte[]> objects = await TestIndex.ObjectsAsync(store);
        if (IsToWrite)
        {
            await WriteAsync("", [.. ObjectNames, "pointer"], objects);
            byte[] version = objects.First(o => o.Key.Contains("/versions/", StringComparison.Ordinal)).Value;
            await File.WriteAllBytesAsync(FilePath("version"), version);
        }

        await AssertSameAsync("", ObjectNames, objects);
    }

    [Fact]
    public async Task So_does_one_without_metadata()
    {
        var store = new MemoryObjectStore();
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors(), Options with { IdColumn = null });
        SortedDictionary<string, byte[]> objects = await TestIndex.ObjectsAsync(store);
        if (IsToWrite)
            await WriteAsync(Bare, [.. BareNames, "pointer"], objects);
        await AssertSameAsync(Bare, BareNames, objects);
    }

    [Fact]
    public async Task The_fixture_has_every_kind_of_object_and_section()
    {
        IEnumerable<string> kinds = new SegmentKeys("").BesideRoot.Select(key => key[1..]).Append("root");
        Assert.Equal(kinds.Order(), ObjectNames.Order());
        // But for the key of an object of the caller's: here the index has the vectors; and for copies: the code that reads is to be used.
        foreach (SectionKind kind in Enum.GetValues<SectionKind>().Except([SectionKind.VectorsKey, SectionKind.Copies]))
        {
            (string name, ObjectKind holder) = kind == SectionKind.Manifest ? ("pointer", ObjectKind.Pointer) : ("root", ObjectKind.Root);
            var container = new Container(name, await File.ReadAllBytesAsync(FilePath(name)), holder);
            Assert.False(container.Section(kind).IsEmpty);
        }
    }

    [Fact]
    public async Task What_was_written_then_is_read_today()
    {
        using VectorIndex index = await OpenAsync();
        Assert.Equal((Count, Dimensions, 4), (index.Count, index.Dimensions, index.ClusterCount));
        Assert.Equal((Metric.SquaredL2, StoredVectors.Float16), (index.Metric, index.StoredVectors));
        using VectorIndex first = await OpenAsync(new OpenOptions { Version = 1 });
        Assert.Equal((2L, 1L, Count), (index.Version, first.Version, first.Count));
        VectorMatrix vectors = Vectors();
        foreach (ErrorBound bound in Enum.GetValues<ErrorBound>())
        {
            var options = new SearchOptions { ProbeCount = 4, Bound = bound, Epsilon0 = 6, Columns = ["name", "row"] };
            for (int q = 0; q < Count; q++)
            {
                SearchResult result = index.Search(vectors[q], 7, options);
                Assert.Equal(Reference.Nearest(vectors, Metric.SquaredL2, vectors[q], 7), result.Hits());
                for (int rank = 0; rank < 7; rank++)
                {
                    Assert.Equal(result[rank].Ordinal, result.Rows!.Column<PrimitiveArray<long>>("row")[rank]);
                    string? name = Metadata().Column<Utf8Array>("name").GetString((int)result[rank].Ordinal);
                    Assert.Equal(name, result.Rows.Column<Utf8Array>("name").GetString(rank));
                }
            }
        }
    }

    [Fact]
    public async Task Its_codes_decode_as_the_document_says()
    {
        // Factors and codes, from the bytes alone, give estimates near the true distances.
        byte[] root = await File.ReadAllBytesAsync(FilePath("root"));
        byte[] sign = await File.ReadAllBytesAsync(FilePath("sign")), ex = await File.ReadAllBytesAsync(FilePath("ex"));
        var decoder = new Quantization.FormatDecoder(Dimensions);
        var container = new Container("root", root, ObjectKind.Root);
        SegmentRoot parsed = SegmentRoot.Read("root", root);
        float scale = BitConverter.ToSingle(container.Section(SectionKind.Description).Span[28..]);
        int signOffset = 64, exOffset = 64, seen = 0;
        for (int list = 0; list < 4; list++)
        {
            int count = BitConverter.ToInt32(container.Section(SectionKind.ListTable).Span[(12 * list)..]);
            float[] centroid = Array.ConvertAll(decoder.Centroid(sign.AsSpan(signOffset)), value => value / scale);
            ReadOnlySpan<byte> blocks = sign.AsSpan(signOffset + decoder.CentroidBytes), records = ex.AsSpan(exOffset);
            for (int posting = 0; posting < count; posting++)
            {
                int ordinal = (int)decoder.Ordinal(blocks, posting);
                seen |= 1 << (ordinal % 32);
                for (int q = 0; q < Count; q += 5)
                {
                    float[] query = Engine.Transform(parsed.Space!.Transform, Vectors()[q]);
                    double listBase = Reference.SquaredL2(query, centroid), truth = Reference.SquaredL2(Vectors()[q], Vectors()[ordinal]);
                    byte[] codes = decoder.Codes(blocks, records, posting);
                    Quantization.FormatDecoder.Factors signFactors = decoder.SignFactors(blocks, posting);
                    Assert.InRange(truth, Estimate(signFactors, codes, 1), Estimate(signFactors, codes, -1));
                    Assert.InRange(truth, FullEstimate(1), FullEstimate(-1));

                    double Estimate(Quantization.FormatDecoder.Factors factors, byte[] u, int below) =>
                        listBase + factors.Add
                        + (factors.Rescale * Reference.Dot(Array.ConvertAll(u, value => (value >> 3) - 0.5f), query))
                        - Bound(factors, below);

                    double FullEstimate(int below)
                    {
                        Quantization.FormatDecoder.Factors factors = decoder.ExFactors(ex.AsSpan(exOffset), posting);
                        return listBase + factors.Add
                            + (factors.Rescale * Reference.Dot(Array.ConvertAll(codes, value => value - 7.5f), query))
                            - Bound(factors, below);
                    }

                    double Bound(Quantization.FormatDecoder.Factors factors, int below) =>
                        below * ((2 * factors.Error * Math.Sqrt(listBase)) + 1e-3);
                }
            }

            signOffset += decoder.SignListBytes(count);
            exOffset += decoder.ExListBytes(count);
        }

        Assert.Equal((sign.Length, ex.Length, -1), (signOffset, exOffset + 64, seen));
    }

    [Fact]
    public async Task Its_ids_are_found_as_the_document_says()
    {
        (byte[] Key, uint Ordinal)[] ids = Quantization.FormatDecoder.Ids(await File.ReadAllBytesAsync(FilePath("ids")), Count);
        string[] keys = [.. ids.Select(id => Convert.ToHexString(id.Key))];
        Assert.Equal(keys.Order(StringComparer.Ordinal), keys);
        byte[] number = new byte[8];
        for (int row = 0; row < Count; row++)
        {
            number[0] = (byte)row;
            byte[] key = System.Security.Cryptography.SHA256.HashData(number)[..16];
            Assert.Equal((uint)row, ids.Single(id => id.Key.AsSpan().SequenceEqual(key)).Ordinal);
        }

        using VectorIndex index = await OpenAsync();
        Assert.Equal("row", index.IdColumn);
        Assert.Equal((long[])[63, -1, 0], await index.FindAsync(ArrowArray.From<long>([63, 64, 0])));
    }

    private static async Task<VectorIndex> OpenAsync(OpenOptions? options = null)
    {
        var store = new MemoryObjectStore();
        byte[] pointer = await File.ReadAllBytesAsync(FilePath("pointer"));
        string pointerKey = IndexKeys.Pointer(TestIndex.Name);
        await store.WriteAsync(pointerKey, pointer, WriteCondition.Absent);
        Manifest manifest = Manifest.ReadPointer(pointerKey, pointer);
        string versionKey = IndexKeys.Version(TestIndex.Name, manifest.History[0].Id);
        await store.WriteAsync(versionKey, await File.ReadAllBytesAsync(FilePath("version")), WriteCondition.Absent);
        string prefix = IndexKeys.Segment(TestIndex.Name, manifest.Segments[0].Id).Prefix;
        foreach (string name in ObjectNames)
            await store.WriteAsync($"{prefix}/{name}", await File.ReadAllBytesAsync(FilePath(name)), WriteCondition.Absent);
        return await VectorIndex.OpenAsync(store, TestIndex.Name, options);
    }

    private static bool IsToWrite => Environment.GetEnvironmentVariable(Variable) == "1";

    private static async Task WriteAsync(string prefix, string[] names, SortedDictionary<string, byte[]> objects)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(FilePath("root"))!);
        foreach (string name in names)
            await File.WriteAllBytesAsync(FilePath(prefix + name), objects[objects.Key("/" + name)]);
    }

    private static async Task AssertSameAsync(string prefix, string[] names, SortedDictionary<string, byte[]> objects)
    {
        foreach (string name in names)
        {
            byte[] expected = await File.ReadAllBytesAsync(FilePath(prefix + name)), actual = objects[objects.Key("/" + name)];
            int same = expected.AsSpan().CommonPrefixLength(actual);
            if (same < Math.Max(expected.Length, actual.Length))
                Assert.Fail($"{prefix}{name} differs from byte {same} on ({expected.Length} bytes then, {actual.Length} now).");
        }
    }

    /// <summary>Sixteen vectors around each of four centres that add up to zero: each offset with its opposite.</summary>
    private static VectorMatrix Vectors()
    {
        var random = new Random(1);
        float[] values = new float[Count * Dimensions];
        for (int pair = 0; pair < Count / 2; pair++)
        {
            int cluster = pair % 4;
            for (int d = 0; d < Dimensions; d++)
            {
                int centre = (cluster % 2 == 0 ? 12 : -12) * ((d + (cluster / 2)) % 3 == 0 ? 1 : 0), offset = random.Next(-2, 3);
                values[(2 * pair * Dimensions) + d] = centre + offset;
                values[(((2 * pair) + 1) * Dimensions) + d] = centre - offset;
            }
        }

        return new VectorMatrix(values, Dimensions);
    }

    private static RecordBatch Metadata() => new(
        ("name", ArrowArray.From(Enumerable.Range(0, Count).Select(i => i % 9 == 4 ? null : $"vector {i}").ToArray())),
        ("row", ArrowArray.From<long>(Enumerable.Range(0, Count).Select(i => (long)i).ToArray())));

    private static string FilePath(string name, [CallerFilePath] string thisFile = "") =>
        Path.Combine(Path.GetDirectoryName(thisFile)!, "../../../src/VectorEngine/Format/Fixture", $"{name}.bin");
}

using System.Text;
using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Input;
using VectorEngine.Storage;
using VectorEngine.Testing;
using VectorEngine.Tests.Arrow;
using VectorEngine.Tests.Format;
using VectorEngine.Tests.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Index;

/// <summary>Indexes whose vectors stay in an Arrow file of the caller's.</summary>
public sealed class InPlaceTests
{
    private const string Key = "corpus/2024/vectors.arrow";
    private const int Count = 3000, Dimensions = 24;

    private static readonly VectorMatrix Vectors = Halves(GeneratedVectors.Latent(Count, Dimensions, 3));
    private static readonly string[] Names = [.. Enumerable.Range(0, Count).Select(row => $"name {row}")];

    /// <summary>Rows of the batches, whether the vectors are float16, whether there are other columns, clusters.</summary>
    public static TheoryData<int[], bool, bool, int?> Cases => new()
    {
        { [Count], false, false, 10 },
        { [1024, 1024, 952], false, true, 10 },
        { [2048, 952], true, true, null },
        { [1000, 7, 0, 1500, 1, 492], false, true, 10 },
        { [999, 2001], true, false, 10 },
        { [1, 2999], false, false, null },
    };

    [Fact]
    public async Task WhatTheStoreFailsToReadForReasonsThatPassIsReadAgain()
    {
        var store = new MemoryObjectStore();
        await WriteAsync(store, Key, Vectors, [Count], half: false, columns: false);
        FaultyStore flaky = FirstAttempts.Fail(store, 1, Fault.Throttling);
        BuildReport report = await VectorIndexBuilder.BuildAsync(
            flaky, TestIndex.Name, VectorSource.FromObject(flaky, Key), Options(null, false));
        Assert.Equal(Count, report.Count);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task AnswersAreThoseOfAnIndexThatHasTheVectors(int[] batches, bool half, bool columns, int? clusters)
    {
        StoredVectors type = half ? StoredVectors.Float16 : StoredVectors.Float32;
        var store = new MemoryObjectStore();
        await WriteAsync(store, Key, Vectors, batches, half, columns);
        VectorIndexOptions options = Options(clusters, columns);
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, VectorSource.FromObject(store, Key), options);
        SortedDictionary<string, byte[]> objects = await TestIndex.ObjectsAsync(store);
        Assert.DoesNotContain(objects.Keys, key => key.EndsWith("/vectors", StringComparison.Ordinal));

        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        using VectorIndex copied = await TestIndex.BuildAsync(
            Vectors, options with { StoredVectors = type }, metadata: columns ? Metadata(0, Count) : null);
        Assert.Equal((type, copied.Size.VectorBytes > index.Size.VectorBytes), (index.StoredVectors, true));
        foreach (SearchStage stage in new[] { SearchStage.Exact, SearchStage.BruteForce })
        {
            var search = new SearchOptions { Stage = stage, Columns = columns ? ["name"] : null };
            for (int q = 0; q < Count; q += 300)
            {
                SearchResult expected = await copied.SearchAsync(Vectors[q], 10, search);
                SearchResult actual = await index.SearchAsync(Vectors[q], 10, search);
                Assert.Equal(expected.Hits(), actual.Hits());
                if (columns)
                    Assert.Equal(Names[actual[3].Ordinal], actual.Rows!.Column<Utf8Array>("name").GetString(3));
            }
        }

        long[] ordinals = [0, 1000, 2999, 1006, 999];
        Assert.Equal((await copied.GetVectorsAsync(ordinals)).Values.ToArray(), (await index.GetVectorsAsync(ordinals)).Values.ToArray());
    }

    [NodeFact]
    public async Task FilesOfOtherWritersServe()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "theirs.arrow");
        await Node.RunAsync("write-long", path, "3");
        using var store = new FileObjectStore(folder.Path);
        var options = new VectorIndexOptions { StoredVectors = StoredVectors.InPlace, ClusterCount = 5, IdColumn = "id" };
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, VectorSource.FromObject(store, "theirs.arrow"), options);
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        VectorMatrix vectors = await index.GetVectorsAsync(new long[] { 4096 * 3 - 1, 4096, 4095 });
        Assert.Equal([2f, 1f, 0f], Enumerable.Range(0, 3).Select(row => vectors[row][77]));
        Assert.All(await index.SearchAsync(vectors[1], 10), hit => Assert.Equal(1, hit.Ordinal / 4096));
    }

    [Fact]
    public async Task WhatIsNotWhatWasIndexedIsFound()
    {
        var store = new MemoryObjectStore();
        byte[] file = await WriteAsync(store, Key, Vectors, [2000, 1000], half: false, columns: true);
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, VectorSource.FromObject(store, Key), Options(10, true));

        await WriteAsync(store, Key, Halves(GeneratedVectors.Latent(Count, Dimensions, 4)), [2000, 1000], half: false, columns: true);
        Assert.Equal(Key, (await Assert.ThrowsAsync<CorruptDataException>(() => SearchAsync(store))).ObjectKey);
        await store.WriteAsync(Key, file.AsMemory(0, 1000), WriteCondition.None);
        Assert.Equal(Key, (await Assert.ThrowsAsync<CorruptDataException>(() => SearchAsync(store))).ObjectKey);
        await store.DeleteAsync(Key);
        Assert.Equal(Key, (await Assert.ThrowsAsync<ObjectNotFoundException>(() => SearchAsync(store))).ObjectKey);

        await store.WriteAsync(Key, file, WriteCondition.None);
        Assert.Equal(0, (await SearchAsync(store))[0].Ordinal);
    }

    [Fact]
    public async Task SegmentsMayHaveTheirVectorsInDifferentObjects()
    {
        const int First = 1700;
        using var folder = new TemporaryFolder();
        using (var store = new FileObjectStore(folder.Path))
        {
            await WriteAsync(store, Key, Vectors.Slice(0, First), [First], half: false, columns: true);
            await WriteAsync(store, "more", Vectors.Slice(First, 1000), [100, 900], half: true, columns: true, first: First);
            VectorIndexOptions options = Options(8, true);
            await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, VectorSource.FromObject(store, Key), options);
            await VectorIndexBuilder.AppendAsync(store, TestIndex.Name, VectorSource.FromObject(store, "more"), options);
            options = options with { StoredVectors = StoredVectors.Float32, CopyLimit = 0 };
            await VectorIndexBuilder.AppendAsync(store, TestIndex.Name, Vectors.Slice(2700, 300), options, Metadata(2700, 300));
        }

        using var other = new FileObjectStore(folder.Path);
        foreach (bool map in new[] { false, true })
        {
            using VectorIndex index = await VectorIndex.OpenAsync(other, TestIndex.Name, new OpenOptions { MemoryMap = map });
            var options = new SearchOptions { Stage = SearchStage.BruteForce };
            for (int q = 0; q < Count; q += 250)
            {
                // Sums over float16 are taken in another order on some instruction sets.
                var expected = Reference.Nearest(Vectors, Metric.SquaredL2, Vectors[q], 5);
                var actual = index.Search(Vectors[q], 5, options).Hits();
                Assert.Equal(expected.Select(hit => hit.Item1), actual.Select(hit => hit.Item1));
                for (int rank = 0; rank < actual.Length; rank++)
                    Assert.Equal(expected[rank].Item2, actual[rank].Item2, 1e-5f * (1 + actual[rank].Item2));
            }
        }
    }

    [Fact]
    public async Task TheCallersObjectIsNeverDeleted()
    {
        var store = new MemoryObjectStore();
        byte[] file = await WriteAsync(store, Key, Vectors, [Count], half: false, columns: false);
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, VectorSource.FromObject(store, Key), Options(10, false));
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, VectorSource.FromObject(store, Key), Options(10, false));
        await VectorIndexVersions.CollectAsync(store, TestIndex.Name, new GarbageOptions { GracePeriod = TimeSpan.Zero });
        Assert.Equal(0, (await SearchAsync(store))[0].Ordinal);
        await VectorIndexBuilder.DeleteAsync(store, TestIndex.Name);
        (string key, byte[] bytes) = Assert.Single(await TestIndex.ObjectsAsync(store));
        Assert.Equal(Key, key);
        Assert.Equal(file, bytes);
    }

    [Fact]
    public async Task WhatCannotStayInPlaceIsRefused()
    {
        var store = new MemoryObjectStore();
        await WriteAsync(store, Key, Vectors, [Count], half: false, columns: true);
        VectorIndexOptions options = Options(null, false);
        await FailsAsync<ArgumentException>(VectorSource.FromMatrix(Vectors), options);
        await FailsAsync<ArgumentException>(VectorSource.FromObject(new MemoryObjectStore(), Key), options);
        await FailsAsync<ArgumentException>(VectorSource.FromObject(store, Key), options with { SkipInvalidRows = true });
        await FailsAsync<ObjectNotFoundException>(VectorSource.FromObject(store, "corpus"), options);
        await FailsAsync<InvalidInputException>(VectorSource.FromObject(store, Key, "name"), options);

        const string Own = $"{TestIndex.Name}/segments/mine";
        await WriteAsync(store, Own, Vectors, [Count], half: false, columns: false);
        await FailsAsync<ArgumentException>(VectorSource.FromObject(store, Own), options);
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, VectorSource.FromObject(store, Own)); // as a copy

        var missing = new RecordBatch(("vector", ArrowArray.Vectors<float>([[1], null, [3]], 1)));
        await WriteAsync(store, Key, missing.Schema, [missing]);
        await FailsAsync<InvalidInputException>(VectorSource.FromObject(store, Key), options);

        var one = new RecordBatch(("vector", ArrowArray.Vectors<float>([[1]], 1)));
        await WriteAsync(store, Key, one.Schema, Enumerable.Repeat(one, VectorBatches.MaxCount + 1));
        await FailsAsync<InvalidInputException>(VectorSource.FromObject(store, Key), options);

        Task FailsAsync<T>(VectorSource source, VectorIndexOptions options) where T : Exception =>
            Assert.ThrowsAsync<T>(() => VectorIndexBuilder.BuildAsync(store, TestIndex.Name, source, options));
    }

    [Fact]
    public async Task TheRootTellsWhereTheVectorsAre()
    {
        int[] counts = [1000, 1, 1999];
        var store = new MemoryObjectStore();
        byte[] file = await WriteAsync(store, Key, Vectors, counts, half: false, columns: true);
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, VectorSource.FromObject(store, Key), Options(10, true));
        SortedDictionary<string, byte[]> objects = await TestIndex.ObjectsAsync(store);
        Dictionary<uint, byte[]> sections = DocumentDecoder.Sections(objects[objects.Key("/root")], 1);
        Assert.Equal(Key, Encoding.UTF8.GetString(sections[15]));
        Assert.DoesNotContain(17u, sections.Keys); // no copies, small as it is
        Assert.Equal((ulong)file.Length, DocumentDecoder.UInt64(sections[1].AsSpan(48)));
        Assert.Equal(16 * counts.Length, sections[7].Length);
        for (int batch = 0, row = 0; batch < counts.Length; batch++)
        {
            int offset = (int)DocumentDecoder.UInt64(sections[7].AsSpan(16 * batch));
            Assert.Equal((ulong)counts[batch], DocumentDecoder.UInt64(sections[7].AsSpan((16 * batch) + 8)));
            for (int i = 0; i < counts[batch]; i++, row++)
                Assert.Equal(Vectors[row].ToArray(), DocumentDecoder.Floats(file.AsSpan(offset + (i * 4 * Dimensions), 4 * Dimensions)));
        }
    }

    private static VectorIndexOptions Options(int? clusters, bool columns) => new()
    {
        ClusterCount = clusters,
        StoredVectors = StoredVectors.InPlace,
        IdColumn = columns ? "name" : null,
    };

    private static async Task<SearchResult> SearchAsync(IObjectStore store)
    {
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        return await index.SearchAsync(Vectors[0], 5);
    }

    /// <summary>Values that float16 has, too.</summary>
    private static VectorMatrix Halves(VectorMatrix vectors) =>
        new(Array.ConvertAll(vectors.Values.ToArray(), value => (float)(Half)value), vectors.Dimensions);

    private static RecordBatch Metadata(int first, int count) =>
        new(("name", ArrowArray.From(Names[first..(first + count)])), ("row", ArrowArray.From<long>([.. Enumerable.Range(first, count)])));

    /// <summary>Writes vectors in batches of given lengths, between other columns if there are to be some.</summary>
    private static Task<byte[]> WriteAsync(
        IObjectStore store, string key, VectorMatrix vectors, int[] counts, bool half, bool columns, int first = 0)
    {
        var batches = new List<RecordBatch>();
        for (int i = 0, start = 0; i < counts.Length; start += counts[i++])
        {
            ReadOnlyMemory<float> values = vectors.Values.Slice(start * Dimensions, counts[i] * Dimensions);
            ArrowArray column = half
                ? ArrowArray.Vectors<Half>(Array.ConvertAll(values.ToArray(), value => (Half)value), Dimensions)
                : ArrowArray.Vectors<float>(values, Dimensions);
            RecordBatch other = Metadata(first + start, counts[i]);
            batches.Add(columns
                ? new RecordBatch(("name", other.Columns[0]), ("vector", column), ("row", other.Columns[1]))
                : new RecordBatch(("vector", column)));
        }

        return WriteAsync(store, key, batches[0].Schema, batches);
    }

    private static async Task<byte[]> WriteAsync(IObjectStore store, string key, ArrowSchema schema, IEnumerable<RecordBatch> batches)
    {
        var stream = new MemoryStream();
        await ArrowFile.WriteAsync(stream, schema, batches);
        await store.WriteAsync(key, stream.ToArray(), WriteCondition.None);
        return stream.ToArray();
    }
}

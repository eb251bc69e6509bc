using FsCheck;
using FsCheck.Fluent;
using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Storage;
using VectorEngine.Testing;
using VectorEngine.Tests.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Index;

/// <summary>A small index comes with its root; what it answers is what it would answer if everything were read when it is needed.</summary>
public sealed class SmallIndexTests
{
    private const int Count = 400, Dimensions = 12;

    private static readonly string[] Objects = ["sign", "ex", "vectors", "checksums", "metadata", "ids", "zones"];

    private static readonly VectorMatrix Vectors = GeneratedVectors.Latent(Count, Dimensions, 1);

    private static readonly RecordBatch Metadata = new(
        ("text", ArrowArray.From(Enumerable.Range(0, Count).Select(i => i % 5 == 0 ? null : $"row {i}").ToArray())),
        ("number", ArrowArray.From<long>(Enumerable.Range(0, Count).Select(i => (long)i).ToArray())));

    private static readonly VectorIndexOptions Options =
        new() { ClusterCount = 6, StoredVectors = StoredVectors.Float32, IdColumn = "number" };

    private static readonly SearchOptions Deep =
        new() { ProbeCount = int.MaxValue, Bound = ErrorBound.Hard, Columns = ["text", "number"] };

    public static TheoryData<string> ObjectNames => [.. Objects];

    [Fact]
    public void Copies_change_no_answer()
    {
        Prop.ForAll(Gen.Choose(0, 1 << 30).ToArbitrary(), seed =>
        {
            var random = new Random(seed);
            int count = random.Next(2, 300);
            VectorIndexOptions options = Options with
            {
                ClusterCount = random.Next(3) == 0 ? null : random.Next(1, Math.Min(count, 9)),
                StoredVectors = (StoredVectors)random.Next(3),
                Metric = (Metric)random.Next(3),
            };
            int[] cuts = [0, .. Enumerable.Range(0, random.Next(3)).Select(_ => random.Next(9, count + 9)).Order().Distinct(), count + 9];
            string[] staged = AnswersAsync(options with { CopyLimit = 0 }, cuts, seed).GetAwaiter().GetResult();
            Assert.Equal(staged, AnswersAsync(options, cuts, seed).GetAwaiter().GetResult());
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(TestScale.IsSlow ? 10 : 40));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(6)]
    public async Task The_exact_answer_takes_the_pointer_and_the_root(int? clusters)
    {
        MemoryObjectStore inner = await BuildAsync(Options with { ClusterCount = clusters });
        var asked = new AskedKeys();
        var store = new FaultyStore(new YieldingStore(inner), asked.Meet);
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        SearchOptions options = Deep with { Filter = Filter.Column("number").LessThan(200) };
        SearchResult result = await index.SearchAsync(Vectors[3], 5, options);
        Assert.Equal((3L, SearchStage.Exact, 5), (result[0].Ordinal, result.Stage, result.Rows!.RowCount));
        Assert.Equal((0, 0), (result.Receipt.Requests, result.Receipt.Rounds));
        Assert.Equal((long[])[7], await index.FindAsync(ArrowArray.From<long>([7])));
        string pointer = IndexKeys.Pointer(TestIndex.Name), root = (await TestIndex.ObjectsAsync(inner)).Key("/root");
        Assert.Equal([pointer, root], asked.Take());

        using VectorIndex again = await VectorIndex.OpenAsync(store, TestIndex.Name, new OpenOptions { Token = index.Token });
        Assert.Equal(result.Hits(), (await again.SearchAsync(Vectors[3], 5, options)).Hits());
        Assert.Equal([root], asked.Take());
    }

    [Fact]
    public async Task So_it_does_where_segments_were_added_until_the_copies_would_be_long()
    {
        VectorIndexOptions options = Options with { IdColumn = null, CopyLimit = 60_000 };
        MemoryObjectStore inner = await BuildAsync(options);
        var copied = new List<bool>();
        for (int added = 1; copied.LastOrDefault(true); added++)
        {
            var asked = new AskedKeys();
            using (VectorIndex index = await VectorIndex.OpenAsync(new FaultyStore(new YieldingStore(inner), asked.Meet), TestIndex.Name))
            {
                SearchResult result = await index.SearchAsync(Vectors[9], added + 1, Deep);
                Assert.Equal(
                    Enumerable.Range(0, added).Select(segment => (long)(Count * segment) + 9),
                    result.Hits()[..added].Select(hit => hit.Ordinal));
                Assert.Equal(0, result.Receipt.Requests);
                Assert.Equal(1 + added, asked.Take().Length); // the pointer and the roots
            }

            await VectorIndexBuilder.AppendAsync(inner, TestIndex.Name, Vectors, options, Metadata);
            copied = [.. (await RootsAsync(inner)).Select(root => root.Copies.Length > 0)];
        }

        long length = (await RootsAsync(inner))[0].Copies.Sum(copy => (long)copy.Length);
        Assert.Equal(8 * 60_000 / length, copied.Count(isCopied => isCopied));
        using VectorIndex all = await VectorIndex.OpenAsync(inner, TestIndex.Name);
        Assert.Equal(copied.Count, all.Search(Vectors[9], copied.Count, Deep).Hits().Count(hit => hit.Ordinal % Count == 9));
    }

    [Fact]
    public async Task Copies_are_in_roots_of_segments_up_to_the_limit()
    {
        long length = (await TestIndex.ObjectsAsync(await BuildAsync(Options), IndexKeys.Segments(TestIndex.Name)))
            .Where(o => !o.Key.EndsWith("/root", StringComparison.Ordinal)).Sum(o => (long)o.Value.Length);
        Assert.NotEmpty((await RootsAsync(await BuildAsync(Options with { CopyLimit = length })))[0].Copies);
        Assert.Empty((await RootsAsync(await BuildAsync(Options with { CopyLimit = length - 1 })))[0].Copies);
    }

    [Fact]
    public async Task Damage_on_the_way_is_repaired_by_reading_again()
    {
        MemoryObjectStore inner = await BuildAsync(Options);
        int reads = 0;
        var store = new FaultyStore(
            inner, request => request.Key.EndsWith("/root", StringComparison.Ordinal) && reads++ == 0 ? Fault.BitFlip : null);
        using VectorIndex first = await VectorIndex.OpenAsync(inner, TestIndex.Name);
        using VectorIndex second = await VectorIndex.OpenAsync(store, TestIndex.Name);
        Assert.Equal((1L, 3L), (store.Faults, store.Requests));
        Assert.Equal(first.Search(Vectors[3], 20, Deep).Hits(), second.Search(Vectors[3], 20, Deep).Hits());
    }

    [Theory]
    [MemberData(nameof(ObjectNames))]
    public async Task Searches_do_not_need_the_objects_and_verification_reads_them(string name)
    {
        using var folder = new TemporaryFolder();
        using var store = new FileObjectStore(folder.Path);
        await BuildAsync(Options, store);
        SortedDictionary<string, byte[]> objects = await TestIndex.ObjectsAsync(store);
        string key = objects.Key("/" + name);
        using VectorIndex intact = await VectorIndex.OpenAsync(store, TestIndex.Name);
        string[] expected = await AnswersAsync(intact, 1);

        await store.WriteAsync(key, new byte[objects[key].Length], WriteCondition.None);
        await CheckAsync();
        await store.DeleteAsync(key);
        await CheckAsync();

        async Task CheckAsync()
        {
            using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
            Assert.Equal(expected, await AnswersAsync(index, 1));
            Assert.Contains((await index.VerifyAsync()).Damages, damage => damage.ObjectKey == key);
            Exception failure = await Assert.ThrowsAnyAsync<Exception>(async () =>
            {
                using VectorIndex mapped = await VectorIndex.OpenAsync(store, TestIndex.Name, new OpenOptions { MemoryMap = true });
                await AnswersAsync(mapped, 1);
            });
            Assert.True(failure is CorruptDataException { ObjectKey: var corrupt } ? corrupt == key : failure is ObjectNotFoundException);
        }
    }

    [Theory]
    [MemberData(nameof(ObjectNames))]
    public async Task A_forged_copy_is_corrupt_and_the_root_is_named(string name)
    {
        MemoryObjectStore store = await BuildAsync(Options);
        SortedDictionary<string, byte[]> objects = await TestIndex.ObjectsAsync(store);
        byte[] root = objects[objects.Key("/root")], content = objects[objects.Key("/" + name)];
        root[root.AsSpan().LastIndexOf(content) + (content.Length / 2)] ^= 1;
        Format.Seal.Sections(root);
        await Format.Seal.ReplaceRootAsync(store, root);
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        CorruptDataException error = await Assert.ThrowsAsync<CorruptDataException>(() => AnswersAsync(index, 1));
        Assert.Equal((objects.Key("/root"), (long)root.Length), (error.ObjectKey, error.Length));
        Assert.Equal(objects.Key("/root"), Assert.Single((await index.VerifyAsync()).Damages).ObjectKey);
    }

    [Theory]
    [InlineData(-64)]
    [InlineData(-1)]
    [InlineData(1)]
    [InlineData(64)]
    public async Task Copies_of_another_length_than_the_objects_are_corrupt(int change)
    {
        MemoryObjectStore store = await BuildAsync(Options);
        SortedDictionary<string, byte[]> objects = await TestIndex.ObjectsAsync(store);
        string key = objects.Key("/root");
        // The section is the last: its length and the object's.
        byte[] root = [.. objects[key], .. new byte[64]];
        int entry = 64 + (32 * (BitConverter.ToInt32(root, 24) - 1));
        Assert.Equal((int)SectionKind.Copies, BitConverter.ToInt32(root, entry));
        BitConverter.TryWriteBytes(root.AsSpan(entry + 16), BitConverter.ToInt64(root, entry + 16) + change);
        BitConverter.TryWriteBytes(root.AsSpan(16), (long)root.Length);
        Format.Seal.Sections(root);
        await Format.Seal.ReplaceRootAsync(store, root);
        CorruptDataException error = await Assert.ThrowsAsync<CorruptDataException>(
            async () => await VectorIndex.OpenAsync(store, TestIndex.Name));
        Assert.Equal(key, error.ObjectKey);
        Assert.Contains(nameof(SectionKind.Copies), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Copies_are_memory_of_the_root_and_come_from_the_disk_with_it()
    {
        using var folder = new TemporaryFolder();
        var store = new FaultyStore(await BuildAsync(Options), _ => null);
        var options = new OpenOptions { CacheFolder = folder.Path, MemoryBudget = 0 };
        string[] expected;
        using (VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name, options))
        {
            expected = await AnswersAsync(index, 1);
            index.TrimMemory();
            Assert.Equal(index.MemoryUsage.RootBytes, index.MemoryUsage.TotalBytes);
            Assert.InRange(index.MemoryUsage.RootBytes, 4 * Count * Dimensions, 512 << 10);
            Assert.Equal(expected, await AnswersAsync(index, 1));
            Assert.Equal(default, await index.PrefetchAsync(SearchStage.Exact));
        }

        Assert.Equal(2, store.Requests);
        using VectorIndex again = await VectorIndex.OpenAsync(store, TestIndex.Name, options);
        Assert.Equal(expected, await AnswersAsync(again, 1));
        Assert.Equal(3, store.Requests);
    }

    [Fact]
    public async Task A_root_that_is_damaged_on_disk_is_read_and_kept_anew()
    {
        using var folder = new TemporaryFolder();
        var store = new FaultyStore(await BuildAsync(Options), _ => null);
        var options = new OpenOptions { CacheFolder = folder.Path };
        string[] expected = await OpenAndAnswerAsync();
        foreach (string file in Directory.EnumerateFiles(folder.Path, "*", SearchOption.AllDirectories))
        {
            byte[] bytes = await File.ReadAllBytesAsync(file);
            bytes[bytes.Length / 2] ^= 1;
            await File.WriteAllBytesAsync(file, bytes);
        }

        Assert.Equal(2, store.Requests);
        Assert.Equal(expected, await OpenAndAnswerAsync());
        Assert.Equal(4, store.Requests);
        Assert.Equal(expected, await OpenAndAnswerAsync());
        Assert.Equal(5, store.Requests); // the pointer alone

        async Task<string[]> OpenAndAnswerAsync()
        {
            using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name, options);
            return await AnswersAsync(index, 1);
        }
    }

    private static async Task<MemoryObjectStore> BuildAsync(VectorIndexOptions options)
    {
        var store = new MemoryObjectStore();
        await BuildAsync(options, store);
        return store;
    }

    private static Task BuildAsync(VectorIndexOptions options, IObjectStore store) =>
        VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors, options, Metadata);

    private static async Task<SegmentRoot[]> RootsAsync(IObjectStore store)
    {
        string key = IndexKeys.Pointer(TestIndex.Name);
        Manifest manifest = Manifest.ReadPointer(key, (await store.TryReadAsync(key))!.Content);
        SortedDictionary<string, byte[]> objects = await TestIndex.ObjectsAsync(store);
        return [.. manifest.Segments.Select(segment => IndexKeys.Segment(TestIndex.Name, segment.Id).Root)
            .Select(root => SegmentRoot.Read(root, objects[root]))];
    }

    /// <summary>Builds an index of segments, and asks it.</summary>
    private static async Task<string[]> AnswersAsync(VectorIndexOptions options, int[] cuts, int seed)
    {
        var store = new MemoryObjectStore();
        VectorMatrix vectors = GeneratedVectors.Latent(cuts[^1], Dimensions, seed);
        for (int i = 0; i + 1 < cuts.Length; i++)
        {
            int length = cuts[i + 1] - cuts[i];
            (VectorMatrix part, RecordBatch rows) = (vectors.Slice(cuts[i], length), Metadata.Slice(cuts[i], length));
            VectorIndexOptions own = options with { ClusterCount = options.ClusterCount is { } most ? Math.Min(most, length) : null };
            await (i == 0
                ? VectorIndexBuilder.BuildAsync(store, TestIndex.Name, part, own, rows)
                : VectorIndexBuilder.AppendAsync(store, TestIndex.Name, part, own, rows));
        }

        var counting = new FaultyStore(store, _ => null);
        using VectorIndex index = await VectorIndex.OpenAsync(counting, TestIndex.Name);
        long before = counting.Requests;
        string[] answers = await AnswersAsync(index, seed);
        Assert.Equal(options.CopyLimit > 0, counting.Requests == before);
        return answers;
    }

    /// <summary>What an index answers to everything that reads, as text.</summary>
    private static async Task<string[]> AnswersAsync(VectorIndex index, int seed)
    {
        var answers = new List<string>();
        float[] query = GeneratedVectors.Latent(1, Dimensions, seed + 1)[0].ToArray();
        Filter filter = Filter.Column("number").LessThan(index.Count / 2) & !Filter.Column("text").In("row 3");
        foreach (SearchStage stage in Enum.GetValues<SearchStage>())
        {
            if (stage >= SearchStage.Exact && index.StoredVectors == StoredVectors.None)
                continue;
            foreach (ErrorBound bound in Enum.GetValues<ErrorBound>())
            {
                SearchOptions options = Deep with { Stage = stage, Bound = bound };
                Add(await index.SearchAsync(query, 7, options));
                Add(index.Search(query, 7, options with { ProbeCount = 2, Filter = filter }));
                Add(await index.SearchRangeAsync(query, 2, options));
                await foreach (SearchSnapshot snapshot in index.SearchProgressiveAsync(query, 7, options))
                {
                    if (snapshot.IsFinal)
                        Add(snapshot.Result);
                }
            }
        }

        foreach (SearchResult result in await index.SearchBatchAsync(GeneratedVectors.Latent(5, Dimensions, seed + 2), 4, Deep))
            Add(result);
        answers.Add(string.Join(' ', await index.FindAsync(ArrowArray.From<long>([0, index.Count - 1, index.Count, -1]))));
        Add(await index.GetRowsAsync(new[] { index.Count - 1, 0L }));
        if (index.StoredVectors != StoredVectors.None)
            answers.Add(string.Join(' ', (await index.GetVectorsAsync(new[] { index.Count - 1, 0L })).Values.ToArray()));
        return [.. answers];

        void Add(object answer) => answers.Add(answer switch
        {
            SearchResult result => $"{result.Stage} {result.Receipt.Work()} {string.Join(' ', result.Bounds())} {Texts(result.Rows!)}",
            _ => Texts((RecordBatch)answer),
        });

        static string Texts(RecordBatch rows) => string.Join(' ', Enumerable.Range(0, rows.RowCount).Select(
            row => $"{rows.Column<Utf8Array>("text").GetString(row)} {rows.Column<PrimitiveArray<long>>("number")[row]}"));
    }

    /// <summary>Which objects are asked for; how often, a request that is late on a busy machine changes.</summary>
    private sealed class AskedKeys
    {
        private readonly List<string> _keys = [];

        /// <summary>The keys since the last time, in order, each once.</summary>
        public string[] Take()
        {
            lock (_keys)
            {
                string[] taken = [.. _keys.Distinct()];
                _keys.Clear();
                return taken;
            }
        }

        public Fault? Meet(StoreRequest request)
        {
            lock (_keys)
                _keys.Add(request.Key);
            return null;
        }
    }
}

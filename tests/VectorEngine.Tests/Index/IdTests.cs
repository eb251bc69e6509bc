using FsCheck;
using FsCheck.Fluent;
using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Loading;
using VectorEngine.Storage;
using VectorEngine.Testing;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Index;

/// <summary>Vectors are found by the caller's ids, and by no others.</summary>
public sealed class IdTests
{
    private static readonly VectorIndexOptions Options = new() { IdColumn = "id", CopyLimit = 0 };

    public static TheoryData<int[], bool> Sizes
    {
        get
        {
            var sizes = new TheoryData<int[], bool>();
            // One entry, one page, two pages, and several segments of several pages.
            foreach (int[] counts in new int[][] { [1], [2], [511], [512], [513], [20_000], [3, 1, 5000, 700] })
            {
                sizes.Add(counts, false);
                sizes.Add(counts, true);
            }

            return sizes;
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public async Task Every_id_is_found_and_no_other(int[] counts, bool text)
    {
        var store = new MemoryObjectStore();
        long total = await BuildAsync(store, counts, start => Ids(start, text));
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        Assert.Equal(("id", total), (index.IdColumn, index.Count));
        Assert.Equal(
            (await TestIndex.ObjectsAsync(store)).Where(o => o.Key.EndsWith("/ids", StringComparison.Ordinal)).Sum(o => o.Value.Length),
            index.Size.IdBytes);
        long[] order = [.. Enumerable.Range(0, (int)total).Select(i => (i * 7919L) % total)];
        Array.Sort(order.Select(i => i * 31 % 101).ToArray(), order);
        Assert.Equal(order, await index.FindAsync(Ids(order, text)));
        long[] absent = [.. order.Take(300).Select(i => -i - 1)];
        Assert.Equal(absent.Select(_ => -1L), await index.FindAsync(Ids(absent, text)));
        Assert.Empty(await index.FindAsync(Ids([], text)));
    }

    [Fact]
    public async Task Finding_one_id_among_many_reads_few_pages()
    {
        const int Count = 100_000;
        int reads = 0;
        var store = new FaultyStore(new MemoryObjectStore(), request =>
        {
            reads += request.Key.EndsWith("/ids", StringComparison.Ordinal) ? 1 : 0;
            return null;
        });
        await BuildAsync(store, [Count], start => Ids(start, text: true));
        double pages = 0;
        for (int i = 0; i < 200; i++)
        {
            using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
            reads = 0;
            long wanted = i % 2 == 0 ? i * 499 : -i;
            Assert.Equal(wanted < 0 ? -1 : wanted, Assert.Single(await index.FindAsync(Ids([wanted], text: true))));
            Assert.InRange(reads, 1, 4);
            pages += reads;
        }

        Assert.InRange(pages / 200, 1, 1.7); // of 196
    }

    [Fact]
    public async Task Results_have_the_ids_unless_other_columns_are_asked_for()
    {
        var store = new MemoryObjectStore();
        await BuildAsync(store, [40, 60], start => Ids(start, text: true));
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        VectorMatrix queries = GeneratedVectors.Normal(3, 4, 9);
        SearchResult[] all =
            [index.Search(queries[0], 7), await index.SearchAsync(queries[0], 7), .. await index.SearchBatchAsync(queries, 7)];
        foreach (SearchResult result in all)
        {
            Assert.Equal(["id"], result.Rows!.Schema.Fields.Select(field => field.Name));
            Assert.Equal(
                result.Select(hit => Text(hit.Ordinal)),
                Enumerable.Range(0, 7).Select(rank => result.Rows.Column<Utf8Array>("id").GetString(rank)));
        }

        Assert.Null(index.Search(queries[0], 7, new SearchOptions { Columns = [] }).Rows);
        Assert.Equal("other", index.Search(queries[0], 7, new SearchOptions { Columns = ["other"] }).Rows!.Schema.Fields.Single().Name);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_duplicate_is_named_with_both_places(bool text)
    {
        long[] ids = [.. Enumerable.Range(0, 2000).Select(i => (long)i)];
        ids[1777] = 1234;
        var store = new MemoryObjectStore();
        DuplicateIdException error = await Assert.ThrowsAsync<DuplicateIdException>(() => BuildAsync(store, [2000], _ => Ids(ids, text)));
        Assert.Equal((text ? "'id 1234'" : "1234", 1234L, 1777L), (error.Id, error.Ordinal, error.Row));
        Assert.Empty(await TestIndex.ObjectsAsync(store));

        await BuildAsync(store, [100, 50], start => Ids(start, text));
        SortedDictionary<string, byte[]> published = await TestIndex.ObjectsAsync(store);
        error = await Assert.ThrowsAsync<DuplicateIdException>(() => AppendAsync(store, Ids([900, 901, 120, 902], text)));
        Assert.Equal((text ? "'id 120'" : "120", 120L, 2L), (error.Id, error.Ordinal, error.Row));
        error = await Assert.ThrowsAsync<DuplicateIdException>(() => AppendAsync(store, Ids([900, 901, 901], text)));
        Assert.Equal((151L, 2L), (error.Ordinal, error.Row));
        Assert.Equal(published, await TestIndex.ObjectsAsync(store));
    }

    [Fact]
    public async Task Missing_ids_and_unfit_columns_are_refused()
    {
        VectorMatrix vectors = GeneratedVectors.Normal(3, 4, 1);
        RecordBatch[] unfit =
        [
            new(("ID", ArrowArray.From<long>([1, 2, 3]))),
            new(("id", ArrowArray.From<int>([1, 2, 3]))),
            new(("id", ArrowArray.From<double>([1, 2, 3]))),
        ];
        foreach (RecordBatch? metadata in (RecordBatch?[])[null, .. unfit])
        {
            await Assert.ThrowsAsync<ArgumentException>(
                () => VectorIndexBuilder.BuildAsync(new MemoryObjectStore(), "a", vectors, Options, metadata));
        }

        var missing = new RecordBatch(("id", ArrowArray.From(["a", null, "c"])));
        InvalidVectorException error = await Assert.ThrowsAsync<InvalidVectorException>(
            () => VectorIndexBuilder.BuildAsync(new MemoryObjectStore(), "a", vectors, Options, missing));
        Assert.Equal(1, error.Row);

        var metadataOfIndex = new RecordBatch(("id", ArrowArray.From(["a", "", "c"])));
        using VectorIndex index = await TestIndex.BuildAsync(vectors, Options, null, metadataOfIndex);
        Assert.Equal((long[])[1, -1], await index.FindAsync(ArrowArray.From(["", "b"])));
        await Assert.ThrowsAsync<ArgumentException>(async () => await index.FindAsync(ArrowArray.From<long>([1])));
        await Assert.ThrowsAsync<ArgumentException>(async () => await index.FindAsync(ArrowArray.From(["a", null])));
        using VectorIndex without = await TestIndex.BuildAsync(vectors, null, null, metadataOfIndex);
        Assert.Null(without.IdColumn);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await without.FindAsync(ArrowArray.From(["a"])));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Damage_of_the_table_is_found(bool swapped)
    {
        const int Count = 1500;
        var store = new MemoryObjectStore();
        await BuildAsync(store, [Count], start => Ids(start, text: false));
        SortedDictionary<string, byte[]> objects = await TestIndex.ObjectsAsync(store);
        string key = objects.Key("/ids");
        ArrowArray all = Ids([.. Enumerable.Range(0, Count).Select(i => (long)i)], text: false);
        for (int at = 64; at < objects[key].Length; at += 97)
        {
            byte[] damaged = [.. objects[key]];
            if (swapped)
                objects[key].AsSpan(64, 10_244).CopyTo(damaged.AsSpan(64 + 10_244)); // a sound page in another's place
            else
                damaged[at] ^= 0x10;
            await store.WriteAsync(key, damaged, WriteCondition.None);
            using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
            if (!swapped)
            {
                Assert.Equal(key, (await Assert.ThrowsAsync<CorruptDataException>(async () => await index.FindAsync(all))).ObjectKey);
                continue;
            }

            // Not damage that a checksum shows: what is found is right all the same.
            long[] found = await index.FindAsync(all);
            Assert.All(Enumerable.Range(0, Count), i => Assert.True(found[i] == i || found[i] == -1));
            break;
        }

        await store.WriteAsync(key, objects[key].AsMemory(0, 70), WriteCondition.None);
        using VectorIndex truncated = await VectorIndex.OpenAsync(store, TestIndex.Name);
        await Assert.ThrowsAsync<CorruptDataException>(async () => await truncated.FindAsync(all));
    }

    [Fact]
    public void A_table_of_any_keys_finds_them() => Prop.ForAll(Gen.Choose(0, 1 << 30).ToArbitrary(), seed =>
    {
        // Keys that are anything but uniform: the search must still end, and find.
        var random = new Random(seed);
        int count = random.Next(1, 3000), shift = random.Next(0, 120);
        UInt128[] keys = [.. Enumerable.Range(0, count).Select(_ => NextKey(random) >> shift).Distinct().Order()];
        byte[] bytes = new byte[IdPages.ObjectLength(keys.Length)];
        for (int page = 0; page < IdPages.PageCount(keys.Length); page++)
        {
            (long offset, int length) = IdPages.Page(keys.Length, page);
            IdEntry[] entries = [.. keys.Select((key, i) => new IdEntry(key, (uint)i)).Skip(page * 512).Take(512)];
            IdPages.Write(entries, bytes.AsSpan((int)offset, length));
        }

        var store = new MemoryObjectStore();
        store.WriteAsync("ids", bytes, WriteCondition.None).AsTask().GetAwaiter().GetResult();
        var budget = new MemoryBudget(long.MaxValue);
        var table = new IdTable("ids", keys.Length, source => new ResidentLayer(source, new StoreReader(store), budget));
        for (int i = 0; i < keys.Length; i += 1 + random.Next(20))
        {
            Assert.Equal(i, table.FindAsync(keys[i], new ReadScope(), default).AsTask().GetAwaiter().GetResult());
            UInt128 other = NextKey(random) >> random.Next(0, 128);
            Assert.Equal(Array.IndexOf(keys, other), table.FindAsync(other, new ReadScope(), default).AsTask().GetAwaiter().GetResult());
        }
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(50));

    private static UInt128 NextKey(Random random) => new((ulong)random.NextInt64() << 1, (ulong)random.NextInt64());

    private static string Text(long id) => $"id {id}";

    private static ArrowArray Ids(long[] ids, bool text) =>
        text ? ArrowArray.From(Array.ConvertAll(ids, Text)) : ArrowArray.From<long>(ids);

    /// <summary>Builds one segment after the other, whose ids are made from the ordinals.</summary>
    private static async Task<long> BuildAsync(IObjectStore store, int[] counts, Func<long[], ArrowArray> ids)
    {
        long start = 0;
        foreach (int count in counts)
        {
            ArrowArray own = ids([.. Enumerable.Range(0, count).Select(i => start + i)]);
            await (start == 0 ? AddAsync(VectorIndexBuilder.BuildAsync) : AddAsync(VectorIndexBuilder.AppendAsync));
            start += count;

            Task AddAsync(Adding add) => add(
                store, TestIndex.Name, GeneratedVectors.Normal(count, 4, (int)start),
                Options with { ClusterCount = count < 1000 ? null : 4 }, Table(own));
        }

        return start;
    }

    private static Task AppendAsync(IObjectStore store, ArrowArray ids) => VectorIndexBuilder.AppendAsync(
        store, TestIndex.Name, GeneratedVectors.Normal(ids.Length, 4, 5), Options, Table(ids));

    private static RecordBatch Table(ArrowArray ids) =>
        new(("other", ArrowArray.From<int>(new int[ids.Length])), ("id", ids));

    private delegate Task Adding(
        IObjectStore store, string name, VectorMatrix vectors, VectorIndexOptions? options, RecordBatch? metadata,
        IProgress<BuildProgress>? progress = null, CancellationToken cancellationToken = default);
}

using VectorEngine.Arrow;
using VectorEngine.Storage;
using VectorEngine.Tests.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Index;

/// <summary>Damaged objects are named in an exception; they never lead to a wrong answer.</summary>
public sealed class ObjectDamageTests
{
    private static readonly VectorMatrix Vectors = GeneratedVectors.Normal(500, 12, 1);

    private static readonly SearchOptions Deep = new() { ProbeCount = 100, Bound = ErrorBound.Hard, Columns = ["text", "number"] };

    public static TheoryData<string, bool> Objects
    {
        get
        {
            var objects = new TheoryData<string, bool>();
            foreach (string name in new[] { "sign", "ex", "vectors", "checksums", "metadata", "zones" })
            {
                objects.Add(name, false);
                objects.Add(name, true);
            }

            return objects;
        }
    }

    [Theory]
    [MemberData(nameof(Objects))]
    public async Task Changed_bytes_are_found_or_not_read(string name, bool mapped)
    {
        await using var index = await Stored.CreateAsync();
        byte[] intact = index.Objects[index.Objects.Key("/" + name)];
        int found = 0;
        for (int i = 0; i < 150; i++)
        {
            byte[] damaged = [.. intact];
            int at = (int)((long)i * intact.Length / 150);
            damaged[at] ^= (byte)(1 << (i % 8));
            found += await index.IsFoundAsync(name, damaged, mapped) ? 1 : 0;
        }

        // What is not found lies in headers, paddings and Arrow structure that a search does not read, or beyond the vectors it compares.
        Assert.True(found > (name == "vectors" ? 10 : name == "metadata" ? 30 : 100), $"Only {found} of 150 changes of {name} were found.");
    }

    [Theory]
    [MemberData(nameof(Objects))]
    public async Task Truncated_swapped_and_missing_objects_are_found(string name, bool mapped)
    {
        await using var index = await Stored.CreateAsync();
        string key = index.Objects.Key("/" + name);
        byte[] intact = index.Objects[key];
        Assert.True(await index.IsFoundAsync(name, intact[..(intact.Length / 3)], mapped));
        Assert.True(await index.IsFoundAsync(name, [], mapped));
        Assert.True(await index.IsFoundAsync(name, new byte[intact.Length], mapped));
        await index.Store.DeleteAsync(key);
        Assert.Equal(key, (await Assert.ThrowsAsync<ObjectNotFoundException>(() => index.SearchAsync(mapped))).ObjectKey);
    }

    [Fact]
    public async Task A_list_that_names_a_vector_beyond_the_last_is_corrupt()
    {
        var store = new MemoryObjectStore();
        using (await TestIndex.BuildAsync(Vectors, new VectorIndexOptions { ClusterCount = 1 }, store))
        {
        }

        // One list, so its checksum in the list table is the only one to forge: bytes 4 to 7 of the section of kind 6.
        SortedDictionary<string, byte[]> objects = await TestIndex.ObjectsAsync(store);
        byte[] sign = objects[objects.Key("/sign")], root = objects[objects.Key("/root")];
        BitConverter.TryWriteBytes(sign.AsSpan(64 + 64 + (4 * 16) + 320), 500u);
        int entry = Enumerable.Range(0, 16).Select(i => 64 + (32 * i)).First(at => BitConverter.ToInt32(root, at) == 6);
        BitConverter.TryWriteBytes(
            root.AsSpan((int)BitConverter.ToInt64(root, entry + 8) + 4), VectorEngine.Format.Crc32C.Compute(sign.AsSpan(64)));
        Format.Seal.Sections(root);
        await store.WriteAsync(objects.Key("/sign"), sign, WriteCondition.None);
        await Format.Seal.ReplaceRootAsync(store, root);
        using VectorIndex forged = await VectorIndex.OpenAsync(store, TestIndex.Name);
        Assert.Equal(objects.Key("/sign"), Assert.Throws<CorruptDataException>(() => forged.Search(Vectors[0], 3)).ObjectKey);
    }

    [Fact]
    public async Task After_the_damage_is_repaired_an_open_index_goes_on()
    {
        await using var index = await Stored.CreateAsync();
        string key = index.Objects.Key("/ex");
        byte[] damaged = [.. index.Objects[key]];
        damaged[200] ^= 4;
        await index.Store.WriteAsync(key, damaged, WriteCondition.None);
        using VectorIndex open = await VectorIndex.OpenAsync(index.Store, TestIndex.Name);
        Assert.Equal(key, Assert.Throws<CorruptDataException>(() => open.Search(Vectors[0], 500, Deep)).ObjectKey);
        await index.Store.WriteAsync(key, index.Objects[key], WriteCondition.None);
        Assert.Equal(500, open.Search(Vectors[0], 500, Deep).Count);
    }

    /// <summary>An index in files, what its objects hold, and what searching it should answer.</summary>
    private sealed class Stored : IAsyncDisposable
    {
        private readonly TemporaryFolder _folder = new();
        private (long, float)[] _expected = [];

        public required FileObjectStore Store { get; set; }

        public required SortedDictionary<string, byte[]> Objects { get; set; }

        public static async Task<Stored> CreateAsync()
        {
            var stored = new Stored { Store = null!, Objects = null! };
            stored.Store = new FileObjectStore(stored._folder.Path);
            var metadata = new RecordBatch(
                ("text", ArrowArray.From(Enumerable.Range(0, 500).Select(i => $"row {i}").ToArray())),
                ("number", ArrowArray.From<long>(Enumerable.Range(0, 500).Select(i => (long)i).ToArray())));
            var options = new VectorIndexOptions { ClusterCount = 7, StoredVectors = StoredVectors.Float32 };
            using VectorIndex index = await TestIndex.BuildAsync(Vectors, options, stored.Store, metadata);
            stored.Objects = await TestIndex.ObjectsAsync(stored.Store);
            stored._expected = index.Search(Vectors[0], 20, Deep).Hits();
            return stored;
        }

        public async Task<SearchResult> SearchAsync(bool mapped)
        {
            using VectorIndex index = await VectorIndex.OpenAsync(Store, TestIndex.Name, new OpenOptions { MemoryMap = mapped });
            SearchResult result = index.Search(Vectors[0], 20, Deep);
            Filter all = Filter.Column("text").StartsWith("row") & Filter.Column("number").LessThan(500);
            Assert.Equal(500, (await index.SelectAsync(all)).Count);
            return result;
        }

        /// <summary>Searches with one object replaced: either the exception names it, or the answer is right.</summary>
        public async Task<bool> IsFoundAsync(string name, byte[] damaged, bool mapped)
        {
            string key = Objects.Key("/" + name);
            await Store.WriteAsync(key, damaged, WriteCondition.None);
            try
            {
                SearchResult result = await SearchAsync(mapped);
                Assert.Equal(_expected, result.Hits());
                for (int rank = 0; rank < result.Count; rank++)
                {
                    Assert.Equal($"row {result[rank].Ordinal}", result.Rows!.Column<Utf8Array>("text").GetString(rank));
                    Assert.Equal(result[rank].Ordinal, result.Rows.Column<PrimitiveArray<long>>("number")[rank]);
                }

                return false;
            }
            catch (CorruptDataException corrupt)
            {
                Assert.Equal(key, corrupt.ObjectKey);
                return true;
            }
            finally
            {
                await Store.WriteAsync(key, Objects[key], WriteCondition.None);
            }
        }

        public ValueTask DisposeAsync()
        {
            Store.Dispose();
            _folder.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

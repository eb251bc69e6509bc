using FsCheck;
using FsCheck.Fluent;
using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Input;
using VectorEngine.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Format;

/// <summary>Damage is found, and forgery does no more harm than a wrong answer.</summary>
public sealed class RootDamageTests
{
    private const int Count = 70, Dimensions = 20;

    private static readonly VectorMatrix Vectors = GeneratedVectors.Normal(Count, Dimensions, 1);

    /// <summary>What the root is of: a flat index, one of clusters, the same with copies of its objects, one of the caller's vectors.</summary>
    public enum Kind
    {
        Flat,
        Clusters,
        Copies,
        InPlace,
    }

    public static TheoryData<Kind> Kinds => [.. Enum.GetValues<Kind>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_changed_byte_of_a_root_is_found_or_harmless(Kind kind)
    {
        byte[] root = (await StoreAsync(kind)).Objects.Single(o => o.Key.EndsWith("/root", StringComparison.Ordinal)).Value;
        bool[] meaning = Meaning(root);
        for (int i = 0; i < root.Length; i++)
        {
            foreach (byte flip in new byte[] { 0x01, 0x80, 0xFF })
            {
                byte[] damaged = [.. root];
                damaged[i] ^= flip;
                if (meaning[i])
                    Assert.Equal("r", Assert.Throws<CorruptDataException>(() => SegmentRoot.Read("r", damaged)).ObjectKey);
                else
                    SegmentRoot.Read("r", damaged);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_changed_byte_of_a_root_that_a_pointer_names_is_found(Kind kind)
    {
        (MemoryObjectStore store, SortedDictionary<string, byte[]> objects) = await StoreAsync(kind);
        string key = objects.Key("/root");
        for (int i = 0; i < objects[key].Length; i++)
        {
            byte[] damaged = [.. objects[key]];
            damaged[i] ^= (byte)(1 << (i % 8));
            await store.WriteAsync(key, damaged, WriteCondition.None);
            Assert.Equal(key, (await Assert.ThrowsAsync<CorruptDataException>(
                async () => await VectorIndex.OpenAsync(store, TestIndex.Name))).ObjectKey);
        }
    }

    [Fact]
    public async Task A_changed_byte_of_a_pointer_is_found_or_harmless()
    {
        MemoryObjectStore store = (await StoreAsync(Kind.Flat)).Store;
        await VectorIndexVersions.RollBackAsync(store, TestIndex.Name, 1);
        byte[] pointer = (await store.TryReadAsync(IndexKeys.Pointer(TestIndex.Name)))!.Content.ToArray();
        Manifest manifest = Manifest.ReadPointer("p", pointer);
        bool[] meaning = Meaning(pointer);
        for (int i = 0; i < pointer.Length; i++)
        {
            byte[] damaged = [.. pointer];
            damaged[i] ^= (byte)(1 << (i % 8));
            if (meaning[i])
                Assert.Throws<CorruptDataException>(() => Manifest.ReadPointer("p", damaged));
            else
                Assert.Equivalent(manifest, Manifest.ReadPointer("p", damaged), strict: true);
        }
    }

    [Fact]
    public async Task A_damaged_object_of_a_version_is_found_or_harmless()
    {
        MemoryObjectStore store = (await StoreAsync(Kind.Flat)).Store;
        await VectorIndexVersions.RollBackAsync(store, TestIndex.Name, 1);
        await VectorIndexVersions.RollBackAsync(store, TestIndex.Name, 1);
        SortedDictionary<string, byte[]> versions = await TestIndex.ObjectsAsync(store, IndexKeys.Versions(TestIndex.Name));
        (string key, byte[] second) = versions.ElementAt(1);
        bool[] meaning = Meaning(second);
        for (int i = 0; i < second.Length; i++)
        {
            byte[] damaged = [.. second];
            damaged[i] ^= (byte)(1 << (i % 8));
            await store.WriteAsync(key, damaged, WriteCondition.None);
            await CheckAsync(meaning[i]);
            await store.WriteAsync(key, second.AsMemory(0, i), WriteCondition.None);
            await CheckAsync(damaging: true);
        }

        await store.WriteAsync(key, versions.First().Value, WriteCondition.None); // sound, but another version's
        await CheckAsync(damaging: true);
        await store.DeleteAsync(key);
        await Assert.ThrowsAsync<VersionNotFoundException>(OpenAsync);

        async Task CheckAsync(bool damaging)
        {
            if (damaging)
                Assert.Equal(key, (await Assert.ThrowsAsync<CorruptDataException>(OpenAsync)).ObjectKey);
            else
                await OpenAsync();
        }

        async Task OpenAsync() => (await VectorIndex.OpenAsync(store, TestIndex.Name, new OpenOptions { Version = 2 })).Dispose();
    }

    [Fact]
    public async Task A_damaged_token_is_refused()
    {
        MemoryObjectStore store = (await StoreAsync(Kind.Flat)).Store;
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        string token = index.Token;
        for (int i = 0; i < token.Length; i++)
        {
            foreach (char other in "A_9")
            {
                // Of the last character, not all bits have a meaning.
                string damaged = $"{token[..i]}{other}{token[(i + 1)..]}";
                if (damaged != token && (i < token.Length - 1 || Record.Exception(() => Manifest.ReadToken(damaged)) is not null))
                    await RefusedAsync(damaged);
            }

            await RefusedAsync(token[..i]);
        }

        await RefusedAsync(token + "A");
        await RefusedAsync("ä");

        async Task RefusedAsync(string damaged) => await Assert.ThrowsAsync<ArgumentException>(
            async () => await VectorIndex.OpenAsync(store, TestIndex.Name, new OpenOptions { Token = damaged }));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Truncated_or_longer_objects_are_corrupt(Kind kind)
    {
        SortedDictionary<string, byte[]> objects = (await StoreAsync(kind)).Objects;
        byte[] root = objects[objects.Key("/root")], pointer = objects[IndexKeys.Pointer(TestIndex.Name)];
        for (int length = 0; length < root.Length; length++)
            Assert.Throws<CorruptDataException>(() => SegmentRoot.Read("r", root.AsMemory(0, length)));
        for (int length = 0; length < pointer.Length; length++)
            Assert.Throws<CorruptDataException>(() => Manifest.ReadPointer("p", pointer.AsMemory(0, length)));
        Assert.Throws<CorruptDataException>(() => SegmentRoot.Read("r", (byte[])[.. root, 0]));
        Assert.Throws<CorruptDataException>(() => Manifest.ReadPointer("p", (byte[])[.. pointer, 0]));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_forged_root_is_corrupt_or_answers(Kind kind)
    {
        (MemoryObjectStore store, SortedDictionary<string, byte[]> objects) = await StoreAsync(kind);
        byte[] root = objects[objects.Key("/root")];
        int corrupt = 0, answered = 0;
        Prop.ForAll(Gen.Choose(0, 1 << 30).ToArbitrary(), seed =>
        {
            byte[] forged = Forge(root, new Random(seed));
            Seal.ReplaceRootAsync(store, forged).GetAwaiter().GetResult();
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                AnswerAsync(store).GetAwaiter().GetResult();
                answered++;
            }
            catch (CorruptDataException)
            {
                corrupt++;
            }
            catch (ObjectNotFoundException) when (kind == Kind.InPlace)
            {
                corrupt++; // of the caller's vectors: the key is another
            }
            catch (NotSupportedException)
            {
                corrupt++; // a metadata footer of another kind of Arrow file, which its reader says so
            }

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 << 20);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(TestScale.IsSlow ? 500 : 5000));
        Assert.True(corrupt > 0 && answered > 0, $"{corrupt} corrupt, {answered} answered: the test has lost its edge.");
    }

    /// <summary>Searches in every way that reads all objects.</summary>
    private static async Task AnswerAsync(MemoryObjectStore store)
    {
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name, new OpenOptions { MemoryBudget = 1 << 20 });
        if (index.Dimensions != Dimensions)
            return;
        index.Search(Vectors[3], 5, new SearchOptions { Columns = [.. index.Metadata?.Fields.Select(field => field.Name) ?? []] });
        index.Search(Vectors[5], 5, new SearchOptions { Stage = SearchStage.Refined, ProbeCount = 100 });
        if (index.StoredVectors != StoredVectors.None)
            index.Search(Vectors[5], 5, new SearchOptions { Stage = SearchStage.BruteForce });
        if (index.IdColumn is { } ids && index.Metadata![ids].Type == ArrowType.Int64)
            await index.FindAsync(ArrowArray.From<long>([3, -1]));
        index.Search(Vectors[5], 5, new SearchOptions { Stage = SearchStage.Refined, ProbeCount = 100, Bound = ErrorBound.Hard });
        await index.SearchRangeAsync(Vectors[5], 3, new SearchOptions { Stage = SearchStage.Refined, RecallTarget = 0.9 });
        RowSet half = RowSet.FromBooleans([.. Enumerable.Range(0, (int)index.Count).Select(i => i % 2 == 0)]);
        index.Search(Vectors[5], 5, new SearchOptions { Stage = SearchStage.Refined, Filter = half });
        if (index.Metadata?.Fields.Any(field => field is { Name: "number", Type.Kind: ArrowTypeKind.Int64 }) == true)
            await index.SelectAsync(Filter.Column("number").LessThan(50));
    }

    /// <summary>Changes a few bytes or numbers, anywhere but in the checksums, which are then made right.</summary>
    private static byte[] Forge(byte[] root, Random random)
    {
        byte[] forged = [.. root];
        for (int change = random.Next(1, 4); change > 0; change--)
        {
            // Half of the changes go to the small sections at the front, where most of the meaning is.
            int at = random.Next(random.Next(2) == 0 ? forged.Length : Math.Min(forged.Length, 1024));
            switch (random.Next(4))
            {
                case 0:
                    forged[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    forged[at] = (byte)random.Next(256);
                    break;
                case 2:
                    at &= ~3;
                    BitConverter.TryWriteBytes(forged.AsSpan(at), Interesting(random));
                    break;
                default:
                    at &= ~7;
                    BitConverter.TryWriteBytes(
                        forged.AsSpan(at), random.Next(2) == 0 ? Interesting(random) : (long)Interesting(random) << 32);
                    break;
            }
        }

        Seal.Sections(forged);
        return forged;
    }

    private static int Interesting(Random random) => random.Next(8) switch
    {
        0 => 0,
        1 => -1,
        2 => int.MaxValue,
        3 => int.MinValue,
        4 => Count + 1,
        5 => 0x7FC00000, // NaN
        6 => 0x7F7FFFFF, // the largest float
        _ => random.Next(),
    };

    /// <summary>Which bytes of a container mean anything: header, table and sections, not the zeros between and behind them.</summary>
    private static bool[] Meaning(byte[] container)
    {
        bool[] meaning = new bool[container.Length];
        int sections = BitConverter.ToInt32(container, 24);
        meaning.AsSpan(0, 64 + (32 * sections)).Fill(true);
        for (int i = 0; i < sections; i++)
            meaning.AsSpan(
                (int)BitConverter.ToInt64(container, 72 + (32 * i)), (int)BitConverter.ToInt64(container, 80 + (32 * i))).Fill(true);
        return meaning;
    }

    private static async Task<(MemoryObjectStore Store, SortedDictionary<string, byte[]> Objects)> StoreAsync(Kind kind)
    {
        var store = new MemoryObjectStore();
        var options = new VectorIndexOptions
        {
            ClusterCount = kind == Kind.Flat ? null : 5,
            StoredVectors = kind == Kind.InPlace ? StoredVectors.InPlace : StoredVectors.Float32,
            Metric = Metric.InnerProduct,
            IdColumn = "number",
            CopyLimit = kind == Kind.Copies ? 1 << 20 : 0,
        };
        var metadata = new RecordBatch(
            ("text", ArrowArray.From(Enumerable.Range(0, Count).Select(i => i % 7 == 0 ? null : $"row {i}").ToArray())),
            ("number", ArrowArray.From<long>(Enumerable.Range(0, Count).Select(i => (long)i).ToArray())));
        if (kind != Kind.InPlace)
        {
            await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors, options, metadata);
            return (store, await TestIndex.ObjectsAsync(store));
        }

        var vector = new ArrowField("vector", ArrowType.FixedSizeList(ArrowType.Float32, Dimensions));
        var schema = new ArrowSchema([vector, .. metadata.Schema.Fields]);
        var stream = new MemoryStream();
        await ArrowFile.WriteAsync(
            stream, schema, [new RecordBatch(schema, [ArrowArray.Vectors(Vectors), .. metadata.Columns])], rowsPerBatch: 30);
        await store.WriteAsync("caller/file", stream.ToArray(), WriteCondition.None);
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, VectorSource.FromObject(store, "caller/file"), options);
        return (store, await TestIndex.ObjectsAsync(store));
    }
}

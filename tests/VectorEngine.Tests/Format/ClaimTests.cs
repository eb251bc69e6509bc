using System.Buffers.Binary;
using VectorEngine.Format;
using VectorEngine.Storage;
using VectorEngine.Tests.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Format;

/// <summary>What a sealed pointer or root claims costs no more than a look: no memory, and no exception but the right one.</summary>
[Collection(nameof(AloneCollection))]
public sealed class ClaimTests
{
    private const long AllocationLimit = 64 << 20;

    private delegate void Change(Span<byte> section);

    private static readonly VectorMatrix Vectors = GeneratedVectors.Normal(70, 16, 1);

    [Fact]
    public async Task A_root_that_is_said_to_be_long_is_not_allocated_before_it_is_there()
    {
        (MemoryObjectStore store, SortedDictionary<string, byte[]> objects) = await StoreAsync(new VectorIndexOptions());
        string key = IndexKeys.Pointer(TestIndex.Name);
        byte[] pointer = objects[key];
        BinaryPrimitives.WriteInt64LittleEndian(pointer.AsSpan(128 + 56), 2_000_000_000);
        Seal.Sections(pointer);
        await store.WriteAsync(key, pointer, WriteCondition.None);
        Assert.Equal(objects.Key("/root"), (await CorruptAsync(() => SearchAsync(store))).ObjectKey);
    }

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(int.MaxValue - 1023)]
    [InlineData(1_000_000_000)]
    public async Task Vectors_that_are_said_to_be_many_are_not_counted_on(int count)
    {
        (MemoryObjectStore store, SortedDictionary<string, byte[]> objects) = await StoreAsync(
            new VectorIndexOptions { StoredVectors = StoredVectors.Float32 });
        await ReplaceAsync(store, objects, SectionKind.Description, description =>
        {
            BinaryPrimitives.WriteInt64LittleEndian(description[16..], count);
            BinaryPrimitives.WriteInt64LittleEndian(description[48..], long.MaxValue);
            BinaryPrimitives.WriteInt64LittleEndian(description[56..], RowChecksums.ObjectLength(count));
        }, SectionKind.VectorBatches, batches =>
        {
            BinaryPrimitives.WriteInt64LittleEndian(batches[8..], count);
        });
        await CorruptAsync(() => SearchAsync(store));
    }

    [Fact]
    public async Task A_list_that_is_said_to_be_long_is_not_allocated_before_it_is_there()
    {
        (MemoryObjectStore store, SortedDictionary<string, byte[]> objects) = await StoreAsync(new VectorIndexOptions { ClusterCount = 1 });
        const int Postings = 100_000_000;
        var layout = new VectorEngine.Quantization.CodeLayout(16);
        await ReplaceAsync(store, objects, SectionKind.Description, description =>
        {
            BinaryPrimitives.WriteInt64LittleEndian(description[16..], Postings);
            BinaryPrimitives.WriteInt64LittleEndian(description[32..], 64 + layout.SignListLength(Postings));
            BinaryPrimitives.WriteInt64LittleEndian(description[40..], 64 + layout.ExListLength(Postings) + ListTable.ExPadding);
        }, SectionKind.ListTable, table => BinaryPrimitives.WriteInt32LittleEndian(table, Postings));
        Assert.Equal(objects.Key("/sign"), (await CorruptAsync(() => SearchAsync(store))).ObjectKey);
    }

    [Fact]
    public async Task Another_version_is_not_supported_and_a_changed_one_corrupt()
    {
        (MemoryObjectStore store, SortedDictionary<string, byte[]> objects) = await StoreAsync(new VectorIndexOptions());
        string key = IndexKeys.Pointer(TestIndex.Name);
        objects[key][8] = 2;
        await store.WriteAsync(key, objects[key], WriteCondition.None);
        await CorruptAsync(() => SearchAsync(store));
        Seal.Sections(objects[key]);
        await store.WriteAsync(key, objects[key], WriteCondition.None);
        NotSupportedException error = await Assert.ThrowsAsync<NotSupportedException>(() => SearchAsync(store));
        Assert.Contains("version 2", error.Message, StringComparison.Ordinal);
        // Nor is it replaced by a build of this version.
        await Assert.ThrowsAsync<NotSupportedException>(() => VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors));
    }

    [Theory]
    [InlineData(StoredVectors.Float32)]
    [InlineData(StoredVectors.Float16)]
    public async Task A_stored_vector_without_direction_is_no_fault_of_the_query(StoredVectors stored)
    {
        (MemoryObjectStore store, SortedDictionary<string, byte[]> objects) = await StoreAsync(
            new VectorIndexOptions { Metric = Metric.Cosine, StoredVectors = stored });
        byte[] vectors = objects[objects.Key("/vectors")], checksums = objects[objects.Key("/checksums")];
        int first = (int)BinaryPrimitives.ReadInt64LittleEndian(Section(objects[objects.Key("/root")], SectionKind.VectorBatches));
        int rowBytes = 16 * (stored == StoredVectors.Float32 ? 4 : 2);
        vectors.AsSpan(first + (3 * rowBytes), rowBytes).Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(checksums.AsSpan(64 + (4 * 3)), Crc32C.Compute(new byte[rowBytes]));
        BinaryPrimitives.WriteUInt32LittleEndian(checksums.AsSpan(64 + (4 * 70)), Crc32C.Compute(checksums.AsSpan(64, 4 * 70)));
        await store.WriteAsync(objects.Key("/vectors"), vectors, WriteCondition.None);
        await store.WriteAsync(objects.Key("/checksums"), checksums, WriteCondition.None);
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        Assert.DoesNotContain(index.Search(Vectors[0], 70), hit => !float.IsFinite(hit.Distance));
    }

    [Fact]
    public async Task A_mapped_file_that_ends_early_is_found_before_kernels_read_beyond_it()
    {
        using var folder = new TemporaryFolder();
        using var store = new FileObjectStore(folder.Path);
        using (await TestIndex.BuildAsync(Vectors, new VectorIndexOptions { ClusterCount = 2 }, store))
        {
        }

        SortedDictionary<string, byte[]> objects = await TestIndex.ObjectsAsync(store);
        string key = objects.Key("/ex");
        // No list is touched: only what kernels read behind the last one.
        await store.WriteAsync(key, objects[key].AsMemory(0, objects[key].Length - ListTable.ExPadding), WriteCondition.None);
        CorruptDataException error = await Assert.ThrowsAsync<CorruptDataException>(
            async () => await VectorIndex.OpenAsync(store, TestIndex.Name, new OpenOptions { MemoryMap = true }));
        Assert.Equal(key, error.ObjectKey);
    }

    private static async Task<(MemoryObjectStore Store, SortedDictionary<string, byte[]> Objects)> StoreAsync(VectorIndexOptions options)
    {
        var store = new MemoryObjectStore();
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors, options with { CopyLimit = 0 });
        return (store, await TestIndex.ObjectsAsync(store));
    }

    private static async Task<SearchResult> SearchAsync(MemoryObjectStore store)
    {
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        return index.Search(Vectors[0], 3);
    }

    private static async Task<CorruptDataException> CorruptAsync(Func<Task> action)
    {
        long before = GC.GetTotalAllocatedBytes(precise: true);
        CorruptDataException error = await Assert.ThrowsAsync<CorruptDataException>(action);
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, AllocationLimit);
        return error;
    }

    private static Task ReplaceAsync(
        MemoryObjectStore store, SortedDictionary<string, byte[]> objects, SectionKind first, Change changeFirst, SectionKind second,
        Change changeSecond)
    {
        byte[] root = objects[objects.Key("/root")];
        changeFirst(Section(root, first));
        changeSecond(Section(root, second));
        Seal.Sections(root);
        return Seal.ReplaceRootAsync(store, root);
    }

    private static Span<byte> Section(byte[] root, SectionKind kind)
    {
        int entry = Enumerable.Range(0, 16).Select(i => 64 + (32 * i)).First(at => BitConverter.ToUInt32(root, at) == (uint)kind);
        return root.AsSpan((int)BitConverter.ToInt64(root, entry + 8), (int)BitConverter.ToInt64(root, entry + 16));
    }
}

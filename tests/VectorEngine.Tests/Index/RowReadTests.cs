using VectorEngine.Arrow;
using VectorEngine.Storage;
using VectorEngine.Testing;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Index;

/// <summary>Single vectors and rows are read as they were given, in any order and from any segment.</summary>
public sealed class RowReadTests
{
    private const int Count = 3000, Dimensions = 20, Cut = 1300;

    private static readonly VectorMatrix Vectors = GeneratedVectors.Normal(Count, Dimensions, 1);

    private static readonly RecordBatch Metadata = new(
        ("id", ArrowArray.From(Enumerable.Range(0, Count).Select(i => $"doc {i}").ToArray())),
        ("number", ArrowArray.From<int>(Enumerable.Range(0, Count).Select(i => i % 11 == 5 ? (int?)null : 2 * i).ToArray())));

    [Theory]
    [InlineData(StoredVectors.Float32, Metric.SquaredL2)]
    [InlineData(StoredVectors.Float16, Metric.Cosine)]
    public async Task Vectors_and_rows_come_in_the_order_asked_for(StoredVectors stored, Metric metric)
    {
        var store = new MemoryObjectStore();
        using VectorIndex index = await BuildAsync(store, new VectorIndexOptions { StoredVectors = stored, Metric = metric });
        using VectorIndex slow = await VectorIndex.OpenAsync(
            new YieldingStore(store), TestIndex.Name, new OpenOptions { MemoryBudget = 100_000 });
        var random = new Random(1);
        foreach (int size in new[] { 1, 2, 500, 0 })
        {
            // Some twice in a row, some twice apart.
            long[] ordinals = [.. Enumerable.Range(0, size)
                .SelectMany(_ => Enumerable.Repeat((long)random.Next(Count), 1 + random.Next(2)))];
            ordinals = [.. ordinals, .. ordinals.Take(3)];
            foreach (VectorIndex opened in new[] { index, slow })
            {
                VectorMatrix vectors = await opened.GetVectorsAsync(ordinals);
                RecordBatch rows = await opened.GetRowsAsync(ordinals), numbers = await opened.GetRowsAsync(ordinals, ["number"]);
                Assert.Equal((ordinals.Length, Dimensions), (vectors.Count, vectors.Dimensions));
                Assert.Equal((ordinals.Length, ordinals.Length, 1), (rows.RowCount, numbers.RowCount, numbers.Columns.Count));
                for (int i = 0; i < ordinals.Length; i++)
                {
                    int row = (int)ordinals[i];
                    float[] expected = stored == StoredVectors.Float32
                        ? Vectors[row].ToArray()
                        : Array.ConvertAll(Vectors[row].ToArray(), value => (float)(Half)value);
                    Assert.Equal(expected, vectors[i].ToArray());
                    Assert.Equal($"doc {row}", rows.Column<Utf8Array>("id").GetString(i));
                    Assert.Equal(row % 11 == 5 ? null : 2 * row, rows.Column<PrimitiveArray<int>>("number")[i]);
                    Assert.Equal(row % 11 == 5 ? null : 2 * row, numbers.Column<PrimitiveArray<int>>("number")[i]);
                }

                Assert.Equal(ordinals, await opened.FindAsync(rows.Column("id")));
            }
        }
    }

    [Fact]
    public async Task Checksums_of_many_rows_come_together()
    {
        var store = new MemoryObjectStore();
        using (await BuildAsync(store, new VectorIndexOptions { StoredVectors = StoredVectors.Float32 }))
        {
        }

        int vectors = 0, checksums = 0;
        using VectorIndex index = await VectorIndex.OpenAsync(
            new YieldingStore(new FaultyStore(store, request =>
            {
                // Requests come from several threads.
                Interlocked.Add(ref vectors, request.Key.EndsWith("/vectors", StringComparison.Ordinal) ? 1 : 0);
                Interlocked.Add(ref checksums, request.Key.EndsWith("/checksums", StringComparison.Ordinal) ? 1 : 0);
                return null;
            })),
            TestIndex.Name);
        long[] ordinals = [.. Enumerable.Range(0, Count / 100).Select(i => i * 100L)];
        VectorMatrix read = await index.GetVectorsAsync(ordinals);
        for (int i = 0; i < ordinals.Length; i++)
            Assert.Equal(Vectors[(int)ordinals[i]].ToArray(), read[i].ToArray());
        // Each segment has two pages of them.
        Assert.Equal((ordinals.Length, 2), (vectors, checksums));
    }

    [Fact]
    public async Task What_is_not_there_is_refused()
    {
        using VectorIndex index = await BuildAsync(
            new MemoryObjectStore(), new VectorIndexOptions { StoredVectors = StoredVectors.Float32 });
        foreach (long wrong in new[] { -1, Count, long.MaxValue, long.MinValue })
        {
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await index.GetVectorsAsync(new[] { 0, wrong }));
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await index.GetRowsAsync(new[] { 0, wrong }));
        }

        await Assert.ThrowsAsync<ArgumentException>(async () => await index.GetRowsAsync(new[] { 0L }, ["numbers"]));
        using VectorIndex bare = await TestIndex.BuildAsync(Vectors, new VectorIndexOptions { ClusterCount = 5 });
        await Assert.ThrowsAsync<VectorsNotStoredException>(async () => await bare.GetVectorsAsync(new[] { 0L }));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await bare.GetRowsAsync(new[] { 0L }));
        index.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await index.GetVectorsAsync(new[] { 0L }));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await index.GetRowsAsync(new[] { 0L }));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await index.FindAsync(ArrowArray.From(["doc 1"])));
    }

    [Fact]
    public async Task A_damaged_row_is_found()
    {
        var store = new MemoryObjectStore();
        using (await BuildAsync(store, new VectorIndexOptions { StoredVectors = StoredVectors.Float32 }))
        {
        }

        SortedDictionary<string, byte[]> objects = await TestIndex.ObjectsAsync(store);
        foreach (string key in objects.Keys.Where(key => key.EndsWith("/vectors", StringComparison.Ordinal)))
        {
            byte[] damaged = [.. objects[key]];
            damaged[damaged.Length / 2] ^= 1;
            await store.WriteAsync(key, damaged, WriteCondition.None);
            using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
            long[] all = [.. Enumerable.Range(0, Count).Select(i => (long)i)];
            Assert.Equal(key, (await Assert.ThrowsAsync<CorruptDataException>(async () => await index.GetVectorsAsync(all))).ObjectKey);
            await store.WriteAsync(key, objects[key], WriteCondition.None);
        }
    }

    private static async Task<VectorIndex> BuildAsync(IObjectStore store, VectorIndexOptions options)
    {
        options = options with { IdColumn = "id", ClusterCount = 6, CopyLimit = 0 };
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors.Slice(0, Cut), options, Metadata.Slice(0, Cut));
        await VectorIndexBuilder.AppendAsync(
            store, TestIndex.Name, Vectors.Slice(Cut, Count - Cut), options, Metadata.Slice(Cut, Count - Cut));
        return await VectorIndex.OpenAsync(store, TestIndex.Name);
    }
}

using VectorEngine.Arrow;
using VectorEngine.Storage;

namespace VectorEngine.S3.Tests;

/// <summary>An index in S3 is the one that it would be in memory.</summary>
public sealed class IndexTests
{
    private const int Dimensions = 40, Count = 6000, Added = 500;

    [Fact]
    public async Task It_has_the_same_objects_and_gives_the_same_answers()
    {
        var random = new Random(1);
        float[] values = [.. Enumerable.Range(0, (Count + Added) * Dimensions).Select(_ => random.NextSingle())];
        var vectors = new VectorMatrix(values, Dimensions);
        var options = new VectorIndexOptions { StoredVectors = StoredVectors.Float32 };
        var search = new SearchOptions { Columns = ["number"] };
        var memory = new MemoryObjectStore();
        S3ObjectStore s3 = TestServer.Store(TestServer.NewFolder());
        foreach (IObjectStore store in (IObjectStore[])[memory, s3])
        {
            await VectorIndexBuilder.BuildAsync(store, "test", vectors.Slice(0, Count), options, Numbers(0, Count));
            await VectorIndexBuilder.AppendAsync(store, "test", vectors.Slice(Count, Added), options, Numbers(Count, Added));
        }

        Assert.Equal(await ObjectsAsync(memory), await ObjectsAsync(s3));
        using VectorIndex expected = await VectorIndex.OpenAsync(memory, "test"), actual = await VectorIndex.OpenAsync(s3, "test");
        Assert.Equal((2L, 2, (long)(Count + Added)), (actual.Version, actual.SegmentCount, actual.Count));
        for (int row = 0; row < Count + Added; row += 500)
        {
            SearchResult there = await actual.SearchAsync(vectors[row], 10, search), here = expected.Search(vectors[row], 10, search);
            Assert.Equal(here.Select(hit => (hit.Ordinal, hit.Distance)), there.Select(hit => (hit.Ordinal, hit.Distance)));
            Assert.Equal(row, there[0].Ordinal);
            Assert.Equal(row, there.Rows!.Column<PrimitiveArray<long>>("number")[0]);
        }

        await VectorIndexVersions.CollectAsync(s3, "test", new GarbageOptions { GracePeriod = TimeSpan.Zero });
        Assert.Equal(await ObjectsAsync(memory), await ObjectsAsync(s3));
        await VectorIndexBuilder.DeleteAsync(s3, "test");
        Assert.Empty(await ObjectsAsync(s3));
    }

    [Fact]
    public async Task Of_builds_at_the_same_time_each_is_published_or_refused()
    {
        S3ObjectStore store = TestServer.Store(TestServer.NewFolder());
        var vectors = new VectorMatrix(new float[] { 1, 2, 3, 4 }, 2);
        int conflicts = 0;
        await Parallel.ForAsync(0, 8, async (_, _) =>
        {
            try
            {
                await VectorIndexBuilder.BuildAsync(store, "test", vectors);
            }
            catch (WriteConflictException)
            {
                Interlocked.Increment(ref conflicts);
            }
        });
        using VectorIndex index = await VectorIndex.OpenAsync(store, "test");
        Assert.Equal(8 - conflicts, index.Version);
    }

    private static RecordBatch Numbers(int first, int count) =>
        new(("number", ArrowArray.From<long>([.. Enumerable.Range(first, count).Select(i => (long)i)])));

    /// <summary>The objects' last names and lengths: segments have random ones, and the pointer random content.</summary>
    private static async Task<List<(string Name, long Length)>> ObjectsAsync(IObjectStore store) =>
        [.. (await store.ListAsync("").ToListAsync()).Select(found => (NameOf(found.Key), found.Length)).Order()];

    /// <summary>The last part of a key; that of a version is random.</summary>
    private static string NameOf(string key) => key.Contains("/versions/", StringComparison.Ordinal) ? "version" : key.Split('/')[^1];
}

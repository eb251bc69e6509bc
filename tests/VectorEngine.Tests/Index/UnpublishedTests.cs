using System.Runtime.CompilerServices;
using VectorEngine.Format;
using VectorEngine.Storage;
using VectorEngine.Tests.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Index;

/// <summary>What no pointer names is deleted once it is old enough, and nothing else.</summary>
public sealed class UnpublishedTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private static readonly VectorMatrix Vectors = GeneratedVectors.Normal(120, 6, 1);

    private static readonly VectorIndexOptions Options = new() { ClusterCount = 3 };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Segments_of_no_version_or_an_older_one_are_deleted(bool onDisk)
    {
        using var folder = new TemporaryFolder();
        using var files = new FileObjectStore(folder.Path);
        IObjectStore store = onDisk ? files : new MemoryObjectStore();
        await LeaveAsync(store, Guid.NewGuid(), "sign");
        using VectorIndex older = await TestIndex.BuildAsync(Vectors, Options, store);
        using VectorIndex newer = await TestIndex.BuildAsync(Vectors, Options, store);
        await VectorIndexBuilder.AppendAsync(store, TestIndex.Name, Vectors.Slice(0, 40), Options);
        await LeaveAsync(store, Guid.NewGuid(), "root");
        await store.WriteAsync("test2/segments/other", new byte[1], WriteCondition.None);
        int before = (await TestIndex.ObjectsAsync(store)).Count;

        await VectorIndexBuilder.DeleteUnpublishedAsync(store, TestIndex.Name, Hour);
        Assert.Equal(before, (await TestIndex.ObjectsAsync(store)).Count);
        await VectorIndexBuilder.DeleteUnpublishedAsync(store, TestIndex.Name, TimeSpan.Zero);

        // The pointer, three objects of each of two segments, and the other index.
        Assert.Equal(1 + (2 * 3) + 1, (await TestIndex.ObjectsAsync(store)).Count);
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        Assert.Equal((160, 2), (index.Count, index.SegmentCount));
        Assert.Equal(160, index.Search(Vectors[0], 200, new SearchOptions { ProbeCount = 3 }).Count);
    }

    [Fact]
    public async Task A_segment_is_as_old_as_its_newest_object_by_the_clock_of_the_store()
    {
        Guid old = Guid.NewGuid(), growing = Guid.NewGuid();
        var store = new AgedStore(new MemoryObjectStore(), key =>
            key.Contains($"{old:N}", StringComparison.Ordinal) || key.EndsWith("/vectors", StringComparison.Ordinal) ? 2 * Hour : default);
        await LeaveAsync(store, old, "vectors", "sign");
        await LeaveAsync(store, growing, "vectors", "sign");
        await VectorIndexBuilder.DeleteUnpublishedAsync(store, TestIndex.Name, 3 * Hour);
        Assert.Equal(4, (await TestIndex.ObjectsAsync(store)).Count);
        await VectorIndexBuilder.DeleteUnpublishedAsync(store, TestIndex.Name, Hour);
        Assert.All((await TestIndex.ObjectsAsync(store)).Keys, key => Assert.Contains($"{growing:N}", key));
        Assert.Equal(2, (await TestIndex.ObjectsAsync(store)).Count);
    }

    [Fact]
    public async Task What_is_published_meanwhile_stays()
    {
        var inner = new MemoryObjectStore();
        // Published between the listing and the reading of the pointer; then the segment is as old as may be.
        var store = new AgedStore(inner, key => key.EndsWith("/clock", StringComparison.Ordinal) ? default : 2 * Hour);
        var held = new InterruptedStore(
            inner, IndexKeys.Pointer(TestIndex.Name), () => VectorIndexBuilder.DeleteUnpublishedAsync(store, TestIndex.Name, 3 * Hour));
        await VectorIndexBuilder.BuildAsync(held, TestIndex.Name, Vectors, Options);
        using VectorIndex index = await VectorIndex.OpenAsync(inner, TestIndex.Name);
        await VectorIndexBuilder.DeleteUnpublishedAsync(store, TestIndex.Name, Hour);
        Assert.Equal(120, index.Search(Vectors[0], 200, new SearchOptions { ProbeCount = 3 }).Count);
    }

    [Fact]
    public async Task A_damaged_pointer_protects_everything()
    {
        var store = new MemoryObjectStore();
        using VectorIndex index = await TestIndex.BuildAsync(Vectors, Options, store);
        await store.WriteAsync(IndexKeys.Pointer(TestIndex.Name), new byte[100], WriteCondition.None);
        SortedDictionary<string, byte[]> before = await TestIndex.ObjectsAsync(store);
        await Assert.ThrowsAsync<CorruptDataException>(
            () => VectorIndexBuilder.DeleteUnpublishedAsync(store, TestIndex.Name, TimeSpan.Zero));
        Assert.Equal(before, await TestIndex.ObjectsAsync(store));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => VectorIndexBuilder.DeleteUnpublishedAsync(store, TestIndex.Name, -Hour));
    }

    private static async Task LeaveAsync(IObjectStore store, Guid segment, params string[] objects)
    {
        foreach (string name in objects)
            await store.WriteAsync($"{IndexKeys.Segment(TestIndex.Name, segment).Prefix}/{name}", new byte[10], WriteCondition.None);
    }

    /// <summary>Lists objects as older than they are, in a store whose clock is wrong altogether.</summary>
    private sealed class AgedStore(IObjectStore inner, Func<string, TimeSpan> age) : PassingStore(inner)
    {
        public override async IAsyncEnumerable<ObjectInfo> ListAsync(
            string prefix, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await foreach (ObjectInfo found in Inner.ListAsync(prefix, cancellationToken))
                yield return found with { LastModified = found.LastModified - TimeSpan.FromDays(1000) - age(found.Key) };
        }
    }
}

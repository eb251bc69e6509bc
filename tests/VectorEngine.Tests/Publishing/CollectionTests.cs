using System.Runtime.CompilerServices;
using VectorEngine.Format;
using VectorEngine.Storage;
using VectorEngine.Tests.Index;
using VectorEngine.Tests.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Publishing;

/// <summary>What no version needs is deleted once it is old enough, and nothing else.</summary>
public sealed class CollectionTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private static readonly VectorMatrix Vectors = GeneratedVectors.Normal(120, 6, 1);

    private static readonly VectorIndexOptions Options = new() { ClusterCount = 3 };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Old_versions_and_segments_of_none_are_deleted(bool onDisk)
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
        SortedDictionary<string, byte[]> before = await TestIndex.ObjectsAsync(store);

        GarbageReport nothing = await VectorIndexVersions.CollectAsync(store, TestIndex.Name, new GarbageOptions { KeepVersions = 1 });
        Assert.Equal(new GarbageReport(0, 0, 0, 0), nothing);
        Assert.Equal(before, await TestIndex.ObjectsAsync(store));
        GarbageReport report = await VectorIndexVersions.CollectAsync(store, TestIndex.Name, NumberedIndex.KeepOne);

        // The pointer, its version, three objects of each of two segments, and the other index.
        SortedDictionary<string, byte[]> after = await TestIndex.ObjectsAsync(store);
        Assert.Equal(2 + (2 * 3) + 1, after.Count);
        byte[][] deleted = [.. before.Where(o => !after.ContainsKey(o.Key)).Select(o => o.Value)];
        Assert.Equal(new GarbageReport(2, 3, deleted.Length, deleted.Sum(bytes => bytes.Length)), report);
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        Assert.Equal((3, 160, 2), (index.Version, index.Count, index.SegmentCount));
        Assert.Equal(160, index.Search(Vectors[0], 200, new SearchOptions { ProbeCount = 3 }).Count);
        Assert.Equal(4, (await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors, Options)).Version);
    }

    [Fact]
    public async Task The_newest_versions_and_those_replaced_of_late_stay()
    {
        var time = new ManualTime();
        var store = new MemoryObjectStore(time);
        for (int number = 1; number <= 6; number++)
        {
            await NumberedIndex.BuildAsync(store, number);
            time.Advance(Hour);
        }

        // Six was published an hour ago, and so five was replaced an hour ago, four two hours.
        await CollectAsync(keep: 1, 5.5 * Hour, [6, 5, 4, 3, 2, 1]);
        await CollectAsync(keep: 6, TimeSpan.Zero, [6, 5, 4, 3, 2, 1]);
        await CollectAsync(keep: 1, 4.5 * Hour, [6, 5, 4, 3, 2]);
        await CollectAsync(keep: 2, 3 * Hour, [6, 5, 4]);
        await CollectAsync(keep: 3, 2 * Hour, [6, 5, 4]);
        await CollectAsync(keep: 2, TimeSpan.Zero, [6, 5]);
        await CollectAsync(keep: 1, TimeSpan.Zero, [6]);
        await CollectAsync(keep: 1, TimeSpan.Zero, [6]);

        async Task CollectAsync(int keep, TimeSpan gracePeriod, long[] left)
        {
            var options = new GarbageOptions { KeepVersions = keep, GracePeriod = gracePeriod };
            int before = (await NumberedIndex.NumbersAsync(store)).Length;
            GarbageReport report = await VectorIndexVersions.CollectAsync(store, TestIndex.Name, options);
            Assert.Equal((before - left.Length, before - left.Length), (report.VersionCount, report.SegmentCount));
            Assert.Equal(left, await NumberedIndex.NumbersAsync(store));
            foreach (long number in left)
                Assert.Equal((number, (int)number), await NumberedIndex.LookAsync(store, new OpenOptions { Version = number }));
            Assert.Equal(left.Length, (await NumberedIndex.KeysAsync(store, "versions")).Length);
            Assert.Equal(left.Length, (await NumberedIndex.KeysAsync(store, "segments")).Count(key => key.EndsWith("/root")));
        }
    }

    [Fact]
    public async Task A_segment_is_as_old_as_its_newest_object_by_the_clock_of_the_store()
    {
        Guid old = Guid.NewGuid(), growing = Guid.NewGuid();
        var store = new AgedStore(new MemoryObjectStore(), key =>
            key.Contains($"{old:N}", StringComparison.Ordinal) || key.EndsWith("/vectors", StringComparison.Ordinal) ? 2 * Hour : default);
        await LeaveAsync(store, old, "vectors", "sign");
        await LeaveAsync(store, growing, "vectors", "sign");
        await VectorIndexVersions.CollectAsync(store, TestIndex.Name, new GarbageOptions { GracePeriod = 3 * Hour });
        Assert.Equal(4, (await TestIndex.ObjectsAsync(store)).Count);
        await VectorIndexVersions.CollectAsync(store, TestIndex.Name, new GarbageOptions { GracePeriod = Hour });
        Assert.All((await TestIndex.ObjectsAsync(store)).Keys, key => Assert.Contains($"{growing:N}", key));
        Assert.Equal(2, (await TestIndex.ObjectsAsync(store)).Count);
    }

    [Fact]
    public async Task What_is_published_meanwhile_stays()
    {
        var inner = new MemoryObjectStore();
        // Published between the listing and the reading of the pointer; then the segment is as old as may be.
        var store = new AgedStore(inner, key => key.EndsWith("/clock", StringComparison.Ordinal) ? default : 2 * Hour);
        var held = new InterruptedStore(inner, IndexKeys.Pointer(TestIndex.Name), () => VectorIndexVersions.CollectAsync(
            store, TestIndex.Name, new GarbageOptions { GracePeriod = 3 * Hour }));
        await NumberedIndex.BuildAsync(held, 1);
        await VectorIndexVersions.CollectAsync(store, TestIndex.Name, new GarbageOptions { GracePeriod = Hour });
        Assert.Equal((1, 1), await NumberedIndex.LookAsync(inner));
        // And between the collector's reading of the pointer and its writing.
        await NumberedIndex.BuildAsync(inner, 2);
        await NumberedIndex.BuildAsync(inner, 3);
        var collecting = new InterruptedStore(inner, IndexKeys.Pointer(TestIndex.Name), () => NumberedIndex.BuildAsync(inner, 4));
        // Three was replaced after the collection began, and so is not even as old as no grace period at all.
        Assert.Equal(2, (await VectorIndexVersions.CollectAsync(collecting, TestIndex.Name, NumberedIndex.KeepOne)).VersionCount);
        Assert.Equal((4, 4), await NumberedIndex.LookAsync(inner));
        Assert.Equal((long[])[4, 3], await NumberedIndex.NumbersAsync(inner));
    }

    [Theory]
    [InlineData("pointer")]
    [InlineData("version")]
    public async Task A_damaged_pointer_or_version_protects_everything(string damaged)
    {
        var store = new MemoryObjectStore();
        await NumberedIndex.BuildManyAsync(store, 3);
        Manifest newest = await NumberedIndex.NewestAsync(store);
        string key = damaged == "pointer"
            ? IndexKeys.Pointer(TestIndex.Name)
            : IndexKeys.Version(TestIndex.Name, newest.History[0].Id);
        await store.WriteAsync(key, new byte[100], WriteCondition.None);
        SortedDictionary<string, byte[]> before = await TestIndex.ObjectsAsync(store, $"{TestIndex.Name}/segments/");
        GarbageOptions keepTwo = NumberedIndex.KeepOne with { KeepVersions = 2 };
        await Assert.ThrowsAsync<CorruptDataException>(() => VectorIndexVersions.CollectAsync(store, TestIndex.Name, keepTwo));
        Assert.Equal(before, await TestIndex.ObjectsAsync(store, $"{TestIndex.Name}/segments/"));
        if (damaged == "pointer")
            return;
        await store.DeleteAsync(key);
        Assert.Equal(key, (await Assert.ThrowsAsync<ObjectNotFoundException>(
            () => VectorIndexVersions.CollectAsync(store, TestIndex.Name, keepTwo))).ObjectKey);
        Assert.Equal(before, await TestIndex.ObjectsAsync(store, $"{TestIndex.Name}/segments/"));
        // Given up, it is in nobody's way.
        await VectorIndexVersions.CollectAsync(store, TestIndex.Name, NumberedIndex.KeepOne);
        Assert.Equal((3, 3), await NumberedIndex.LookAsync(store));
    }

    [Fact]
    public async Task Wherever_a_collection_is_killed_what_is_published_stays_and_the_next_one_deletes_the_rest()
    {
        for (int call = 1; ; call++)
        {
            var inner = new MemoryObjectStore();
            await NumberedIndex.BuildManyAsync(inner, 4);
            await VectorIndexVersions.RollBackAsync(inner, TestIndex.Name, 2);
            await LeaveAsync(inner, Guid.NewGuid(), "root", "sign");
            var lease = new LeaseName((await NumberedIndex.NewestAsync(inner)).History[^1].Id, TimeSpan.FromHours(1), Guid.NewGuid());
            await inner.WriteAsync(IndexKeys.Leases(TestIndex.Name) + lease, default, WriteCondition.None);
            var killed = new StoppingStore(inner, call);
            GarbageOptions options = NumberedIndex.KeepOne with { KeepVersions = 2 };
            Exception? failure = await Record.ExceptionAsync(
                () => VectorIndexVersions.CollectAsync(killed, TestIndex.Name, options));
            foreach (long number in await NumberedIndex.NumbersAsync(inner))
                await NumberedIndex.LookAsync(inner, new OpenOptions { Version = number });
            Assert.Superset(new HashSet<long> { 5, 4, 1 }, (await NumberedIndex.NumbersAsync(inner)).ToHashSet());
            await VectorIndexVersions.CollectAsync(inner, TestIndex.Name, options);
            Assert.Equal((long[])[5, 4, 1], await NumberedIndex.NumbersAsync(inner));
            // The pointer, the lease, three versions, and their segments: five has that of two.
            Assert.Equal(1 + 1 + 3 + (3 * 3), (await TestIndex.ObjectsAsync(inner)).Count);
            if (failure is null)
            {
                Assert.InRange(call, 10, 100); // clock, pointer, objects
                return;
            }

            Assert.IsType<IOException>(failure);
        }
    }

    [Fact]
    public async Task Collections_at_once_do_not_disturb_each_other_or_builds()
    {
        var time = new ManualTime();
        var store = new MemoryObjectStore(time);
        await NumberedIndex.BuildManyAsync(store, 1);
        var building = Task.Run(async () =>
        {
            for (int number = 2; number <= 25; number++)
            {
                time.Advance(Hour); // only between the builds: the grace period is longer than any of them
                await NumberedIndex.BuildAsync(store, number);
            }
        });
        Task[] collecting = [.. Enumerable.Range(1, 3).Select(keep => Task.Run(async () =>
        {
            var options = new GarbageOptions { KeepVersions = keep, GracePeriod = Hour };
            while (!building.IsCompleted)
                await VectorIndexVersions.CollectAsync(store, TestIndex.Name, options);
        }))];
        await building;
        await Task.WhenAll(collecting);
        Assert.Equal((25, 25), await NumberedIndex.LookAsync(store));
        await Parallel.ForAsync(0, 4, async (_, _) =>
            await VectorIndexVersions.CollectAsync(store, TestIndex.Name, NumberedIndex.KeepOne with { KeepVersions = 2 }));
        Assert.Equal((long[])[25, 24], await NumberedIndex.NumbersAsync(store));
        Assert.Equal(1 + 2 + (2 * 3), (await TestIndex.ObjectsAsync(store)).Count);
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

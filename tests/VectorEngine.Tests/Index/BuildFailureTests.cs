using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Storage;
using VectorEngine.Testing;
using VectorEngine.Tests.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Index;

/// <summary>A build is published whole or leaves nothing, unless nobody knows whether it was published.</summary>
public sealed class BuildFailureTests
{
    private static readonly VectorMatrix Vectors = GeneratedVectors.Normal(300, 12, 1);

    private static readonly VectorIndexOptions Options = new() { ClusterCount = 5, StoredVectors = StoredVectors.Float32 };

    private static readonly RecordBatch Metadata = new(
        ("number", ArrowArray.From<long>([.. Enumerable.Range(0, 300).Select(i => (long)i)])));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whichever_write_fails_nothing_is_left(bool onDisk)
    {
        using var folder = new TemporaryFolder();
        using var files = new FileObjectStore(folder.Path);
        IObjectStore inner = onDisk ? files : new MemoryObjectStore();
        int writes = await CountWritesAsync();
        for (int failAt = 1; failAt <= writes; failAt++)
        {
            FaultyStore store = FailingWrites.Store(inner, failAt, Fault.Failure(() => new IOException("No more.")));
            await Assert.ThrowsAsync<IOException>(() => VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors, Options, Metadata));
            await CollectIfPublishingFailedAsync(inner, failAt == writes);
            Assert.Empty(await TestIndex.ObjectsAsync(inner));
        }

        using VectorIndex first = await TestIndex.BuildAsync(Vectors, Options, inner, Metadata);
        SortedDictionary<string, byte[]> published = await TestIndex.ObjectsAsync(inner);
        (long, float)[] hits = first.Search(Vectors[0], 5).Hits();
        for (int failAt = 1; failAt <= writes; failAt++)
        {
            FaultyStore store = FailingWrites.Store(inner, failAt, Fault.Failure(() => new TimeoutException("Too slow.")));
            await Assert.ThrowsAsync<TimeoutException>(
                () => VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors, Options, Metadata));
            await CollectIfPublishingFailedAsync(inner, failAt == writes);
            Assert.Equal(published, await TestIndex.ObjectsAsync(inner));
            using VectorIndex still = await VectorIndex.OpenAsync(inner, TestIndex.Name);
            Assert.Equal(1, still.Version);
            Assert.Equal(hits, still.Search(Vectors[0], 5).Hits());
        }
    }

    [Fact]
    public async Task A_store_that_gives_up_with_a_cancellation_of_its_own_leaves_nothing_either()
    {
        // As HttpClient does on a timeout: nobody cancelled the build.
        var inner = new MemoryObjectStore();
        for (int failAt = 1; failAt < await CountWritesAsync(); failAt++)
        {
            FaultyStore store = FailingWrites.Store(inner, failAt, Fault.Failure(() => new TaskCanceledException("A timeout.")));
            await Assert.ThrowsAsync<TaskCanceledException>(
                () => VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors, Options, Metadata));
            Assert.Empty(await TestIndex.ObjectsAsync(inner));
        }
    }

    [Fact]
    public async Task A_failure_to_clean_up_does_not_hide_the_failure()
    {
        // Before the last write, the pointer's, there is something to delete.
        var writes = new FailingWrites(await CountWritesAsync() - 1, Fault.Failure(() => new IOException("No more.")));
        var store = new FaultyStore(
            new MemoryObjectStore(),
            request => request.Operation == StoreOperation.Delete ? Fault.Throttling : writes.Meet(request));
        Assert.Equal("No more.", (await Assert.ThrowsAsync<IOException>(
            () => VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors, Options, Metadata))).Message);
    }

    [Theory]
    [InlineData(BuildPhase.Reading)]
    [InlineData(BuildPhase.Training)]
    [InlineData(BuildPhase.Encoding)]
    [InlineData(BuildPhase.Writing)]
    [InlineData(BuildPhase.Publishing)]
    public async Task A_build_cancelled_in_any_phase_leaves_nothing(BuildPhase phase)
    {
        var store = new MemoryObjectStore();
        using VectorIndex old = await TestIndex.BuildAsync(Vectors, Options, store, Metadata);
        SortedDictionary<string, byte[]> published = await TestIndex.ObjectsAsync(store);
        using var cancellation = new CancellationTokenSource();
        var progress = new ImmediateProgress(reached =>
        {
            if (reached.Phase == phase)
                cancellation.Cancel();
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors, Options, Metadata, progress, cancellation.Token));
        Assert.Equal(published, await TestIndex.ObjectsAsync(store));
    }

    [Fact]
    public async Task Progress_goes_through_the_phases_in_order()
    {
        var reports = new List<BuildProgress>();
        VectorIndexOptions options = Options with { MaxDegreeOfParallelism = 1 };
        await VectorIndexBuilder.BuildAsync(new MemoryObjectStore(), "a", Vectors, options, Metadata, new ImmediateProgress(reports.Add));
        Assert.Equal(reports.Select(report => report.Phase).Order(), reports.Select(report => report.Phase));
        Assert.Equal(Enum.GetValues<BuildPhase>(), reports.Select(report => report.Phase).Distinct());
        Assert.All(reports, report => Assert.InRange(report.Fraction, 0, 1));
        Assert.Equal((BuildPhase.Publishing, 1.0), (reports[^1].Phase, reports[^1].Fraction));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Of_two_racing_builds_one_wins_and_the_other_leaves_nothing(bool rebuilt)
    {
        var store = new MemoryObjectStore();
        if (rebuilt)
            await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors, Options);
        SortedDictionary<string, byte[]> published = [];
        var loser = new InterruptedStore(store, IndexKeys.Pointer(TestIndex.Name), async () =>
        {
            await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors, Options);
            published = await TestIndex.ObjectsAsync(store, IndexKeys.Pointer(TestIndex.Name));
        });
        WriteConflictException conflict = await Assert.ThrowsAsync<WriteConflictException>(
            () => VectorIndexBuilder.BuildAsync(loser, TestIndex.Name, Vectors, Options, Metadata));
        Assert.Equal(IndexKeys.Pointer(TestIndex.Name), conflict.ObjectKey);
        SortedDictionary<string, byte[]> left = await TestIndex.ObjectsAsync(store);
        Assert.Equal(published.Single().Value, left[IndexKeys.Pointer(TestIndex.Name)]);
        Assert.DoesNotContain(left.Keys, key => key.EndsWith("/metadata", StringComparison.Ordinal));
        foreach (string part in new[] { "/root", "/versions/" })
            Assert.Equal(rebuilt ? 2 : 1, left.Keys.Count(key => key.Contains(part, StringComparison.Ordinal)));
        using VectorIndex winner = await VectorIndex.OpenAsync(store, TestIndex.Name);
        Assert.Equal(rebuilt ? 2 : 1, winner.Version);
    }

    [Fact]
    public async Task Many_builds_at_once_publish_exactly_one_version_after_the_other()
    {
        var store = new MemoryObjectStore();
        int conflicts = 0;
        await Parallel.ForAsync(0, 8, async (_, _) =>
        {
            try
            {
                await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors, Options with { MaxDegreeOfParallelism = 1 });
            }
            catch (WriteConflictException)
            {
                Interlocked.Increment(ref conflicts);
            }
        });
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        Assert.Equal(8 - conflicts, index.Version);
        Assert.Equal(
            8 - conflicts, (await TestIndex.ObjectsAsync(store)).Keys.Count(key => key.EndsWith("/root", StringComparison.Ordinal)));
    }

    /// <summary>What the last write, the pointer's, has left of a build, only a collection may delete.</summary>
    private static async Task CollectIfPublishingFailedAsync(IObjectStore store, bool failed)
    {
        if (failed)
            Assert.Equal(1, (await VectorIndexVersions.CollectAsync(
                store, TestIndex.Name, new GarbageOptions { GracePeriod = TimeSpan.Zero })).SegmentCount);
    }

    private static async Task<int> CountWritesAsync()
    {
        var counting = new FailingWrites(int.MaxValue, Fault.Throttling);
        var store = new FaultyStore(new MemoryObjectStore(), counting.Meet);
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors, Options, Metadata);
        return counting.Count;
    }

    /// <summary>Calls back at once, on the thread that reports.</summary>
    private sealed class ImmediateProgress(Action<BuildProgress> report) : IProgress<BuildProgress>
    {
        public void Report(BuildProgress value)
        {
            lock (report)
                report(value);
        }
    }
}

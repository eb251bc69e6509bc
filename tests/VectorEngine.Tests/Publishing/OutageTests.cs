using System.Collections.Concurrent;
using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Storage;
using VectorEngine.Testing;
using VectorEngine.Tests.Index;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Publishing;

/// <summary>What everything does while its store fails for reasons that pass, or do not.</summary>
public sealed class OutageTests
{
    private static readonly string PointerKey = IndexKeys.Pointer(TestIndex.Name);

    private static readonly VectorMatrix Vectors = GeneratedVectors.Normal(300, 12, 1);

    private static readonly RecordBatch Metadata = new(
        ("id", ArrowArray.From<long>([.. Enumerable.Range(0, 300).Select(i => (long)i)])));

    private static readonly VectorIndexOptions Options = new()
    {
        ClusterCount = 5, StoredVectors = StoredVectors.Float32, IdColumn = "id", MaxDegreeOfParallelism = 1,
    };

    private readonly MemoryObjectStore _store = new();

    /// <summary>Faults by name, as test cases.</summary>
    public enum Passing
    {
        Throttling, Reset, LostResponse,
    }

    [Theory]
    [InlineData(Passing.Throttling)]
    [InlineData(Passing.Reset)]
    [InlineData(Passing.LostResponse)]
    public async Task Everything_succeeds_though_the_first_attempt_of_every_request_fails(Passing name)
    {
        Fault fault = name switch
        {
            Passing.Throttling => Fault.Throttling,
            Passing.Reset => Fault.Reset,
            _ => Fault.LostResponse,
        };
        FaultyStore Flaky() => FirstAttempts.Fail(_store, 1, fault);

        await VectorIndexBuilder.BuildAsync(Flaky(), TestIndex.Name, Vectors.Slice(0, 200), Options, Metadata.Slice(0, 200));
        var intact = new MemoryObjectStore();
        await VectorIndexBuilder.BuildAsync(intact, TestIndex.Name, Vectors.Slice(0, 200), Options, Metadata.Slice(0, 200));
        Assert.Equal(await ContentsAsync(intact), await ContentsAsync(_store));
        Assert.Equal(2, (await VectorIndexBuilder.AppendAsync(
            Flaky(), TestIndex.Name, Vectors.Slice(200, 100), Options, Metadata.Slice(200, 100))).Version);
        Assert.Equal((long[])[2, 1], await NumberedIndex.NumbersAsync(Flaky()));
        Assert.Equal(3, (await VectorIndexVersions.RollBackAsync(Flaky(), TestIndex.Name, 1)).Number);
        await using (VectorIndex second = await VectorIndex.OpenAsync(
            Flaky(), TestIndex.Name, new OpenOptions { Version = 2, Lease = TimeSpan.FromMinutes(1) }))
        {
            Assert.Equal(1, (await VectorIndexVersions.CollectAsync(Flaky(), TestIndex.Name, NumberedIndex.KeepOne)).VersionCount);
            Assert.Equal(299, (await second.SearchAsync(Vectors[299], 1))[0].Ordinal);
            Assert.True((await second.VerifyAsync()).IsIntact);
        }

        Assert.Empty(await NumberedIndex.KeysAsync(_store, "leases"));
        Assert.Equal(1, (await VectorIndexVersions.CollectAsync(Flaky(), TestIndex.Name, NumberedIndex.KeepOne)).VersionCount);
        await VectorIndexBuilder.DeleteAsync(Flaky(), TestIndex.Name);
        Assert.Empty(await TestIndex.ObjectsAsync(_store));
    }

    [Fact]
    public async Task Three_attempts_of_every_request_may_fail()
    {
        FaultyStore Flaky() => FirstAttempts.Fail(_store, 3, Fault.Throttling);
        Assert.Equal(1, (await NumberedIndex.BuildAsync(Flaky(), 1)).Version);
        Assert.Equal((1, 1), await NumberedIndex.LookAsync(Flaky()));
    }

    [Fact]
    public async Task A_watcher_goes_over_to_the_next_version_within_one_look()
    {
        await NumberedIndex.BuildAsync(_store, 1);
        bool fails = false;
        var attempts = new FirstAttempts(3, _ => Fault.Throttling);
        var flaky = new FaultyStore(_store, request => Volatile.Read(ref fails) ? attempts.Meet(request) : null);
        await using VectorIndexWatcher watcher = await VectorIndexWatcher.OpenAsync(
            flaky, TestIndex.Name, new WatcherOptions { Interval = TimeSpan.FromMilliseconds(2) });
        Volatile.Write(ref fails, true);
        await NumberedIndex.BuildAsync(_store, 2);
        for (int i = 0; watcher.Version < 2; i++)
        {
            Assert.True(i < 10_000, "It takes too long.");
            Assert.Null(watcher.LastError);
            await Task.Delay(3);
        }
    }

    [Fact]
    public async Task Where_writes_go_on_failing_nothing_is_published_and_nothing_is_left()
    {
        var counting = new FailingWrites(int.MaxValue, Fault.Throttling);
        await VectorIndexBuilder.BuildAsync(new FaultyStore(_store, counting.Meet), TestIndex.Name, Vectors, Options, Metadata);
        SortedDictionary<string, byte[]> published = await TestIndex.ObjectsAsync(_store);
        await Task.WhenAll(Enumerable.Range(1, counting.Count).Select(async failAt =>
        {
            IObjectStore inner = await CopyAsync(published);
            StoreException failure = await Assert.ThrowsAsync<StoreException>(() => VectorIndexBuilder.BuildAsync(
                FailingWrites.Store(inner, failAt, Fault.Throttling), TestIndex.Name, Vectors, Options, Metadata));
            Assert.True(failure.IsTransient);
            // What may have been published, as far as anybody knows, is the collector's.
            if (failAt == counting.Count)
                await VectorIndexVersions.CollectAsync(inner, TestIndex.Name, NumberedIndex.KeepOne);
            Assert.Equal(published, await TestIndex.ObjectsAsync(inner));
        }));
    }

    [Fact]
    public async Task A_pointer_whose_every_answer_is_lost_is_published_once()
    {
        for (int number = 1; number <= 2; number++)
        {
            var lossy = new FaultyStore(_store, request =>
                request is { Operation: StoreOperation.Write, Key: var key } && key == PointerKey ? Fault.LostResponse : null);
            Assert.Equal(number, (await NumberedIndex.BuildAsync(lossy, number)).Version);
            Assert.Equal(2, lossy.Faults); // the second attempt was refused
            Assert.Equal((number, number), await NumberedIndex.LookAsync(_store));
        }
    }

    [Fact]
    public async Task Of_racing_builds_exactly_one_wins_each_version()
    {
        var won = new ConcurrentBag<long>();
        await Parallel.ForAsync(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, _) =>
        {
            // Every other request that writes has happened when its first attempt fails.
            int requests = i;
            var attempts = new FirstAttempts(
                1, request => (Interlocked.Increment(ref requests) & 1) == 0 ? Fault.LostResponse : Fault.Throttling);
            try
            {
                won.Add((await NumberedIndex.BuildAsync(new FaultyStore(_store, attempts.Meet), i + 1)).Version);
            }
            catch (WriteConflictException)
            {
            }
        });
        long[] versions = [.. Enumerable.Range(1, won.Count).Select(number => (long)number)];
        Assert.NotEmpty(versions);
        Assert.Equal(versions, won.Order());
        Assert.Equal(versions, (await NumberedIndex.NumbersAsync(_store)).Order());
        Assert.Equal(versions.Length, (await NumberedIndex.KeysAsync(_store, "segments")).Count(
            key => key.EndsWith("/root", StringComparison.Ordinal)));
        Assert.Equal(versions[^1], (await NumberedIndex.LookAsync(_store)).Version);
    }

    /// <summary>What the objects of segments have in them, whatever their names are.</summary>
    private static async Task<byte[][]> ContentsAsync(IObjectStore store) =>
        [.. (await TestIndex.ObjectsAsync(store, IndexKeys.Segments(TestIndex.Name))).Values];

    private static async Task<MemoryObjectStore> CopyAsync(SortedDictionary<string, byte[]> objects)
    {
        var copy = new MemoryObjectStore();
        foreach ((string key, byte[] content) in objects)
            await copy.WriteAsync(key, content, WriteCondition.None);
        return copy;
    }
}

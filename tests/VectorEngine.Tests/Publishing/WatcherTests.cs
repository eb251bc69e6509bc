using VectorEngine.Format;
using VectorEngine.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Publishing;

/// <summary>A watcher always has an index that answers, and soon the newest one.</summary>
public sealed class WatcherTests
{
    private static readonly WatcherOptions Options = new() { Interval = TimeSpan.FromMilliseconds(2) };

    private readonly MemoryObjectStore _store = new();

    [Fact]
    public async Task Searches_while_versions_come_and_go_are_all_answered_by_one_version_each()
    {
        const int Versions = 40;
        await NumberedIndex.BuildAsync(_store, 1);
        WatcherOptions options = Options with { Open = new OpenOptions { Lease = TimeSpan.FromMinutes(1), MemoryBudget = 0 } };
        await using VectorIndexWatcher watcher = await VectorIndexWatcher.OpenAsync(_store, TestIndex.Name, options);
        using var published = new CancellationTokenSource();
        int answered = 0;
        var seen = new HashSet<long>();
        Task[] searching = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            long last = 0;
            while (!published.IsCancellationRequested)
            {
                using RentedIndex rented = watcher.Rent();
                Assert.True(rented.Index.Version >= last, "An older version came back.");
                last = rented.Index.Version;
                Assert.Equal(last, NumberedIndex.Number(rented.Index));
                SearchResult asynchronous = await rented.Index.SearchAsync([(float)last], 1);
                Assert.Equal((0L, 0f), Assert.Single(asynchronous.Hits()));
                Interlocked.Increment(ref answered);
                lock (seen)
                    seen.Add(last);
            }
        }))];
        for (int number = 2; number <= Versions; number++)
        {
            await NumberedIndex.BuildAsync(_store, number);
            await Task.Delay(number % 4);
            // What is still used is leased; nobody builds.
            await VectorIndexVersions.CollectAsync(_store, TestIndex.Name, NumberedIndex.KeepOne);
        }

        await WaitAsync(() => watcher.Version == Versions && watcher.LastError is null);
        await published.CancelAsync();
        await Task.WhenAll(searching);
        Assert.True(seen.Count > 3 && answered > Versions, $"{seen.Count} versions, {answered} searches");
        await watcher.DisposeAsync();
        await WaitAsync(async () => (await NumberedIndex.KeysAsync(_store, "leases")).Length == 0);
    }

    [Fact]
    public async Task What_is_rented_stays_open_until_it_is_given_back()
    {
        await NumberedIndex.BuildAsync(_store, 1);
        VectorIndexWatcher watcher = await VectorIndexWatcher.OpenAsync(_store, TestIndex.Name, Options);
        RentedIndex first = watcher.Rent();
        VectorIndex index = first.Index;
        await NumberedIndex.BuildAsync(_store, 2);
        await WaitAsync(() => watcher.Version == 2);
        Assert.Equal(1, NumberedIndex.Number(index));
        using (RentedIndex second = watcher.Rent())
            Assert.Equal(2, NumberedIndex.Number(second.Index));
        first.Dispose();
        first.Dispose();
        Assert.Throws<ObjectDisposedException>(() => first.Index);
        Assert.Throws<ObjectDisposedException>(() => index.Search([0f], 1));

        RentedIndex last = watcher.Rent();
        await watcher.DisposeAsync();
        await watcher.DisposeAsync();
        Assert.Throws<ObjectDisposedException>(watcher.Rent);
        index = last.Index;
        Assert.Equal(2, NumberedIndex.Number(index));
        last.Dispose();
        Assert.Throws<ObjectDisposedException>(() => index.Search([0f], 1));
    }

    [Fact]
    public async Task What_cannot_be_opened_leaves_the_version_before_in_service()
    {
        await NumberedIndex.BuildAsync(_store, 1);
        await using VectorIndexWatcher watcher = await VectorIndexWatcher.OpenAsync(_store, TestIndex.Name, Options);
        string pointerKey = IndexKeys.Pointer(TestIndex.Name);
        byte[] pointer = (await _store.TryReadAsync(pointerKey))!.Content.ToArray();

        await _store.WriteAsync(pointerKey, new byte[100], WriteCondition.None);
        await FailsAsync<CorruptDataException>();
        await _store.DeleteAsync(pointerKey);
        await FailsAsync<ObjectNotFoundException>();
        await _store.WriteAsync(pointerKey, pointer, WriteCondition.None);
        await WaitAsync(() => watcher.LastError is null);

        // A version whose root is damaged, and repaired.
        var other = new MemoryObjectStore();
        await NumberedIndex.BuildManyAsync(other, 2);
        Manifest second = await NumberedIndex.NewestAsync(other);
        string rootKey = IndexKeys.Segment(TestIndex.Name, second.Segments[0].Id).Root;
        foreach ((string key, byte[] bytes) in await TestIndex.ObjectsAsync(other))
        {
            if (key != pointerKey)
                await _store.WriteAsync(key, key == rootKey ? new byte[bytes.Length] : bytes, WriteCondition.None);
        }

        await _store.WriteAsync(pointerKey, second.ToPointer(), WriteCondition.None);
        await FailsAsync<CorruptDataException>();
        await _store.WriteAsync(rootKey, (await other.TryReadAsync(rootKey))!.Content, WriteCondition.None);
        await WaitAsync(() => watcher.Version == 2 && watcher.LastError is null);
        using RentedIndex repaired = watcher.Rent();
        Assert.Equal(2, NumberedIndex.Number(repaired.Index));

        async Task FailsAsync<TException>()
        {
            await WaitAsync(() => watcher.LastError is TException);
            using RentedIndex before = watcher.Rent();
            Assert.Equal((1, 1), (before.Index.Version, NumberedIndex.Number(before.Index)));
        }
    }

    [Fact]
    public async Task A_version_is_warmed_up_before_it_is_in_service()
    {
        await NumberedIndex.BuildAsync(_store, 1);
        VectorIndexWatcher? watcher = null;
        var warmed = new List<(long Version, long? Before)>();
        int failures = 2;
        WatcherOptions options = Options with
        {
            WarmUp = async (index, cancellation) =>
            {
                await index.SearchAsync([0f], 1, null, cancellation);
                lock (warmed)
                    warmed.Add((index.Version, watcher?.Version));
                if (index.Version == 2 && failures-- > 0)
                    throw new InvalidOperationException("Too cold.");
            },
        };
        await using VectorIndexWatcher opened = watcher = await VectorIndexWatcher.OpenAsync(_store, TestIndex.Name, options);
        await NumberedIndex.BuildAsync(_store, 2);
        await WaitAsync(() => watcher.Version == 2 && watcher.LastError is null);
        Assert.Equal([(1, null), (2, 1), (2, 1), (2, 1)], warmed);
        // A pointer with a shorter history is no new version.
        await VectorIndexVersions.CollectAsync(_store, TestIndex.Name, NumberedIndex.KeepOne);
        await NumberedIndex.BuildAsync(_store, 3);
        await WaitAsync(() => watcher.Version == 3);
        Assert.Equal((3, 2), warmed[^1]);
        Assert.Equal(5, warmed.Count);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await VectorIndexWatcher.OpenAsync(
            _store, TestIndex.Name, Options with { WarmUp = (_, _) => throw new InvalidOperationException("Too cold.") }));
    }

    [Fact]
    public async Task Options_that_make_no_sense_are_refused()
    {
        await NumberedIndex.BuildAsync(_store, 1);
        await RefusedAsync<ArgumentOutOfRangeException>(new WatcherOptions { Interval = TimeSpan.Zero });
        await RefusedAsync<ArgumentOutOfRangeException>(new WatcherOptions { Interval = TimeSpan.FromDays(30) });
        await RefusedAsync<ArgumentException>(new WatcherOptions { Open = new OpenOptions { Version = 1 } });
        await RefusedAsync<ArgumentException>(new WatcherOptions { Open = new OpenOptions { Token = "" } });
        await Assert.ThrowsAsync<ObjectNotFoundException>(async () => await VectorIndexWatcher.OpenAsync(_store, "none"));

        async Task RefusedAsync<TException>(WatcherOptions options) where TException : Exception =>
            await Assert.ThrowsAsync<TException>(async () => await VectorIndexWatcher.OpenAsync(_store, TestIndex.Name, options));
    }

    private static Task WaitAsync(Func<bool> condition) => WaitAsync(() => Task.FromResult(condition()));

    private static async Task WaitAsync(Func<Task<bool>> condition)
    {
        for (int i = 0; !await condition(); i++)
        {
            Assert.True(i < 10_000, "It takes too long.");
            await Task.Delay(3);
        }
    }
}

using VectorEngine.Format;
using VectorEngine.Storage;
using VectorEngine.Tests.Index;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Publishing;

/// <summary>What a reader has leased stays until the lease ends, and not longer.</summary>
public sealed class LeaseTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly ManualTime _time = new();
    private readonly MemoryObjectStore _store;

    public LeaseTests() => _store = new MemoryObjectStore(_time);

    private OpenOptions Leased => new() { Lease = Minute, Time = _time, MemoryBudget = 0 };

    [Fact]
    public async Task A_leased_version_stays_until_the_index_is_disposed()
    {
        await NumberedIndex.BuildManyAsync(_store, 2);
        VectorIndex second = await VectorIndex.OpenAsync(_store, TestIndex.Name, Leased);
        VectorIndex first = await VectorIndex.OpenAsync(_store, TestIndex.Name, Leased with { Version = 1 });
        VectorIndex token = await VectorIndex.OpenAsync(_store, TestIndex.Name, Leased with { Token = first.Token });
        await NumberedIndex.BuildAsync(_store, 3);
        await CollectAsync([3, 2, 1], leases: 3);
        Assert.Equal((1, 2, 1), (NumberedIndex.Number(first), NumberedIndex.Number(second), NumberedIndex.Number(token)));
        await second.DisposeAsync();
        await second.DisposeAsync();
        await CollectAsync([3, 1], leases: 2);
        await first.DisposeAsync();
        await CollectAsync([3, 1], leases: 1);
        Assert.Equal(1, NumberedIndex.Number(token));
        token.Dispose(); // which does not wait
        await token.DisposeAsync();
        await CollectAsync([3], leases: 0);
    }

    [Fact]
    public async Task A_lease_lasts_until_the_last_search_ends()
    {
        await NumberedIndex.BuildAsync(_store, 1);
        var slow = new HeldStore(_store);
        VectorIndex index = await VectorIndex.OpenAsync(slow, TestIndex.Name, Leased);
        slow.Hold();
        ValueTask<SearchResult> search = index.SearchAsync([0f], 3);
        index.Dispose();
        await NumberedIndex.BuildAsync(_store, 2);
        await CollectAsync([2, 1], leases: 1);
        slow.Release();
        Assert.Equal(3, (await search).Count);
        await index.DisposeAsync();
        Assert.Throws<ObjectDisposedException>(() => index.Search([0f], 3));
        await CollectAsync([2], leases: 0);
    }

    [Fact]
    public async Task A_lease_is_renewed_though_the_store_fails_now_and_then()
    {
        await NumberedIndex.BuildAsync(_store, 1);
        var failing = new FailingLeases(_store);
        await using VectorIndex index = await VectorIndex.OpenAsync(failing, TestIndex.Name, Leased);
        await NumberedIndex.BuildAsync(_store, 2);
        for (int third = 1; third <= 12; third++)
        {
            failing.Failures = third % 3 != 0 ? 1 : 0;
            int tries = failing.Tries;
            _time.Advance(Minute / 3);
            while (failing.Tries == tries)
                await Task.Delay(1);
            await CollectAsync([2, 1], leases: 1);
        }

        Assert.Equal(1, NumberedIndex.Number(index));
    }

    [Fact]
    public async Task A_renewal_that_fails_for_reasons_that_pass_is_repeated()
    {
        await NumberedIndex.BuildAsync(_store, 1);
        var failing = new FailingLeases(_store) { IsTransient = true };
        await using VectorIndex index = await VectorIndex.OpenAsync(failing, TestIndex.Name, Leased);
        await NumberedIndex.BuildAsync(_store, 2);
        (failing.Failures, int tries) = (3, failing.Tries);
        _time.Advance(Minute); // the last moment
        while (failing.Tries < tries + 4)
            await Task.Delay(1);
        _time.Advance(Minute / 4);
        await CollectAsync([2, 1], leases: 1);
    }

    [Fact]
    public async Task The_lease_of_a_killed_reader_ends_by_itself()
    {
        await NumberedIndex.BuildManyAsync(_store, 2);
        Manifest newest = await NumberedIndex.NewestAsync(_store);
        string prefix = IndexKeys.Leases(TestIndex.Name);
        var name = new LeaseName(newest.History[0].Id, Minute, Guid.NewGuid());
        Assert.Equal(name, LeaseName.TryParse(name.ToString()));
        await _store.WriteAsync(prefix + name, default, WriteCondition.None);
        // Neither keeps anything from being collected.
        await _store.WriteAsync(prefix + (name with { Version = new VersionId(1, Guid.NewGuid()) }), default, WriteCondition.None);
        await _store.WriteAsync(prefix + "unknown", default, WriteCondition.None);
        _time.Advance(Minute);
        await CollectAsync([2, 1], leases: 3);
        _time.Advance(TimeSpan.FromTicks(1));
        await CollectAsync([2], leases: 1);
    }

    [Fact]
    public async Task A_version_that_is_given_up_before_its_lease_is_written_is_not_opened()
    {
        await NumberedIndex.BuildAsync(_store, 1);
        var late = new InterruptedStore(_store, IndexKeys.Leases(TestIndex.Name), NextAsync);
        await using (VectorIndex newest = await VectorIndex.OpenAsync(late, TestIndex.Name, Leased))
            Assert.Equal((2, 2), (newest.Version, NumberedIndex.Number(newest)));
        foreach (OpenOptions pinned in new[] { Leased with { Version = 2 }, Leased with { Token = await TokenAsync() } })
        {
            late = new InterruptedStore(_store, IndexKeys.Leases(TestIndex.Name), NextAsync);
            await Assert.ThrowsAsync<VersionNotFoundException>(
                async () => await VectorIndex.OpenAsync(late, TestIndex.Name, pinned));
            await NumberedIndex.BuildAsync(_store, 2); // for the next round
        }

        Assert.Empty(await NumberedIndex.KeysAsync(_store, "leases"));

        async Task NextAsync()
        {
            await NumberedIndex.BuildAsync(_store, 2);
            await VectorIndexVersions.CollectAsync(_store, TestIndex.Name, NumberedIndex.KeepOne);
        }
    }

    [Fact]
    public async Task A_version_that_is_leased_just_before_it_is_given_up_can_be_read_nevertheless()
    {
        await NumberedIndex.BuildManyAsync(_store, 2);
        VectorIndex? first = null;
        // The collector has seen no leases, and is about to take the version out of the history.
        var collecting = new InterruptedStore(_store, IndexKeys.Pointer(TestIndex.Name), async () =>
            first = await VectorIndex.OpenAsync(_store, TestIndex.Name, Leased with { Version = 1 }));
        await VectorIndexVersions.CollectAsync(collecting, TestIndex.Name, NumberedIndex.KeepOne);
        Assert.Equal((long[])[2], await NumberedIndex.NumbersAsync(_store));
        Assert.Equal(1, NumberedIndex.Number(first!));
        await VectorIndexVersions.CollectAsync(_store, TestIndex.Name, NumberedIndex.KeepOne);
        Assert.Equal(1, NumberedIndex.Number(first!));
        await first!.DisposeAsync();
        await CollectAsync([2], leases: 0);
    }

    [Fact]
    public async Task Without_a_lease_too_the_newest_version_is_opened_though_an_older_one_is_deleted_meanwhile()
    {
        await NumberedIndex.BuildAsync(_store, 1);
        var slow = new HeldStore(_store) { OnRead = async () =>
        {
            await NumberedIndex.BuildAsync(_store, 2);
            await VectorIndexVersions.CollectAsync(_store, TestIndex.Name, NumberedIndex.KeepOne);
        } };
        using VectorIndex index = await VectorIndex.OpenAsync(slow, TestIndex.Name);
        Assert.Equal((2, 2), (index.Version, NumberedIndex.Number(index)));
    }

    private async Task<string> TokenAsync()
    {
        using VectorIndex index = await VectorIndex.OpenAsync(_store, TestIndex.Name);
        return index.Token;
    }

    private async Task CollectAsync(long[] left, int leases)
    {
        await VectorIndexVersions.CollectAsync(_store, TestIndex.Name, NumberedIndex.KeepOne);
        Assert.Equal(left, await NumberedIndex.NumbersAsync(_store));
        foreach (long number in left)
            await NumberedIndex.LookAsync(_store, new OpenOptions { Version = number });
        Assert.Equal(left.Length, (await NumberedIndex.KeysAsync(_store, "versions")).Length);
        Assert.Equal(leases, (await NumberedIndex.KeysAsync(_store, "leases")).Length);
    }

    /// <summary>Keeps reads by range waiting.</summary>
    private sealed class HeldStore(IObjectStore inner) : PassingStore(inner)
    {
        private TaskCompletionSource _gate = Open();

        /// <summary>Done once, before the first read.</summary>
        public Func<Task>? OnRead { get; set; }

        public void Hold() => _gate = new TaskCompletionSource();

        public void Release() => _gate.SetResult();

        public override async ValueTask ReadAsync(
            string key, long offset, Memory<byte> destination, CancellationToken cancellationToken = default)
        {
            if (OnRead is { } first)
            {
                OnRead = null;
                await first();
            }

            await _gate.Task;
            await Inner.ReadAsync(key, offset, destination, cancellationToken);
        }

        private static TaskCompletionSource Open()
        {
            var open = new TaskCompletionSource();
            open.SetResult();
            return open;
        }
    }

    /// <summary>Fails to write leases, if told so.</summary>
    private sealed class FailingLeases(IObjectStore inner) : PassingStore(inner)
    {
        private int _tries;

        /// <summary>How many of the next writes fail.</summary>
        public int Failures { get; set; }

        /// <summary>Whether what fails is tried again at once.</summary>
        public bool IsTransient { get; init; }

        public int Tries => Volatile.Read(ref _tries);

        public override async ValueTask<string> WriteAsync(
            string key, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken = default)
        {
            try
            {
                return Failures-- > 0
                    ? throw new StoreException(key, 0, 0, "busy", isTransient: IsTransient)
                    : await Inner.WriteAsync(key, content, condition, cancellationToken);
            }
            finally
            {
                Interlocked.Increment(ref _tries);
            }
        }
    }
}

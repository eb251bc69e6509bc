using VectorEngine.Storage;
using VectorEngine.Tests.Index;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Publishing;

/// <summary>Versions are listed, opened by number or token, and gone back to.</summary>
public sealed class VersionTests
{
    [Fact]
    public async Task Every_version_is_listed_and_opens_by_its_number_and_by_its_token()
    {
        var store = new MemoryObjectStore();
        DateTimeOffset start = DateTimeOffset.UtcNow.AddMilliseconds(-1);
        await NumberedIndex.BuildManyAsync(store, 3);
        await VectorIndexBuilder.AppendAsync(store, TestIndex.Name, NumberedIndex.Vectors(9));
        IReadOnlyList<IndexVersion> versions = await VectorIndexVersions.ListAsync(store, TestIndex.Name);
        Assert.Equal([(4, 2), (3, 1), (2, 1), (1, 1)], versions.Select(version => (version.Number, version.SegmentCount)));
        Assert.All(versions, version => Assert.InRange(version.Published, start, DateTimeOffset.UtcNow));
        Assert.Equal(versions.OrderByDescending(version => version.Published).Select(version => version.Number), [4, 3, 2, 1]);
        for (int number = 1; number <= 3; number++)
        {
            using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name, new OpenOptions { Version = number });
            Assert.Equal((number, number), (index.Version, NumberedIndex.Number(index)));
            Assert.InRange(index.Token.Length, 80, 110);
            Assert.Equal((number, number), await NumberedIndex.LookAsync(store, new OpenOptions { Token = index.Token }));
        }

        using VectorIndex appended = await VectorIndex.OpenAsync(store, TestIndex.Name, new OpenOptions { Version = 4 });
        using VectorIndex again = await VectorIndex.OpenAsync(store, TestIndex.Name, new OpenOptions { Token = appended.Token });
        Assert.Equal((4, 2, 6), (again.Version, again.SegmentCount, again.Count));
    }

    [Fact]
    public async Task By_its_token_a_version_opens_without_the_pointer()
    {
        var store = new MemoryObjectStore();
        await NumberedIndex.BuildAsync(store, 7);
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        var counting = new CountingStore(store);
        Assert.Equal((1, 7), await NumberedIndex.LookAsync(counting, new OpenOptions { Token = index.Token }));
        Assert.DoesNotContain(counting.Read, key => !key.Contains("/segments/", StringComparison.Ordinal));
        Assert.StartsWith(Assert.Single(await NumberedIndex.KeysAsync(store, "segments"), key => key.EndsWith("/root")), counting.Read[0]);
    }

    [Fact]
    public async Task A_rollback_publishes_the_old_segments_as_the_next_version()
    {
        var store = new MemoryObjectStore();
        await NumberedIndex.BuildManyAsync(store, 3);
        IndexVersion back = await VectorIndexVersions.RollBackAsync(store, TestIndex.Name, 1);
        Assert.Equal((4, 1), (back.Number, back.SegmentCount));
        Assert.Equal((4, 1), await NumberedIndex.LookAsync(store));
        Assert.Equal((long[])[4, 3, 2, 1], await NumberedIndex.NumbersAsync(store));
        Assert.Equal((3, 3), await NumberedIndex.LookAsync(store, new OpenOptions { Version = 3 }));
        Assert.Equal(5, (await NumberedIndex.BuildAsync(store, 5)).Version);
        Assert.Equal(6, (await VectorIndexVersions.RollBackAsync(store, TestIndex.Name, 5)).Number); // to the newest
        Assert.Equal((6, 5), await NumberedIndex.LookAsync(store));
        // The segment stays as long as a version has it.
        await VectorIndexVersions.CollectAsync(store, TestIndex.Name, NumberedIndex.KeepOne with { KeepVersions = 3 });
        Assert.Equal([(6, 5), (5, 5), (4, 1)], new[]
        {
            await NumberedIndex.LookAsync(store), await NumberedIndex.LookAsync(store, new OpenOptions { Version = 5 }),
            await NumberedIndex.LookAsync(store, new OpenOptions { Version = 4 }),
        });
    }

    [Fact]
    public async Task What_is_not_there_or_makes_no_sense_is_refused()
    {
        var store = new MemoryObjectStore();
        await Assert.ThrowsAsync<ObjectNotFoundException>(async () => await VectorIndexVersions.ListAsync(store, TestIndex.Name));
        await Assert.ThrowsAsync<ObjectNotFoundException>(() => VectorIndexVersions.RollBackAsync(store, TestIndex.Name, 1));
        await NumberedIndex.BuildManyAsync(store, 2);
        using VectorIndex first = await VectorIndex.OpenAsync(store, TestIndex.Name, new OpenOptions { Version = 1 });
        await VectorIndexVersions.CollectAsync(store, TestIndex.Name, NumberedIndex.KeepOne);
        foreach (long unknown in new[] { 1, 3, 0, -1, long.MaxValue })
        {
            VersionNotFoundException missing = await Assert.ThrowsAsync<VersionNotFoundException>(
                () => NumberedIndex.LookAsync(store, new OpenOptions { Version = unknown }));
            Assert.Equal((TestIndex.Name, unknown), (missing.Index, missing.Version));
            await Assert.ThrowsAsync<VersionNotFoundException>(
                () => VectorIndexVersions.RollBackAsync(store, TestIndex.Name, unknown));
        }

        foreach (TimeSpan? lease in new TimeSpan?[] { null, TimeSpan.FromMinutes(1) })
            await Assert.ThrowsAsync<VersionNotFoundException>(
                () => NumberedIndex.LookAsync(store, new OpenOptions { Token = first.Token, Lease = lease }));
        Assert.Empty(await NumberedIndex.KeysAsync(store, "leases"));
        await Assert.ThrowsAsync<ArgumentException>(
            () => NumberedIndex.LookAsync(store, new OpenOptions { Token = first.Token, Version = 1 }));
        await Assert.ThrowsAsync<ArgumentException>(() => NumberedIndex.LookAsync(store, new OpenOptions { Token = "" }));
        foreach (TimeSpan lease in new[] { TimeSpan.Zero, TimeSpan.FromMilliseconds(999), TimeSpan.FromDays(2), -TimeSpan.FromDays(1) })
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => NumberedIndex.LookAsync(store, new OpenOptions { Lease = lease }));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => VectorIndexVersions.CollectAsync(
            store, TestIndex.Name, new GarbageOptions { KeepVersions = 0 }));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => VectorIndexVersions.CollectAsync(
            store, TestIndex.Name, new GarbageOptions { GracePeriod = -TimeSpan.FromTicks(1) }));
    }

    [Fact]
    public async Task A_deleted_index_leaves_nothing()
    {
        var store = new MemoryObjectStore();
        await NumberedIndex.BuildManyAsync(store, 3);
        await using (await VectorIndex.OpenAsync(store, TestIndex.Name, new OpenOptions { Lease = TimeSpan.FromHours(1) }))
        {
            await store.WriteAsync("test2/pointer", new byte[1], WriteCondition.None);
            await VectorIndexBuilder.DeleteAsync(store, TestIndex.Name);
            Assert.Equal(["test2/pointer"], (await TestIndex.ObjectsAsync(store)).Keys);
        }
    }

    /// <summary>Notes what is read.</summary>
    private sealed class CountingStore(IObjectStore inner) : PassingStore(inner)
    {
        public List<string> Read { get; } = [];

        public override ValueTask<ObjectContent?> TryReadAsync(string key, CancellationToken cancellationToken = default)
        {
            lock (Read)
                Read.Add(key);
            return Inner.TryReadAsync(key, cancellationToken);
        }

        public override ValueTask ReadAsync(
            string key, long offset, Memory<byte> destination, CancellationToken cancellationToken = default)
        {
            lock (Read)
                Read.Add(key);
            return Inner.ReadAsync(key, offset, destination, cancellationToken);
        }
    }
}

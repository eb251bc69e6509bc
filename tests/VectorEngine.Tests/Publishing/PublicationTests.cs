using VectorEngine.Format;
using VectorEngine.Storage;
using VectorEngine.Tests.Index;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Publishing;

/// <summary>What becomes of a version when the write of the pointer does not simply succeed.</summary>
public sealed class PublicationTests
{
    private static readonly string PointerKey = IndexKeys.Pointer(TestIndex.Name);

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task A_pointer_that_was_written_although_the_store_failed_is_published(int before)
    {
        var store = new MemoryObjectStore();
        await NumberedIndex.BuildManyAsync(store, before);
        // As after a timeout, and as a client reports that has tried again by itself.
        foreach (Exception failure in new Exception[] { new IOException("The answer got lost."), new WriteConflictException(PointerKey) })
        {
            before++;
            var lossy = new PointerFaults(store) { AfterWrite = () => throw failure };
            Assert.Equal(before, (await NumberedIndex.BuildAsync(lossy, before)).Version);
            Assert.Equal((before, before), await NumberedIndex.LookAsync(store));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task A_pointer_that_is_written_after_the_failure_was_reported_is_valid(int before)
    {
        var store = new MemoryObjectStore();
        await NumberedIndex.BuildManyAsync(store, before);
        var late = new PointerFaults(store) { BeforeWrite = () => throw new TimeoutException("Still on its way.") };
        await Assert.ThrowsAsync<TimeoutException>(() => NumberedIndex.BuildAsync(late, before + 1));
        await late.WriteNowAsync();
        Assert.Equal((before + 1, before + 1), await NumberedIndex.LookAsync(store));
    }

    [Fact]
    public async Task Where_the_pointer_cannot_be_read_back_nothing_is_deleted()
    {
        var store = new MemoryObjectStore();
        var broken = new PointerFaults(store) { BeforeWrite = () => throw new TimeoutException("Cut off."), FailsToRead = true };
        await Assert.ThrowsAsync<TimeoutException>(() => NumberedIndex.BuildAsync(broken, 1));
        await broken.WriteNowAsync();
        Assert.Equal((1, 1), await NumberedIndex.LookAsync(store));
    }

    [Fact]
    public async Task A_build_that_has_lost_its_number_is_deleted_however_its_own_write_failed()
    {
        var store = new MemoryObjectStore();
        await NumberedIndex.BuildManyAsync(store, 2);
        var late = new PointerFaults(store)
        {
            BeforeWrite = () =>
            {
                NumberedIndex.BuildAsync(store, 7).GetAwaiter().GetResult();
                throw new TimeoutException("On its way, but too late.");
            },
        };
        await Assert.ThrowsAsync<TimeoutException>(() => NumberedIndex.BuildAsync(late, 8));
        Assert.Equal(1 + (3 * (1 + 3)), (await TestIndex.ObjectsAsync(store)).Count);
        await Assert.ThrowsAsync<WriteConflictException>(late.WriteNowAsync);
        Assert.Equal((3, 7), await NumberedIndex.LookAsync(store));
    }

    [Fact]
    public async Task A_build_whose_index_is_deleted_meanwhile_leaves_nothing()
    {
        var store = new MemoryObjectStore();
        await NumberedIndex.BuildAsync(store, 1);
        var deleted = new InterruptedStore(store, PointerKey, () => VectorIndexBuilder.DeleteAsync(store, TestIndex.Name));
        await Assert.ThrowsAsync<WriteConflictException>(() => NumberedIndex.BuildAsync(deleted, 2));
        Assert.Empty(await TestIndex.ObjectsAsync(store));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_build_goes_on_although_the_history_was_shortened_meanwhile(bool append)
    {
        var time = new ManualTime();
        var store = new MemoryObjectStore(time);
        await NumberedIndex.BuildManyAsync(store, 4);
        time.Advance(TimeSpan.FromHours(2));
        var collected = new InterruptedStore(store, PointerKey, () => VectorIndexVersions.CollectAsync(
            store, TestIndex.Name, new GarbageOptions { KeepVersions = 2, GracePeriod = TimeSpan.FromHours(1) }));
        BuildReport report = append
            ? await VectorIndexBuilder.AppendAsync(collected, TestIndex.Name, NumberedIndex.Vectors(5))
            : await NumberedIndex.BuildAsync(collected, 5);
        Assert.Equal(5, report.Version);
        Assert.Equal((long[])[5, 4, 3], await NumberedIndex.NumbersAsync(store));
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        Assert.Equal(append ? 6 : 3, index.Search([0f], 10).Count);
        Assert.Equal((3, 3), await NumberedIndex.LookAsync(store, new OpenOptions { Version = 3 }));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task A_rollback_to_a_version_that_is_given_up_meanwhile_fails_and_any_other_goes_on(int to)
    {
        var time = new ManualTime();
        var store = new MemoryObjectStore(time);
        await NumberedIndex.BuildManyAsync(store, 4);
        time.Advance(TimeSpan.FromHours(2));
        var collected = new InterruptedStore(store, PointerKey, () => VectorIndexVersions.CollectAsync(
            store, TestIndex.Name, new GarbageOptions { KeepVersions = 2, GracePeriod = TimeSpan.FromHours(1) }));
        if (to == 1)
            await Assert.ThrowsAsync<WriteConflictException>(() => VectorIndexVersions.RollBackAsync(collected, TestIndex.Name, to));
        else
            Assert.Equal(5, (await VectorIndexVersions.RollBackAsync(collected, TestIndex.Name, to)).Number);
        Assert.Equal(to == 1 ? (long[])[4, 3] : [5, 4, 3], await NumberedIndex.NumbersAsync(store));
        Assert.Equal(to == 1 ? (4, 4) : (5, 3), await NumberedIndex.LookAsync(store));
        Assert.Equal(to == 1 ? 2 : 3, (await NumberedIndex.KeysAsync(store, "versions")).Length);
    }

    [Fact]
    public async Task The_history_is_bounded_and_what_falls_out_of_it_is_garbage()
    {
        var store = new MemoryObjectStore();
        await NumberedIndex.BuildAsync(store, 1);
        for (int number = 2; number <= Manifest.MaxHistory + 3; number++)
            await VectorIndexVersions.RollBackAsync(store, TestIndex.Name, number - 1);
        Assert.Equal(Enumerable.Range(3, 257).Reverse().Select(number => (long)number), await NumberedIndex.NumbersAsync(store));
        await Assert.ThrowsAsync<VersionNotFoundException>(() => NumberedIndex.LookAsync(store, new OpenOptions { Version = 2 }));
        Assert.Equal((3, 1), await NumberedIndex.LookAsync(store, new OpenOptions { Version = 3 }));
        GarbageReport report = await VectorIndexVersions.CollectAsync(
            store, TestIndex.Name, NumberedIndex.KeepOne with { KeepVersions = 1000 });
        Assert.Equal((0, 0, 2), (report.VersionCount, report.SegmentCount, report.ObjectCount));
    }

    /// <summary>Fails the writes of the pointer, and can catch up on the last of them.</summary>
    private sealed class PointerFaults(IObjectStore inner) : PassingStore(inner)
    {
        private Func<Task>? _late;
        private bool _failed;

        public Action? BeforeWrite { get; init; }

        public Action? AfterWrite { get; init; }

        /// <summary>Whether the pointer cannot be read any more once its write has failed.</summary>
        public bool FailsToRead { get; init; }

        public Task WriteNowAsync() => _late!();

        public override async ValueTask<string> WriteAsync(
            string key, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken = default)
        {
            if (key != PointerKey)
                return await Inner.WriteAsync(key, content, condition, cancellationToken);
            _failed = true;
            _late = () => Inner.WriteAsync(key, content, condition).AsTask();
            BeforeWrite?.Invoke();
            string tag = await Inner.WriteAsync(key, content, condition, cancellationToken);
            AfterWrite?.Invoke();
            return tag;
        }

        public override ValueTask<ObjectContent?> TryReadAsync(string key, CancellationToken cancellationToken = default) =>
            _failed && FailsToRead ? throw new TimeoutException("Cut off.") : Inner.TryReadAsync(key, cancellationToken);
    }
}

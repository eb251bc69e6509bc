using System.Text;
using VectorEngine.Storage;
using VectorEngine.Testing;
using VectorEngine.Tests.Index;

namespace VectorEngine.Tests.Storage;

/// <summary>Keeps the contract although the first attempt of every request fails.</summary>
public sealed class RetryingStoreTests : ObjectStoreContract
{
    private readonly MemoryObjectStore _inner = new();

    public RetryingStoreTests() => Store = new RetryingStore(FirstAttempts.Fail(_inner, 1, Fault.Throttling));

    protected override IObjectStore Store { get; }

    [Theory]
    [InlineData(3, true)]
    [InlineData(4, false)]
    public async Task What_may_pass_is_tried_four_times(int failures, bool succeeds)
    {
        await Task.WhenAll(Requests().Select(async request =>
        {
            var faulty = FirstAttempts.Fail(await FilledAsync(), failures, Fault.Throttling);
            if (succeeds)
                await request(new RetryingStore(faulty));
            else
                Assert.True((await Assert.ThrowsAsync<StoreException>(() => request(new RetryingStore(faulty)))).IsTransient);
            Assert.Equal(failures, faulty.Faults);
        }));
    }

    [Fact]
    public async Task What_will_not_pass_is_not_tried_again()
    {
        foreach (Func<IObjectStore, Task> request in Requests())
        {
            MemoryObjectStore filled = await FilledAsync();
            var denied = FirstAttempts.Fail(filled, 1, Fault.Failure(() => new StoreException("a", 0, 0, "denied", isTransient: false)));
            Assert.False((await Assert.ThrowsAsync<StoreException>(() => request(new RetryingStore(denied)))).IsTransient);
            await Assert.ThrowsAsync<IOException>(() => request(new RetryingStore(
                FirstAttempts.Fail(filled, 1, Fault.Failure(() => new IOException())))));
        }
    }

    [Fact]
    public async Task A_listing_that_breaks_off_goes_on_where_it_was()
    {
        foreach (char key in "abcd")
            await _inner.WriteAsync($"{key}", default, WriteCondition.None);
        int listings = 0;
        var store = new RetryingStore(new FaultyStore(_inner, _ => ++listings <= 2 ? Fault.Reset : null)); // after the first object
        var keys = new List<string>();
        await foreach (ObjectInfo found in store.ListAsync(""))
            keys.Add(found.Key);
        Assert.Equal(["a", "b", "c", "d"], keys);
        Assert.Equal(3, listings);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_conditional_write_whose_answer_is_lost_has_succeeded(bool replaces)
    {
        WriteCondition condition = replaces
            ? WriteCondition.Matches(await _inner.WriteAsync("a", "old"u8.ToArray(), WriteCondition.None))
            : WriteCondition.Absent;
        var store = new RetryingStore(new FaultyStore(_inner, _ => Fault.LostResponse));
        string tag = await store.WriteAsync("a", "new"u8.ToArray(), condition);
        Assert.Equal(("new", tag), await ReadAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_conditional_write_that_comes_too_late_after_a_failure_is_a_conflict(bool replaces)
    {
        WriteCondition condition = replaces
            ? WriteCondition.Matches(await _inner.WriteAsync("a", "old"u8.ToArray(), WriteCondition.None))
            : WriteCondition.Absent;
        var store = new RetryingStore(new FaultyStore(_inner, request =>
        {
            if (request.Number > 1)
                return null;
            _inner.WriteAsync("a", "other"u8.ToArray(), WriteCondition.None).AsTask().GetAwaiter().GetResult();
            return Fault.Throttling;
        }));
        await Assert.ThrowsAsync<WriteConflictException>(() => store.WriteAsync("a", "new"u8.ToArray(), condition).AsTask());
        Assert.Equal("other", (await ReadAsync()).Text);
    }

    [Fact]
    public async Task Nobody_waits_for_an_attempt_that_is_cancelled()
    {
        using var cancellation = new CancellationTokenSource();
        var store = new RetryingStore(new FaultyStore(_inner, _ =>
        {
            cancellation.Cancel();
            return Fault.Throttling;
        }));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.DeleteAsync("a", cancellation.Token).AsTask());
    }

    /// <summary>One request of each kind, of a store with one object.</summary>
    private static IEnumerable<Func<IObjectStore, Task>> Requests() =>
    [
        async store => Assert.NotNull(await store.TryReadAsync("a")),
        async store => Assert.NotNull(await store.ReadIfChangedAsync("a", "another tag")),
        async store => await store.ReadAsync("a", 1, new byte[2]),
        async store => await store.WriteAsync("a", new byte[5], WriteCondition.None),
        async store => await store.WriteAsync("b", new byte[5], WriteCondition.Absent),
        async store => Assert.Single(await store.ListAsync("").ToListAsync()),
        async store => await store.DeleteAsync("a"),
        async store => await (await store.CreateAsync("b")).DisposeAsync(),
    ];

    private static async Task<MemoryObjectStore> FilledAsync()
    {
        var store = new MemoryObjectStore();
        await store.WriteAsync("a", new byte[3], WriteCondition.None);
        return store;
    }

    private async Task<(string Text, string Tag)> ReadAsync()
    {
        ObjectContent read = (await _inner.TryReadAsync("a"))!;
        return (Encoding.UTF8.GetString(read.Content.Span), read.ETag);
    }
}

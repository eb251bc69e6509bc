using System.Text;
using VectorEngine.Storage;
using VectorEngine.Testing;
using VectorEngine.Tests.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Testing;

/// <summary>Without a fault the store keeps the contract; with one it does what the fault says, and nothing else.</summary>
public sealed class FaultyStoreTests : ObjectStoreContract
{
    private readonly MemoryObjectStore _inner = new();
    private readonly FaultyStore _faulty;
    private Fault? _fault;

    public FaultyStoreTests()
    {
        Store = new FaultyStore(_inner, new FaultOptions());
        _faulty = new FaultyStore(_inner, _ => _fault);
    }

    protected override IObjectStore Store { get; }

    [Fact]
    public async Task Throttling_refuses_every_request_before_anything_happens()
    {
        await Prepare();
        _fault = Fault.Throttling;
        await AssertAllFail<StoreException>(e => Assert.True(e.IsTransient));
        await AssertUntouched();
    }

    [Fact]
    public async Task A_failure_is_the_exception_that_the_rule_makes()
    {
        await Prepare();
        _fault = Fault.Failure(() => new TimeoutException());
        await AssertAllFail<TimeoutException>(_ => { });
        await AssertUntouched();
    }

    [Fact]
    public async Task A_refused_commit_ends_the_writer()
    {
        await using ObjectWriter writer = await _faulty.CreateAsync("a");
        _fault = Fault.Failure(() => new IOException());
        await Assert.ThrowsAsync<IOException>(() => writer.CommitAsync().AsTask());
        _fault = null;
        await Assert.ThrowsAsync<InvalidOperationException>(() => writer.CommitAsync().AsTask());
        await Assert.ThrowsAsync<InvalidOperationException>(() => writer.WriteAsync(new byte[1]).AsTask());
        Assert.Empty(await _inner.ListAsync("").ToListAsync());
    }

    [Fact]
    public async Task A_commit_that_failed_for_reasons_that_pass_can_be_tried_again()
    {
        foreach (Fault passing in new[] { Fault.Throttling, Fault.Reset, Fault.LostResponse })
        {
            await using ObjectWriter writer = await _faulty.CreateAsync("a");
            await writer.WriteAsync(new byte[3]);
            _fault = passing;
            await Assert.ThrowsAsync<StoreException>(() => writer.CommitAsync().AsTask());
            await Assert.ThrowsAsync<StoreException>(() => writer.CommitAsync().AsTask());
            _fault = null;
            await writer.CommitAsync();
            Assert.Equal(3, Assert.Single(await _inner.ListAsync("").ToListAsync()).Length);
            await Assert.ThrowsAsync<InvalidOperationException>(() => writer.CommitAsync().AsTask());
            await _inner.DeleteAsync("a");
        }
    }

    [Fact]
    public async Task A_reset_leaves_the_destination_half_filled_and_nothing_written()
    {
        await Prepare();
        _fault = Fault.Reset;
        await AssertAllFail<StoreException>(e => Assert.True(e.IsTransient));
        var destination = new byte[10];
        var e = await Assert.ThrowsAsync<StoreException>(() => _faulty.ReadAsync("a", 0, destination).AsTask());
        Assert.Equal(("a", 0L, 10L), (e.ObjectKey, e.Offset, e.Length));
        Assert.Equal("01234\0\0\0\0\0", Encoding.UTF8.GetString(destination));
        var listed = new List<string>();
        await Assert.ThrowsAsync<StoreException>(async () =>
        {
            await foreach (ObjectInfo info in _faulty.ListAsync(""))
                listed.Add(info.Key);
        });
        Assert.Equal(["a"], listed);
        await AssertUntouched();
    }

    [Fact]
    public async Task A_truncated_range_is_noticed_and_a_truncated_object_is_not()
    {
        await Prepare();
        _fault = Fault.Truncation;
        var e = await Assert.ThrowsAsync<CorruptDataException>(() => _faulty.ReadAsync("a", 2, new byte[6]).AsTask());
        Assert.Equal(("a", 2L, 6L), (e.ObjectKey, e.Offset, e.Length));
        Assert.Contains("5 bytes", e.Message, StringComparison.Ordinal);
        Assert.Equal("01234", Text((await _faulty.TryReadAsync("a"))!));
        Assert.Equal("01234", Text((await _faulty.ReadIfChangedAsync("a", "other"))!));
    }

    [Fact]
    public async Task A_flipped_bit_is_read_or_kept_without_a_word()
    {
        await Prepare();
        byte[] original = (await _inner.TryReadAsync("a"))!.Content.ToArray();
        _fault = Fault.BitFlip;
        var range = new byte[10];
        await _faulty.ReadAsync("a", 0, range);
        AssertOneBit(original, range);
        AssertOneBit(original, (await _faulty.TryReadAsync("a"))!.Content.ToArray());

        await _faulty.WriteAsync("written", original, WriteCondition.None);
        AssertOneBit(original, (await _inner.TryReadAsync("written"))!.Content.ToArray());
        await using ObjectWriter writer = await _faulty.CreateAsync("appended");
        await writer.WriteAsync(original);
        await writer.CommitAsync();
        AssertOneBit(original, (await _inner.TryReadAsync("appended"))!.Content.ToArray());
        Assert.Equal("0123456789", Encoding.UTF8.GetString(original));

        static void AssertOneBit(byte[] expected, byte[] actual)
        {
            int bits = 0;
            for (int i = 0; i < expected.Length; i++)
                bits += int.PopCount(expected[i] ^ actual[i]);
            Assert.Equal(1, bits);
        }
    }

    [Fact]
    public async Task A_stale_read_is_the_answer_before_the_newest_change()
    {
        Assert.Null(await _faulty.TryReadAsync("a"));
        string one = await Put(_faulty, "a", "one");
        Assert.Null(await Stale());
        await Put(_faulty, "a", "two");
        Assert.Equal("one", await Stale());
        Assert.Equal("two", Text((await _faulty.TryReadAsync("a"))!));   // without the fault
        await Put(_inner, "a", "three");   // by somebody else
        Assert.Equal("two", await Stale());
        await _inner.DeleteAsync("a");
        Assert.Equal("three", await Stale());

        await Put(_inner, "a", "four");
        _fault = Fault.StaleRead;
        Assert.Null(await _faulty.ReadIfChangedAsync("a", one));

        async Task<string?> Stale()
        {
            _fault = Fault.StaleRead;
            ObjectContent? content = await _faulty.TryReadAsync("a");
            _fault = null;
            return content is null ? null : Text(content);
        }
    }

    [Fact]
    public async Task A_stale_listing_is_the_one_before_the_newest_change()
    {
        await Prepare();
        Assert.Equal(["a", "b"], await Listed());
        await _faulty.DeleteAsync("b");
        _fault = Fault.StaleRead;
        Assert.Equal(["a", "b"], await Listed());
        _fault = null;
        Assert.Equal(["a"], await Listed());

        async Task<string[]> Listed() => [.. (await _faulty.ListAsync("").ToListAsync()).Select(info => info.Key)];
    }

    [Fact]
    public async Task An_ignored_condition_lets_every_write_win()
    {
        await Prepare();
        _fault = Fault.IgnoredCondition;
        await _faulty.WriteAsync("a", new byte[1], WriteCondition.Absent);
        await _faulty.WriteAsync("a", new byte[2], WriteCondition.Matches("something else"));
        Assert.Equal(2, (await _inner.TryReadAsync("a"))!.Content.Length);
    }

    [Fact]
    public async Task A_vanished_object_is_there_for_others()
    {
        await Prepare();
        _fault = Fault.Vanishing;
        Assert.Null(await _faulty.TryReadAsync("a"));
        await Assert.ThrowsAsync<ObjectNotFoundException>(() => _faulty.ReadAsync("a", 0, new byte[1]).AsTask());
        string tag = (await _inner.TryReadAsync("a"))!.ETag;
        await Assert.ThrowsAsync<ObjectNotFoundException>(() => _faulty.ReadIfChangedAsync("a", tag).AsTask());
        Assert.Empty(await _faulty.ListAsync("").ToListAsync());
        await AssertUntouched();
    }

    [Fact]
    public async Task A_write_whose_response_is_lost_has_happened()
    {
        await Prepare();
        await using ObjectWriter writer = await _faulty.CreateAsync("c");
        _fault = Fault.LostResponse;
        Assert.True((await Assert.ThrowsAsync<StoreException>(() => Put(_faulty, "a", "new"))).IsTransient);
        await Assert.ThrowsAsync<StoreException>(() => _faulty.DeleteAsync("b").AsTask());
        _fault = Fault.FailureAfterwards(() => new IOException());
        await Assert.ThrowsAsync<IOException>(() => writer.CommitAsync().AsTask());
        await Assert.ThrowsAsync<InvalidOperationException>(() => writer.CommitAsync().AsTask());
        Assert.Equal(["a", "c"], (await _inner.ListAsync("").ToListAsync()).Select(info => info.Key));
        Assert.Equal("new", Text((await _inner.TryReadAsync("a"))!));
    }

    [Fact]
    public async Task A_delay_ends_by_itself_or_when_it_is_cancelled()
    {
        await Prepare();
        _fault = Fault.Delay(TimeSpan.FromMilliseconds(20));
        Assert.Equal("0123456789", Text((await _faulty.TryReadAsync("a"))!));
        _fault = Fault.Delay(TimeSpan.FromDays(1));
        using var cancellation = new CancellationTokenSource(20);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _faulty.TryReadAsync("a", cancellation.Token).AsTask());
    }

    [Fact]
    public async Task A_rule_sees_each_request_and_what_cannot_befall_it_leaves_it_alone()
    {
        var seen = new List<StoreRequest>();
        var store = new FaultyStore(_inner, request =>
        {
            seen.Add(request);
            return Fault.IgnoredCondition;
        });
        await store.ReadIfChangedAsync("a", await store.WriteAsync("a", new byte[10], WriteCondition.None));
        await store.ReadAsync("a", 2, new byte[3]);
        await using (ObjectWriter writer = await store.CreateAsync("b"))
        {
            await writer.WriteAsync(new byte[4]);
            await writer.WriteAsync(new byte[5]);
            await writer.CommitAsync();
        }
        await store.ListAsync("x").ToListAsync();
        await store.DeleteAsync("a");
        Assert.Equal(
            [
                new(1, StoreOperation.Write, "a", 0, 10), new(2, StoreOperation.ReadWhole, "a"),
                new(3, StoreOperation.ReadRange, "a", 2, 3),
                new(4, StoreOperation.Create, "b"), new(5, StoreOperation.Append, "b", 0, 4), new(6, StoreOperation.Append, "b", 4, 5),
                new(7, StoreOperation.Commit, "b"), new(8, StoreOperation.List, "x"), new(9, StoreOperation.Delete, "a"),
            ],
            seen);
        Assert.Equal(5, seen.Count(request => request.Writes));
        Assert.Equal((9L, 1L), (store.Requests, store.Faults));
    }

    [Fact]
    public async Task Chances_are_as_often_as_they_should_and_the_same_for_a_seed()
    {
        await Prepare();
        var options = new FaultOptions { Throttling = 0.1, Vanishing = 0.2, Seed = 3 };
        string first = await Fates(options);
        Assert.InRange(first.Count(fate => fate == 't'), 60, 140);
        Assert.InRange(first.Count(fate => fate == 'v'), 150, 250);
        Assert.Equal(first, await Fates(options));
        Assert.NotEqual(first, await Fates(options with { Seed = 4 }));
        Assert.Throws<ArgumentException>(() => new FaultyStore(_inner, options with { BitFlip = 0.8 }));
        Assert.Throws<ArgumentException>(() => new FaultyStore(_inner, options with { BitFlip = -0.1 }));

        async Task<string> Fates(FaultOptions options)
        {
            var store = new FaultyStore(_inner, options);
            var fates = new StringBuilder();
            for (int i = 0; i < 1000; i++)
            {
                try
                {
                    fates.Append(await store.TryReadAsync("a") is null ? 'v' : '.');
                }
                catch (StoreException)
                {
                    fates.Append('t');
                }
            }
            return fates.ToString();
        }
    }

    [Fact]
    public async Task An_index_whose_reads_are_damaged_never_answers_wrongly()
    {
        VectorMatrix vectors = GeneratedVectors.Normal(600, 16, 1);
        using VectorIndex right = await TestIndex.BuildAsync(vectors, new VectorIndexOptions { ClusterCount = 8 }, _inner);
        var store = new FaultyStore(_inner, new FaultOptions { BitFlip = 0.02, Truncation = 0.01, Reset = 0.01, Seed = 1 });
        int answered = 0;
        for (int i = 0; i < 60; i++)
        {
            try
            {
                using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
                Assert.Equal(right.Search(vectors[i], 5).Hits(), (await index.SearchAsync(vectors[i].ToArray(), 5)).Hits());
                answered++;
            }
            catch (Exception e) when (e is CorruptDataException or StoreException) { }
        }
        Assert.InRange(answered, 1, 60);
        Assert.InRange(store.Faults, 1, store.Requests);
    }

    private async Task Prepare()
    {
        await Put(_inner, "a", "0123456789");
        await Put(_inner, "b", "b");
    }

    private async Task AssertUntouched()
    {
        Assert.Equal(["a", "b"], (await _inner.ListAsync("").ToListAsync()).Select(info => info.Key));
        Assert.Equal("0123456789", Text((await _inner.TryReadAsync("a"))!));
    }

    private async Task AssertAllFail<TException>(Action<TException> check) where TException : Exception
    {
        Fault? fault = _fault;
        _fault = null;
        await using ObjectWriter writer = await _faulty.CreateAsync("c");
        _fault = fault;
        foreach (Func<Task> request in (Func<Task>[])
        [
            async () => await _faulty.TryReadAsync("a"),
            async () => await _faulty.ReadIfChangedAsync("a", "other"),
            async () => await _faulty.ReadAsync("a", 0, new byte[4]),
            async () => await _faulty.WriteAsync("a", new byte[4], WriteCondition.None),
            async () => await _faulty.CreateAsync("d"),
            async () => await writer.WriteAsync(new byte[1]),
            async () => await writer.CommitAsync(),
            async () => await _faulty.ListAsync("").ToListAsync(),
            async () => await _faulty.DeleteAsync("a"),
        ])
        {
            check(await Assert.ThrowsAsync<TException>(request));
        }
    }

    private static async Task<string> Put(IObjectStore store, string key, string text) =>
        await store.WriteAsync(key, Encoding.UTF8.GetBytes(text), WriteCondition.None);

    private static string Text(ObjectContent content) => Encoding.UTF8.GetString(content.Content.Span);
}

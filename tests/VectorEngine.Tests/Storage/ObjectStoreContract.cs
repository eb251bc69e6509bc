using System.Text;
using VectorEngine.Storage;

namespace VectorEngine.Tests.Storage;

/// <summary>What every store promises; a store's own test class derives from this and says how to make an empty one.</summary>
public abstract class ObjectStoreContract
{
    protected abstract IObjectStore Store { get; }

    public static TheoryData<string> BadKeys => new()
    {
        "", ".", "..", "...", "/", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", "a.", "a./b",
        "a\\b", "C:\\a", "c:a", "a b", "a~b", "~lock", "a*", "é", "a\0b",
        new string('k', 201), $"a/{new string('k', 201)}", string.Join('/', Enumerable.Repeat("abcd", 101)),
    };

    public static TheoryData<string> GoodKeys => new()
    {
        "a", ".a", "..a", "A-Z_0.9", "a/b/c/d/e", "-", "_", new string('k', 200), string.Join('/', Enumerable.Repeat("abcd", 100)),
    };

    [Fact]
    public async Task A_written_object_is_read_back_with_the_tag_that_the_write_returned()
    {
        string tag = await Write("a/b", "hello");
        ObjectContent? read = await Store.TryReadAsync("a/b");
        Assert.Equal("hello", Text(read!.Content));
        Assert.Equal(tag, read.ETag);
    }

    [Fact]
    public async Task The_tag_changes_with_the_content()
    {
        string first = await Write("a", "one");
        Assert.NotEqual(first, await Write("a", "two"));
    }

    [Fact]
    public async Task The_written_buffer_may_be_reused()
    {
        byte[] buffer = [1, 2, 3];
        await Store.WriteAsync("a", buffer, WriteCondition.None);
        buffer[0] = 9;
        Assert.Equal([1, 2, 3], (await Store.TryReadAsync("a"))!.Content.ToArray());
    }

    [Theory]
    [InlineData(0, 10)]
    [InlineData(0, 1)]
    [InlineData(3, 4)]
    [InlineData(9, 1)]
    [InlineData(10, 0)]
    [InlineData(0, 0)]
    public async Task A_range_is_read(int offset, int length)
    {
        await Write("a", "0123456789");
        Assert.Equal("0123456789".Substring(offset, length), await Range("a", offset, length));
    }

    [Theory]
    [InlineData(0, 11)]
    [InlineData(9, 2)]
    [InlineData(10, 1)]
    [InlineData(11, 0)]
    [InlineData(long.MaxValue, 1)]
    [InlineData(long.MaxValue - 2, 3)]
    public async Task A_range_beyond_the_end_names_object_and_range(long offset, int length)
    {
        await Write("some/object", "0123456789");
        var e = await Assert.ThrowsAsync<CorruptDataException>(() => Range("some/object", offset, length));
        Assert.Equal(("some/object", offset, (long)length), (e.ObjectKey, e.Offset, e.Length));
        Assert.Contains("some/object", e.Message, StringComparison.Ordinal);
        Assert.Contains("10 bytes", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_negative_offset_is_refused()
    {
        await Write("a", "0123456789");
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => Range("a", -1, 1));
    }

    [Fact]
    public async Task Several_ranges_are_read_at_once()
    {
        byte[] content = [.. Enumerable.Range(0, 200_000).Select(i => (byte)(i * 31 >> 3))];
        await Store.WriteAsync("a", content, WriteCondition.None);
        (int Offset, int Length)[] ranges = [(0, 1), (199_999, 1), (0, 200_000), (70_000, 100_000), (5, 0), (70_000, 3)];
        var destinations = ranges.Select(range => new byte[range.Length]).ToArray();
        await Store.ReadAsync("a", [.. ranges.Select((range, i) => new ObjectRange(range.Offset, destinations[i]))]);
        for (int i = 0; i < ranges.Length; i++)
            Assert.True(content.AsSpan(ranges[i].Offset, ranges[i].Length).SequenceEqual(destinations[i]));

        await Store.ReadAsync("a", []);
        var e = await Assert.ThrowsAsync<CorruptDataException>(
            () => Store.ReadAsync("a", [new ObjectRange(0, new byte[10]), new ObjectRange(199_999, new byte[2])]).AsTask());
        Assert.Equal(("a", 199_999L, 2L), (e.ObjectKey, e.Offset, e.Length));
        await Assert.ThrowsAsync<ObjectNotFoundException>(() => Store.ReadAsync("b", [new ObjectRange(0, new byte[1])]).AsTask());
        await Assert.ThrowsAsync<ArgumentNullException>(() => Store.ReadAsync("a", null!).AsTask());
    }

    [Fact]
    public async Task An_object_is_read_again_only_if_it_has_changed()
    {
        string first = await Write("a", "one");
        Assert.Null(await Store.ReadIfChangedAsync("a", first));
        string second = await Write("a", "two");
        ObjectContent? read = await Store.ReadIfChangedAsync("a", first);
        Assert.Equal(("two", second), (Text(read!.Content), read.ETag));
        Assert.Null(await Store.ReadIfChangedAsync("a", second));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.ReadIfChangedAsync("a", "").AsTask());

        await Store.DeleteAsync("a");
        var e = await Assert.ThrowsAsync<ObjectNotFoundException>(() => Store.ReadIfChangedAsync("a", second).AsTask());
        Assert.Equal("a", e.ObjectKey);
    }

    [Fact]
    public async Task An_empty_object_exists()
    {
        await Write("a", "");
        Assert.Equal(0, (await Store.TryReadAsync("a"))!.Content.Length);
        Assert.Equal("", await Range("a", 0, 0));
        await Assert.ThrowsAsync<WriteConflictException>(() => Write("a", "x", WriteCondition.Absent));
    }

    [Theory]
    [InlineData("a")]
    [InlineData("a/b/c")]
    [InlineData("folder")]
    [InlineData("folder/object/below")]
    public async Task A_missing_object_is_not_found(string key)
    {
        await Write("folder/object", "x");
        Assert.Null(await Store.TryReadAsync(key));
        var e = await Assert.ThrowsAsync<ObjectNotFoundException>(() => Range(key, 0, 1));
        Assert.Equal(key, e.ObjectKey);
        await Store.DeleteAsync(key);
        await Assert.ThrowsAsync<WriteConflictException>(() => Write("missing", "x", WriteCondition.Matches("tag")));
    }

    [Fact]
    public async Task Nothing_is_found_in_a_store_that_was_never_written()
    {
        Assert.Null(await Store.TryReadAsync("a"));
        await Assert.ThrowsAsync<ObjectNotFoundException>(() => Range("a", 0, 1));
        await Store.DeleteAsync("a");
        Assert.Empty(await Keys(""));
        Assert.Empty(await Keys("a/"));
    }

    [Fact]
    public async Task A_write_if_absent_happens_once()
    {
        await Write("a", "one", WriteCondition.Absent);
        var e = await Assert.ThrowsAsync<WriteConflictException>(() => Write("a", "two", WriteCondition.Absent));
        Assert.Equal("a", e.ObjectKey);
        Assert.Equal("one", await Read("a"));
        await Store.DeleteAsync("a");
        await Write("a", "three", WriteCondition.Absent);
        Assert.Equal("three", await Read("a"));
    }

    [Fact]
    public async Task A_write_if_matching_happens_while_the_tag_is_current()
    {
        string one = await Write("a", "one");
        string two = await Write("a", "two", WriteCondition.Matches(one));
        await Assert.ThrowsAsync<WriteConflictException>(() => Write("a", "three", WriteCondition.Matches(one)));
        Assert.Equal("two", await Read("a"));
        await Store.DeleteAsync("a");
        await Assert.ThrowsAsync<WriteConflictException>(() => Write("a", "four", WriteCondition.Matches(two)));
        Assert.Null(await Store.TryReadAsync("a"));
    }

    [Fact]
    public void A_condition_that_would_match_anything_is_refused()
    {
        Assert.Throws<ArgumentException>(() => WriteCondition.Matches(""));
        Assert.Throws<ArgumentNullException>(() => WriteCondition.Matches(null!));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Of_sixteen_conditional_writers_exactly_one_wins(bool exists)
    {
        for (int round = 0; round < 5; round++)
        {
            string key = $"folder/{round}";
            WriteCondition condition = exists ? WriteCondition.Matches(await Write(key, "before")) : WriteCondition.Absent;
            await AssertOneWinner([.. Enumerable.Repeat(Store, 16)], key, condition);
        }
    }

    [Fact]
    public async Task A_counter_advanced_by_compare_and_swap_loses_no_step()
    {
        const int Writers = 4, Steps = 10;
        await Write("counter", "0");
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(_ => Task.Run(async () =>
        {
            for (int step = 0; step < Steps;)
            {
                ObjectContent now = (await Store.TryReadAsync("counter"))!;
                string next = (int.Parse(Text(now.Content)) + 1).ToString();
                try
                {
                    await Write("counter", next, WriteCondition.Matches(now.ETag));
                    step++;
                }
                catch (WriteConflictException) { }
            }
        })));
        Assert.Equal($"{Writers * Steps}", await Read("counter"));
    }

    [Fact]
    public async Task Readers_see_a_replaced_object_whole()
    {
        static byte[] Filled(byte value) => [.. Enumerable.Repeat(value, 20_000 + value)];
        await Store.WriteAsync("a", Filled(0), WriteCondition.None);
        using var done = new CancellationTokenSource();
        Task reader = Task.Run(async () =>
        {
            while (!done.IsCancellationRequested)
            {
                byte[] seen = (await Store.TryReadAsync("a"))!.Content.ToArray();
                Assert.Equal(Filled(seen[0]), seen);
            }
        });
        for (byte value = 1; value < 50; value++)
            await Store.WriteAsync("a", Filled(value), WriteCondition.None);
        await done.CancelAsync();
        await reader;
    }

    [Fact]
    public async Task A_replaced_or_deleted_object_is_not_read_from_before()
    {
        await Write("a", "one");
        Assert.Equal("one", await Range("a", 0, 3));
        await Write("a", "two");
        Assert.Equal("two", await Range("a", 0, 3));
        await Commit("a", "and three");
        Assert.Equal("and three", await Range("a", 0, 9));
        await Store.DeleteAsync("a");
        await Assert.ThrowsAsync<ObjectNotFoundException>(() => Range("a", 0, 1));
    }

    [Fact]
    public async Task Objects_are_listed_by_prefix_in_ordinal_order()
    {
        // '-' and '.' sort before '/', capitals before small letters: a walk through sorted folders would get this wrong.
        string[] keys = ["B", "a-b", "a.b", "a/b", "a/b2/c", "a0", "aa/B", "aa/a", ".hidden/x", "z/y/x/w"];
        foreach (string key in keys)
            await Write(key, key);

        foreach (string prefix in (string[])["", "a", "a/", "a/b", "a/b2/", "a/b2/c", "z/y/", "nothing", "nothing/", ".", "..", "a."])
        {
            Assert.Equal(
                keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal), await Keys(prefix));
        }
    }

    [Fact]
    public async Task A_listing_tells_length_and_time()
    {
        DateTimeOffset before = DateTimeOffset.UtcNow;
        await Write("a", "12345");
        ObjectInfo found = Assert.Single(await List(""));
        Assert.Equal(("a", 5L), (found.Key, found.Length));
        Assert.InRange(found.LastModified, before.AddMinutes(-1), before.AddMinutes(1));
    }

    [Fact]
    public async Task A_writer_s_object_appears_when_it_is_committed()
    {
        await using ObjectWriter writer = await Store.CreateAsync("a/b");
        var random = new Random(1);
        var expected = new List<byte>();
        foreach (int length in (int[])[0, 1, 100_000, 3, 3_000_000, 17])
        {
            var piece = new byte[length];
            random.NextBytes(piece);
            expected.AddRange(piece);
            await writer.WriteAsync(piece);
            Array.Clear(piece);
            Assert.Equal(expected.Count, writer.Length);
            Assert.Empty(await Keys(""));
            Assert.Null(await Store.TryReadAsync("a/b"));
        }
        await writer.CommitAsync();

        Assert.True((await Store.TryReadAsync("a/b"))!.Content.Span.SequenceEqual([.. expected]));
        var range = new byte[1_000_000];
        await Store.ReadAsync("a/b", 1_234_567, range);
        Assert.True(range.AsSpan().SequenceEqual(expected.GetRange(1_234_567, range.Length).ToArray()));
    }

    [Fact]
    public async Task A_writer_that_is_disposed_without_a_commit_leaves_what_was_there()
    {
        await Write("old", "old");
        foreach (string key in (string[])["old", "new", "a/b/c"])
        {
            await using ObjectWriter writer = await Store.CreateAsync(key);
            await writer.WriteAsync(new byte[1000]);
        }
        Assert.Equal(["old"], await Keys(""));
        Assert.Equal("old", await Read("old"));
        await Write("a", "no folder stands in the way");
    }

    [Fact]
    public async Task An_ended_writer_refuses_to_go_on()
    {
        ObjectWriter writer = await Store.CreateAsync("a");
        await writer.CommitAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => writer.WriteAsync(new byte[1]).AsTask());
        await Assert.ThrowsAsync<InvalidOperationException>(() => writer.CommitAsync().AsTask());
        await writer.DisposeAsync();
        await writer.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => writer.WriteAsync(new byte[1]).AsTask());
        Assert.Equal("", await Read("a"));
    }

    [Theory]
    [MemberData(nameof(BadKeys))]
    public async Task A_bad_key_is_refused_everywhere(string key)
    {
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.TryReadAsync(key));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.ReadIfChangedAsync(key, "tag"));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.ReadAsync(key, 0, new byte[1]));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.ReadAsync(key, [new ObjectRange(0, new byte[1])]));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.WriteAsync(key, new byte[1], WriteCondition.None));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.CreateAsync(key));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.DeleteAsync(key));
    }

    [Theory]
    [MemberData(nameof(GoodKeys))]
    public async Task A_good_key_is_accepted(string key)
    {
        await Write(key, "x");
        Assert.Equal("x", await Read(key));
        Assert.Equal([key], await Keys(key));
    }

    [Theory]
    [InlineData("/")]
    [InlineData("../")]
    [InlineData("a//")]
    [InlineData("a/../")]
    [InlineData("a\\")]
    [InlineData("a~")]
    public async Task A_prefix_of_no_key_is_refused(string prefix) =>
        await Assert.ThrowsAsync<ArgumentException>(() => Keys(prefix));

    [Fact]
    public virtual async Task No_key_is_a_folder_of_another()
    {
        await Write("a/b", "x");
        await Assert.ThrowsAnyAsync<IOException>(() => Write("a", "y"));
        await Assert.ThrowsAnyAsync<IOException>(() => Write("a/b/c/d", "y"));
        await Assert.ThrowsAnyAsync<IOException>(() => Commit("a", "y"));
        await Assert.ThrowsAnyAsync<IOException>(() => Commit("a/b/c", "y"));
        Assert.Equal(["a/b"], await Keys(""));
        await Store.DeleteAsync("a/b");
        await Write("a", "now it can be");
    }

    [Fact]
    public async Task A_cancelled_operation_does_nothing()
    {
        await Write("a", "x");
        ObjectWriter writer = await Store.CreateAsync("b");
        var cancelled = new CancellationToken(canceled: true);

        await Cancelled(async () => await Store.TryReadAsync("a", cancelled));
        await Cancelled(async () => await Store.ReadIfChangedAsync("a", "tag", cancelled));
        await Cancelled(async () => await Store.ReadAsync("a", 0, new byte[1], cancelled));
        await Cancelled(async () => await Store.ReadAsync("a", [new ObjectRange(0, new byte[1])], cancelled));
        await Cancelled(async () => await Store.WriteAsync("a", new byte[9], WriteCondition.None, cancelled));
        await Cancelled(async () => await Store.CreateAsync("c", cancelled));
        await Cancelled(async () => await Store.DeleteAsync("a", cancelled));
        await Cancelled(async () => await Store.ListAsync("", cancelled).ToListAsync());
        await Cancelled(async () => await Store.ListAsync("").ToListAsync(cancelled));
        await Cancelled(async () => await writer.WriteAsync(new byte[1], cancelled));
        Assert.Equal(0, writer.Length);
        await Cancelled(async () => await writer.CommitAsync(cancelled));
        await writer.DisposeAsync();

        Assert.Equal("x", await Read("a"));
        Assert.Equal(["a"], await Keys(""));

        static async Task Cancelled(Func<Task> operation) => await Assert.ThrowsAnyAsync<OperationCanceledException>(operation);
    }

    protected static async Task AssertOneWinner(IReadOnlyList<IObjectStore> writers, string key, WriteCondition condition)
    {
        using var start = new ManualResetEventSlim();
        Task<bool>[] races = [.. writers.Select((store, i) => Task.Factory.StartNew(
            () =>
            {
                start.Wait();
                try
                {
                    store.WriteAsync(key, Encoding.UTF8.GetBytes($"writer {i}"), condition).AsTask().GetAwaiter().GetResult();
                    return true;
                }
                catch (WriteConflictException)
                {
                    return false;
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        start.Set();
        bool[] won = await Task.WhenAll(races);

        Assert.Equal(1, won.Count(w => w));
        ObjectContent left = (await writers[0].TryReadAsync(key))!;
        Assert.Equal($"writer {Array.IndexOf(won, true)}", Text(left.Content));
    }

    protected async Task<string> Write(string key, string text, WriteCondition condition = default) =>
        await Store.WriteAsync(key, Encoding.UTF8.GetBytes(text), condition);

    protected async Task<string> Read(string key) => Text((await Store.TryReadAsync(key))!.Content);

    protected async Task<string> Range(string key, long offset, int length)
    {
        var bytes = new byte[length];
        await Store.ReadAsync(key, offset, bytes);
        return Text(bytes);
    }

    protected async Task<string[]> Keys(string prefix) => [.. (await List(prefix)).Select(o => o.Key)];

    private async Task<List<ObjectInfo>> List(string prefix) => await Store.ListAsync(prefix).ToListAsync();

    private async Task Commit(string key, string text)
    {
        await using ObjectWriter writer = await Store.CreateAsync(key);
        await writer.WriteAsync(Encoding.UTF8.GetBytes(text));
        await writer.CommitAsync();
    }

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);
}

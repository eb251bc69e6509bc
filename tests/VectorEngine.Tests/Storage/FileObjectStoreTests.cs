using System.Text;
using VectorEngine.Storage;

namespace VectorEngine.Tests.Storage;

public sealed class FileObjectStoreTests : ObjectStoreContract, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _root;
    private readonly FileObjectStore _store;

    public FileObjectStoreTests()
    {
        _root = Path.Combine(_folder.Path, "missing", "store");
        _store = new FileObjectStore(_root);
    }

    protected override IObjectStore Store => _store;

    public void Dispose()
    {
        _store.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Reading_and_deleting_do_not_create_the_folder()
    {
        Assert.Null(await _store.TryReadAsync("a"));
        await _store.DeleteAsync("a");
        Assert.Empty(await Keys(""));
        Assert.Equal(0, await _store.DeleteLeftoversAsync());
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task An_object_is_a_file_at_its_key()
    {
        await Write("a/b.c", "hello");
        Assert.Equal(Path.Combine(_root, "a", "b.c"), _store.GetFullPath("a/b.c"));
        Assert.Equal("hello", await File.ReadAllTextAsync(_store.GetFullPath("a/b.c")));
    }

    [Fact]
    public async Task Reads_complete_synchronously()
    {
        await Write("a", "hello");
        for (int i = 0; i < 2; i++)   // opening the file, then from the open file
        {
            ValueTask read = _store.ReadAsync("a", 0, new byte[5]);
            Assert.True(read.IsCompletedSuccessfully);
            await read;
        }
        ValueTask<ObjectContent?> whole = _store.TryReadAsync("a");
        Assert.True(whole.IsCompletedSuccessfully);
        await whole;
    }

    [Fact]
    public async Task Nothing_but_objects_and_the_lock_is_left_behind()
    {
        await Write("a/b", "x");
        await Assert.ThrowsAsync<WriteConflictException>(() => Write("a/b", "y", WriteCondition.Absent));
        await Assert.ThrowsAsync<WriteConflictException>(() => Write("c/d", "y", WriteCondition.Matches("other")));
        await Assert.ThrowsAnyAsync<IOException>(() => Write("a", "y"));
        await using (ObjectWriter writer = await _store.CreateAsync("e/f"))
            await writer.WriteAsync(new byte[10]);
        await Write("g/h/i", "x");
        await _store.DeleteAsync("g/h/i");

        Assert.Equal(["a", "a/b", "~lock"], Entries());
    }

    [Fact]
    public async Task An_object_being_written_is_not_listed_and_its_folder_is_not_deleted()
    {
        await Write("a/b", "x");
        await using ObjectWriter writer = await _store.CreateAsync("a/c");
        await _store.DeleteAsync("a/b");
        Assert.Empty(await Keys(""));
        await writer.CommitAsync();
        Assert.Equal(["a/c"], await Keys(""));
    }

    [Fact]
    public async Task Of_writers_with_stores_of_their_own_exactly_one_wins()
    {
        FileObjectStore[] stores = [.. Enumerable.Range(0, 16).Select(_ => new FileObjectStore(_root))];
        for (int round = 0; round < 5; round++)
        {
            await AssertOneWinner(stores, $"absent/{round}", WriteCondition.Absent);
            string tag = await Write($"present/{round}", "before");
            await AssertOneWinner(stores, $"present/{round}", WriteCondition.Matches(tag));
        }
        foreach (FileObjectStore store in stores)
            store.Dispose();
    }

    [Fact]
    public async Task Writers_and_deleters_of_one_folder_lose_nothing()
    {
        // Each deletes what it wrote, so that the folder they share is emptied, deleted and created again all the time.
        await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(async () =>
        {
            using var store = new FileObjectStore(_root);
            for (int i = 0; i < 25; i++)
            {
                string key = $"shared/folder/{worker}";
                await store.WriteAsync(key, Encoding.UTF8.GetBytes($"{i}"), WriteCondition.Absent);
                Assert.Equal($"{i}", Encoding.UTF8.GetString((await store.TryReadAsync(key))!.Content.Span));
                await store.DeleteAsync(key);
            }
        })));
        Assert.Equal(["~lock"], Entries());
    }

    [Fact]
    public async Task What_a_dead_writer_left_is_deleted_and_a_live_one_is_spared()
    {
        await Write("a/b", "x");
        string abandoned = Path.Combine(_root, "dead", $"~{Guid.NewGuid():N}.object");
        Directory.CreateDirectory(Path.GetDirectoryName(abandoned)!);
        await File.WriteAllTextAsync(abandoned, "half an obj");
        await using ObjectWriter live = await _store.CreateAsync("a/c");

        using var other = new FileObjectStore(_root);
        Assert.Equal(1, await other.DeleteLeftoversAsync());
        Assert.False(Directory.Exists(Path.GetDirectoryName(abandoned)));
        await live.CommitAsync();
        Assert.Equal(["a/b", "a/c"], await Keys(""));
    }

    [Fact]
    public async Task A_write_waits_for_the_lock_and_can_be_cancelled()
    {
        await Write("a", "x");
        using (File.OpenHandle(Path.Combine(_root, "~lock"), FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            using var hasty = new FileObjectStore(_root, lockTimeout: TimeSpan.FromMilliseconds(50));
            await Assert.ThrowsAsync<TimeoutException>(async () => await hasty.WriteAsync("a", new byte[1], WriteCondition.None));

            using var cancellation = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(
                async () => await _store.WriteAsync("a", new byte[1], WriteCondition.None, cancellation.Token));

            Assert.Equal("x", await Read("a"));
        }
        await Write("a", "y");
        Assert.Equal("y", await Read("a"));
    }

    [Fact]
    public async Task More_objects_than_open_files_are_read_by_many_threads()
    {
        const int Objects = 150;
        for (int i = 0; i < Objects; i++)
            await Write($"{i}", $"content {i:000}");
        await Task.WhenAll(Enumerable.Range(0, 4).Select(seed => Task.Run(async () =>
        {
            var random = new Random(seed);
            for (int n = 0; n < 2000; n++)
            {
                int i = random.Next(Objects);
                Assert.Equal($"{i:000}", await Range($"{i}", 8, 3));
            }
        })));
        if (OperatingSystem.IsLinux())
            Assert.InRange(OpenFilesUnder(_root), 1, 64);
    }

    [Fact]
    public async Task A_file_cut_off_while_open_is_corrupt()
    {
        await Write("a", "0123456789");
        Assert.Equal("01", await Range("a", 0, 2));
        using (var file = new FileStream(_store.GetFullPath("a"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
            file.SetLength(5);
        var e = await Assert.ThrowsAsync<CorruptDataException>(() => Range("a", 3, 4));
        Assert.Equal(("a", 3L, 4L), (e.ObjectKey, e.Offset, e.Length));
    }

    [Fact]
    public async Task A_replacement_by_another_store_is_seen_by_whole_reads()
    {
        using var other = new FileObjectStore(_root);
        string tag = await Write("a", "one");
        Assert.Equal("one", await Range("a", 0, 3));
        await other.WriteAsync("a", "two"u8.ToArray(), WriteCondition.Matches(tag));
        Assert.Equal("two", await Read("a"));
    }

    [Fact]
    public async Task A_disposed_store_holds_no_file_and_refuses_to_work()
    {
        await Write("a", "x");
        await Range("a", 0, 1);
        _store.Dispose();
        _store.Dispose();
        if (OperatingSystem.IsLinux())
            Assert.Equal(0, OpenFilesUnder(_root));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Range("a", 0, 1));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Write("a", "y"));
    }

    [Fact]
    public async Task Foreign_files_are_not_listed()
    {
        await Write("a", "x");
        await File.WriteAllTextAsync(Path.Combine(_root, "no key"), "x");
        Directory.CreateDirectory(Path.Combine(_root, "no folder"));
        await File.WriteAllTextAsync(Path.Combine(_root, "no folder", "b"), "x");
        Assert.Equal(["a"], await Keys(""));
    }

    private string[] Entries() =>
        [.. Directory.GetFileSystemEntries(_root, "*", SearchOption.AllDirectories)
            .Select(p => Path.GetRelativePath(_root, p).Replace(Path.DirectorySeparatorChar, '/'))
            .Order(StringComparer.Ordinal)];

    private static int OpenFilesUnder(string folder) =>
        Directory.GetFiles("/proc/self/fd").Count(
            d => new FileInfo(d).LinkTarget?.StartsWith(folder, StringComparison.Ordinal) == true);
}

using QuickStart;
using QuickStart.Documentation;

namespace VectorEngine.Tests.QuickStart;

/// <summary>The sample as its user meets it: built once from this machine's SDK, then asked.</summary>
public sealed class QuickStartSearchTests(QuickStartSearchTests.BuiltIndex built) : IClassFixture<QuickStartSearchTests.BuiltIndex>
{
    [Theory]
    [InlineData("read all lines of a text file", "File.ReadAllLines(string)", 1)]
    [InlineData("wait for all tasks to complete", "Task.WaitAll(", 3)]
    [InlineData("compute the SHA-256 hash of data", "SHA256.HashData(", 3)]
    [InlineData("first in first out queue", "Queue<T>", 3)]
    [InlineData("resolve a host name to an IP address", "Dns.GetHostEntry(", 3)]
    [InlineData("combine two paths", "Path.Combine(", 3)]
    [InlineData("add days to a date", "DateTime.AddDays(", 3)]
    [InlineData("measure elapsed time", "Stopwatch.Elapsed", 3)]
    [InlineData("lock for many readers and one writer", "new ReaderWriterLock", 3)]
    [InlineData("read a line from standard input", "Console.ReadLine()", 3)]
    [InlineData("group the elements of a sequence by key", "Enumerable.GroupBy<", 5)]
    public void A_query_finds_what_a_developer_expects(string query, string member, int within)
    {
        IReadOnlyList<Hit> hits = built.Search.Search(query, within).Hits;

        Assert.Contains(hits, hit => hit.Member.StartsWith(member, StringComparison.Ordinal));
    }

    [Fact]
    public void Hits_come_nearest_first_and_once_per_name()
    {
        IReadOnlyList<Hit> hits = built.Search.Search("replace part of a string", 10).Hits;

        Assert.Equal(10, hits.Count);
        Assert.Equal(hits.OrderBy(hit => hit.Distance), hits);
        Assert.Equal(10, hits.Select(hit => hit.Member.Split('(')[0]).Distinct().Count());
    }

    [Fact]
    public void A_query_without_a_known_word_finds_nothing() => Assert.Empty(built.Search.Search("xyzzy qwrtp", 5).Hits);

    [Fact]
    public async Task Another_sdk_version_asks_for_a_new_build()
    {
        SdkDocumentation other = SdkDocumentation.Find() with { Stamp = "another" };

        Assert.Null(await ApiSearch.TryOpenAsync(built.Folder, other, CancellationToken.None));
    }

    [Theory]
    [InlineData(BuildPhase.Reading)]
    [InlineData(BuildPhase.Encoding)]
    [InlineData(BuildPhase.Publishing)]
    public async Task A_cancelled_build_leaves_nothing_of_its_own_nor_of_the_last(BuildPhase phase)
    {
        using var source = new CancellationTokenSource();
        using var folder = new TemporaryFolder();
        await ApiSearch.BuildAsync(folder.Path, SmallSdk, Ignoring, CancellationToken.None);

        BuildSteps progress = Ignoring with { Index = new CancelAt(phase, source) };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => ApiSearch.BuildAsync(folder.Path, SmallSdk, progress, source.Token));

        Assert.Null(await ApiSearch.TryOpenAsync(folder.Path, SmallSdk, CancellationToken.None));
        Assert.Empty(folder.NonEmptyFiles());
    }

    [Fact]
    public async Task Whichever_file_is_damaged_it_is_noticed_and_built_anew()
    {
        using var folder = new TemporaryFolder();
        await ApiSearch.BuildAsync(folder.Path, SmallSdk, Ignoring, CancellationToken.None);
        for (int i = 0; i < folder.NonEmptyFiles().Length; i++)
        {
            string file = folder.NonEmptyFiles()[i];
            byte[] bytes = File.ReadAllBytes(file);
            for (int at = 0; at < bytes.Length; at += 256) bytes[at] ^= 1;
            File.WriteAllBytes(file, bytes);

            using (ApiSearch? damaged = await ApiSearch.TryOpenAsync(folder.Path, SmallSdk, CancellationToken.None))
            {
                // The object of a version is read once the version is no longer the newest.
                bool unread = Path.GetFileName(Path.GetDirectoryName(file)) == "versions";
                if (damaged is not null && !unread)
                    Assert.Throws<CorruptDataException>(() => damaged.Search("first in first out queue", 5));
            }
            await ApiSearch.BuildAsync(folder.Path, SmallSdk, Ignoring, CancellationToken.None);

            using ApiSearch? rebuilt = await ApiSearch.TryOpenAsync(folder.Path, SmallSdk, CancellationToken.None);
            Assert.Contains("Queue<T>", rebuilt!.Search("first in first out queue", 5).Hits.Select(hit => hit.Member));
        }
    }

    private static BuildSteps Ignoring { get; } = new(new Ignored<double>(), new Ignored<double>(), new Ignored<BuildProgress>());

    /// <summary>A part of the documentation that is quickly indexed.</summary>
    private static SdkDocumentation SmallSdk { get; } = SdkDocumentation.Find() with
    {
        Files = [.. SdkDocumentation.Find().Files.Where(file => Path.GetFileName(file) == "System.Collections.xml")],
    };

    public sealed class BuiltIndex : IAsyncLifetime
    {
        private readonly TemporaryFolder _folder = new();

        internal string Folder => _folder.Path;

        internal ApiSearch Search { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            SdkDocumentation sdk = SdkDocumentation.Find();
            await ApiSearch.BuildAsync(Folder, sdk, Ignoring, CancellationToken.None);
            Search = await ApiSearch.TryOpenAsync(Folder, sdk, CancellationToken.None)
                ?? throw new InvalidOperationException("What was just built does not open.");
        }

        public Task DisposeAsync()
        {
            Search?.Dispose();
            _folder.Dispose();
            return Task.CompletedTask;
        }
    }

    private sealed class TemporaryFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("QuickStart").FullName;

        /// <summary>All but the lock files.</summary>
        public string[] NonEmptyFiles() =>
            [.. Directory.GetFiles(Path, "*", SearchOption.AllDirectories).Where(file => new FileInfo(file).Length > 0).Order()];

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }

    private sealed class Ignored<T> : IProgress<T>
    {
        public void Report(T value) { }
    }

    private sealed class CancelAt(BuildPhase phase, CancellationTokenSource source) : IProgress<BuildProgress>
    {
        public void Report(BuildProgress value)
        {
            if (value.Phase == phase) source.Cancel();
        }
    }
}

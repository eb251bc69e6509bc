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
        IReadOnlyList<Hit> hits = built.Search.Search(query, within);

        Assert.Contains(hits, hit => hit.Member.StartsWith(member, StringComparison.Ordinal));
    }

    [Fact]
    public void Hits_come_nearest_first_and_once_per_name()
    {
        IReadOnlyList<Hit> hits = built.Search.Search("replace part of a string", 10);

        Assert.Equal(10, hits.Count);
        Assert.Equal(hits.OrderBy(hit => hit.Distance), hits);
        Assert.Equal(10, hits.Select(hit => hit.Member.Split('(')[0]).Distinct().Count());
    }

    [Fact]
    public void A_query_without_a_known_word_finds_nothing() => Assert.Empty(built.Search.Search("xyzzy qwrtp", 5));

    [Fact]
    public async Task Another_sdk_version_asks_for_a_new_build()
    {
        SdkDocumentation other = SdkDocumentation.Find() with { Stamp = "another" };

        Assert.Null(await ApiSearch.TryOpenAsync(built.Folder, other, CancellationToken.None));
    }

    [Fact]
    public async Task A_cancelled_build_leaves_nothing_that_opens()
    {
        string folder = Path.Combine(built.Folder, "cancelled");
        SdkDocumentation sdk = SdkDocumentation.Find();
        using var source = new CancellationTokenSource();
        var progress = new BuildSteps(new Ignored(), new Ignored(), new CancelAt(source));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ApiSearch.BuildAsync(folder, sdk, progress, source.Token));

        Assert.Null(await ApiSearch.TryOpenAsync(folder, sdk, CancellationToken.None));
    }

    public sealed class BuiltIndex : IAsyncLifetime
    {
        internal string Folder { get; } = Directory.CreateTempSubdirectory("QuickStart").FullName;

        internal ApiSearch Search { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            SdkDocumentation sdk = SdkDocumentation.Find();
            await ApiSearch.BuildAsync(Folder, sdk, new BuildSteps(new Ignored(), new Ignored(), new Ignored()), CancellationToken.None);
            Search = await ApiSearch.TryOpenAsync(Folder, sdk, CancellationToken.None)
                ?? throw new InvalidOperationException("What was just built does not open.");
        }

        public Task DisposeAsync()
        {
            Search?.Dispose();
            Directory.Delete(Folder, recursive: true);
            return Task.CompletedTask;
        }
    }

    private sealed class Ignored : IProgress<double>
    {
        public void Report(double value) { }
    }

    private sealed class CancelAt(CancellationTokenSource source) : IProgress<double>
    {
        public void Report(double value) => source.Cancel();
    }
}

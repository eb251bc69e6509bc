using FsCheck;
using FsCheck.Fluent;
using Inspect;
using Spectre.Console;
using VectorEngine.Storage;
using VectorEngine.Tests.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Inspect;

/// <summary>The sample that looks at an index runs, and says what is wrong with one.</summary>
public sealed class InspectSampleTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly StringWriter _shown = new();
    private readonly IAnsiConsole _console;

    public InspectSampleTests()
    {
        _console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Out = new AnsiConsoleOutput(_shown),
        });
        _console.Profile.Width = 120;
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Without_an_index_it_shows_one_of_its_own()
    {
        Assert.Equal(0, await Demonstration.RunAsync(_console, CancellationToken.None));
        string shown = _shown.ToString();
        foreach (string part in (string[])
        [
            "demonstration, version 1", "20,000 vectors of 64 dimensions", "sign codes", "Lists by their number", "bytes are intact",
            "A search for vector", "16 of 200", "ruled out by their signs",
            "versions that can be opened: 1 (", "asked of the store", "In memory now",
        ])
        {
            Assert.Contains(part, shown, StringComparison.Ordinal);
        }
        Assert.DoesNotContain("!", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Damage_and_a_missing_index_are_told_and_fail()
    {
        using (var store = new FileObjectStore(_folder.Path))
        using (await TestIndex.BuildAsync(GeneratedVectors.Normal(500, 8, 1), new VectorIndexOptions { ClusterCount = 4 }, store)) { }
        string file = Directory.GetFiles(_folder.Path, "ex", SearchOption.AllDirectories).Single();
        byte[] bytes = await File.ReadAllBytesAsync(file);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);

        Assert.Equal(1, await Inspection.RunAsync(_console, _folder.Path, TestIndex.Name, CancellationToken.None));
        Assert.Contains("1 ranges are damaged", _shown.ToString(), StringComparison.Ordinal);
        Assert.Contains("/ex'", _shown.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("A search", _shown.ToString(), StringComparison.Ordinal);

        Assert.Equal(1, await Inspection.RunAsync(_console, _folder.Path, "other", CancellationToken.None));
        Assert.Contains("'other/pointer' does not exist", _shown.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_slows_searches_down_is_warned_of()
    {
        var good = new SegmentStatistics
        {
            Count = 100,
            CommonLength = 1,
            ListSizes = [20, 30, 25, 25],
            Spreads = [1, 1, 1, 1],
            DuplicateLists = 0,
        };
        Assert.Empty(Warn(Metric.InnerProduct, good));
        AssertWarns("97 vectors", Metric.Cosine, good with { ListSizes = [97, 1, 1, 1] });
        AssertWarns("2 lists", Metric.Cosine, good with { DuplicateLists = 2 });
        AssertWarns("length", Metric.InnerProduct, good with { CommonLength = null });
        Assert.Empty(Warn(Metric.SquaredL2, good with { CommonLength = null }));

        static void AssertWarns(string part, Metric metric, SegmentStatistics segment) =>
            Assert.Contains(part, Assert.Single(Warn(metric, segment)), StringComparison.Ordinal);

        static IEnumerable<string> Warn(Metric metric, SegmentStatistics segment) => Warnings.Of(
            metric, new IndexStatistics { Version = 1, Published = default, Size = default, Segments = [segment] });
    }

    [Fact]
    public void Every_list_is_in_one_bar() => Prop.ForAll(Gen.Choose(1, 5000).ArrayOf().ToArbitrary(), sizes =>
    {
        IReadOnlyList<(int From, int To, int Lists)> bars = new ListHistogram(sizes).Bars;
        Assert.InRange(bars.Count, sizes.Length == 0 ? 0 : 1, 10);
        Assert.All(bars, bar => Assert.Equal(sizes.Count(size => size >= bar.From && size <= bar.To), bar.Lists));
        Assert.Equal(sizes.Length, bars.Sum(bar => bar.Lists));
    }).QuickCheckThrowOnFailure();
}

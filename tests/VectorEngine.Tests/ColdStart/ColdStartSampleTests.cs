using ColdStart;
using FsCheck;
using FsCheck.Fluent;
using Spectre.Console;
using VectorEngine.Storage;
using VectorEngine.Testing;
using VectorEngine.Tests.Storage;

namespace VectorEngine.Tests.ColdStart;

/// <summary>The sample that opens an index from afar runs, and its steps add up to what the store was asked for.</summary>
public sealed class ColdStartSampleTests : IDisposable
{
    private const int Count = 6000, Dimensions = 32;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Each_step_is_shown()
    {
        using (var store = new FileObjectStore(_folder.Path))
            await GeneratedIndex.BuildAsync(store, "mine", Count, Dimensions, CancellationToken.None);
        (int exitCode, string shown) = await RunAsync("mine");
        Assert.Equal(0, exitCode);
        foreach (string part in (string[])
        [
            "mine: 6,000 vectors of 32 dimensions", "simulated network", "the first time", "once more", "requests", "dollars",
            "open", "first answer", "exact answer", "asked again", "10 of 10", "█",
        ])
        {
            Assert.Contains(part, shown, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_missing_index_is_told_and_fails()
    {
        (int exitCode, string shown) = await RunAsync("other");
        Assert.Equal(1, exitCode);
        Assert.Contains("'other/pointer' does not exist", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Steps_follow_each_other_and_add_up_also_of_a_copy()
    {
        using var folder = new FileObjectStore(_folder.Path);
        await GeneratedIndex.BuildAsync(folder, "mine", Count, Dimensions, CancellationToken.None);
        var copy = new MemoryObjectStore();
        await Upload.RunAsync(folder, copy, "mine", CancellationToken.None);
        await Upload.RunAsync(folder, copy, "mine", CancellationToken.None);   // there is one by now

        var store = new SimulatedStore(copy, new NetworkProfile { RoundTrip = TimeSpan.FromMilliseconds(5) });
        float[] query = new float[Dimensions];
        IReadOnlyList<Step> steps = (await Timeline.MeasureAsync(store, "mine", query, CancellationToken.None)).Steps;
        Assert.Equal(["open", "first answer"], steps.Take(2).Select(step => step.Name));
        Assert.Equal("asked again", steps[^1].Name);
        Assert.Equal(store.Statistics.Requests, steps.Sum(step => step.Requests));
        Assert.Equal(store.Statistics.Requests * 0.0004 / 1000, steps.Sum(step => step.Dollars), 1e-12);
        Assert.InRange(steps.Take(2).Sum(step => step.Rounds), 1, 3);
        Assert.Equal(TimeSpan.Zero, steps[0].Begin);
        for (int i = 1; i < steps.Count; i++)
            Assert.Equal(steps[i - 1].Begin + steps[i - 1].Duration, steps[i].Begin);
    }

    [Fact]
    public void Bars_lie_in_the_whole() => Prop.ForAll(
        Gen.Choose(0, 1000).Two().ToArbitrary(), times =>
        {
            (int begin, int duration) = times;
            var step = new Step("", TimeSpan.FromMilliseconds(begin), TimeSpan.FromMilliseconds(duration), 0, 0, 0, 0, null);
            string bar = TimelineTable.Bar(step, TimeSpan.FromMilliseconds(begin + duration + 1));
            Assert.InRange(bar.Length, 1, TimelineTable.BarWidth);
            Assert.EndsWith("█", bar, StringComparison.Ordinal);
        }).QuickCheckThrowOnFailure();

    private async Task<(int ExitCode, string Shown)> RunAsync(string name)
    {
        using var shown = new StringWriter();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(shown),
        });
        console.Profile.Width = 120;
        int exitCode = await Session.RunAsync(console, new Settings(_folder.Path, name, null, null), CancellationToken.None);
        return (exitCode, shown.ToString());
    }
}

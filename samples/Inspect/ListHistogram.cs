using Spectre.Console;

namespace Inspect;

/// <summary>How many posting lists have how many vectors, in about ten steps of equal width.</summary>
internal sealed class ListHistogram
{
    private const int Steps = 10;

    public ListHistogram(IReadOnlyList<int> sizes)
    {
        if (sizes.Count == 0)
            return;
        int smallest = sizes.Min(), width = (sizes.Max() - smallest) / Steps + 1;
        Bars = [.. sizes.GroupBy(size => (size - smallest) / width).OrderBy(step => step.Key)
            .Select(step => (smallest + step.Key * width, smallest + (step.Key + 1) * width - 1, step.Count()))];
    }

    /// <summary>The steps that have any list: from a number of vectors to another, so many lists.</summary>
    public IReadOnlyList<(int From, int To, int Lists)> Bars { get; } = [];

    public BarChart ToChart() => new BarChart().Label("Lists by their number of vectors").LeftAlignLabel()
        .AddItems(Bars, bar => new BarChartItem($"{bar.From:N0} to {bar.To:N0}", bar.Lists, Color.Green));
}

using Spectre.Console;

namespace ColdStart;

/// <summary>Shows a timeline: a row for each step, with a bar from when it began to when it ended.</summary>
internal static class TimelineTable
{
    internal const int BarWidth = 30;

    public static Table ToTable(this Timeline timeline, string title)
    {
        Table table = new Table().Title(title).AddColumns("", "at ms", "took", "requests", "KB", "rounds", "dollars", "final hits", "");
        for (int column = 1; column < table.Columns.Count - 1; column++)
            table.Columns[column].Alignment = Justify.Right;
        table.Columns[0].NoWrap = table.Columns[^1].NoWrap = true;
        TimeSpan end = timeline.Steps[^1].Begin + timeline.Steps[^1].Duration;
        HashSet<long> final = [.. timeline.Steps[^1].Result!.Select(hit => hit.Ordinal)];
        foreach (Step step in timeline.Steps)
        {
            table.AddRow(
                step.Name, $"{(step.Begin + step.Duration).TotalMilliseconds:N1}", $"{step.Duration.TotalMilliseconds:N1}",
                $"{step.Requests:N0}", $"{step.Bytes / 1e3:N1}", $"{step.Rounds}", $"{step.Dollars:F7}",
                step.Result is { } result ? $"{result.Count(hit => final.Contains(hit.Ordinal))} of {final.Count}" : "", Bar(step, end));
        }

        return table;
    }

    /// <summary>Where a step lies in the whole; every step can be seen.</summary>
    internal static string Bar(Step step, TimeSpan end)
    {
        int from = Math.Min((int)(BarWidth * (step.Begin / end)), BarWidth - 1);
        int to = Math.Max((int)Math.Round(BarWidth * ((step.Begin + step.Duration) / end)), from + 1);
        return new string(' ', from) + new string('█', to - from);
    }
}

using System.CommandLine;
using System.Text.Json;
using Spectre.Console;

namespace VectorEngine.ColdBench;

/// <summary>Measures how long a query takes again: from the cache on disk and from memory.</summary>
internal static class WarmCommand
{
    public static Command Create()
    {
        var command = new Command("warm", "Measures a query that was asked before: from the cache on disk, and from memory.");
        var options = new TrialOptions(command, starts: 20);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            TrialSettings settings = await options.ReadAsync(parsed, cancellationToken);
            DirectoryInfo cache = Directory.CreateTempSubdirectory("coldbench-");
            try
            {
                var starts = new List<WarmAnswer>();
                for (int start = 0; start < settings.Starts; start++)
                {
                    var trial = new WarmTrial
                    {
                        Store = settings.Store, Queries = [settings.Query(start)], K = settings.K, Probes = settings.Probes,
                        CacheFolder = cache.FullName,
                    };
                    await trial.RunAsync(cancellationToken);   // fills the cache
                    starts.Add(await trial.RunAsync(cancellationToken));
                }

                WarmReport report = Summarise(starts);
                Print(report);
                if (settings.Json is { } json)
                    await File.WriteAllTextAsync(json, JsonSerializer.Serialize(report, BenchJson.Default.WarmReport), cancellationToken);
            }
            finally
            {
                cache.Delete(recursive: true);
            }
        });
        return command;
    }

    private static WarmReport Summarise(List<WarmAnswer> starts) => new(
        Spread.Of(starts.Select(start => start.New.OpenMilliseconds)),
        Spread.Of(starts.Select(start => start.New.SearchMilliseconds)),
        Spread.Of(starts.Select(start => start.Anew.OpenMilliseconds)),
        Spread.Of(starts.Select(start => start.Anew.SearchMilliseconds)),
        Spread.Of(starts.Select(start => start.MemoryMilliseconds)),
        starts);

    private static void Print(WarmReport report)
    {
        var table = new Table().Border(TableBorder.Markdown);
        foreach (string column in (string[])["", "open ms", "search ms"])
            table.AddColumn(new TableColumn(column).RightAligned());
        table.AddRow("from the cache on disk, in a new process", report.NewOpen.Show("f1"), report.NewSearch.Show("f1"));
        table.AddRow("from the cache on disk, opened anew in that process", report.AnewOpen.Show("f1"), report.AnewSearch.Show("f1"));
        table.AddRow("from memory", "", report.Memory.Show("f2"));
        AnsiConsole.Write(table);
        Console.WriteLine(
            $"p50 (p95) of {report.Starts.Count} queries; at most {report.Starts.Max(start => start.SearchRequests)} requests to the store "
            + "by a search");
    }
}

/// <summary>What all starts measured, in milliseconds; the names are those of <see cref="WarmAnswer"/>.</summary>
internal sealed record WarmReport(
    Spread NewOpen, Spread NewSearch, Spread AnewOpen, Spread AnewSearch, Spread Memory, IReadOnlyList<WarmAnswer> Starts);

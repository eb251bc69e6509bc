using System.CommandLine;
using System.Text.Json;
using Spectre.Console;

namespace VectorEngine.ColdBench;

/// <summary>Measures cold starts, each in a new process and with another query.</summary>
internal static class ColdCommand
{
    private static readonly string[] StepNames = ["opened", "first answer", "refined", "exact"];

    public static Command Create()
    {
        var truth = new Option<string>("--groundtruth") { Required = true, Description = "True neighbours: .ivecs." };
        var command = new Command("cold", "Measures how long it takes from opening an index to its answers, in new processes.") { truth };
        var options = new TrialOptions(command, starts: 50);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            int[][] neighbours = TrueNeighbours.Read(parsed.GetRequiredValue(truth));
            TrialSettings settings = await options.ReadAsync(parsed, cancellationToken);
            var starts = new List<ColdAnswer>();
            for (int start = 0; start < settings.Starts; start++)
            {
                var trial = new ColdTrial
                {
                    Store = settings.Store, Queries = [settings.Query(start)], K = settings.K, Probes = settings.Probes,
                };
                starts.Add(await trial.RunAsync(cancellationToken));
            }

            ColdReport report = Summarise(starts, start => neighbours[start % settings.Queries.Count], settings.K);
            Print(report);
            if (settings.Json is { } json)
                await File.WriteAllTextAsync(json, JsonSerializer.Serialize(report, BenchJson.Default.ColdReport), cancellationToken);
        });
        return command;
    }

    private static ColdReport Summarise(List<ColdAnswer> starts, Func<int, int[]> neighbours, int k) => new(
        [.. StepNames.Select((name, step) => new ColdFigures(
            name,
            Spread.Of(starts.Select(start => start.Steps[step].Milliseconds)),
            Spread.Of(starts.Select(start => (double)start.Steps[step].Requests)),
            Spread.Of(starts.Select(start => (double)start.Steps[step].Bytes)),
            Spread.Of(starts.Select(start => (double)start.Steps[step].Rounds)),
            starts.Select((start, i) => (double)start.Steps[step].Hits.Intersect(neighbours(i).Take(k)).Count() / k).Average()))],
        Spread.Of(starts.Select(start => (double)start.Lists)),
        Spread.Of(starts.Select(start => (double)start.SignRequests)),
        Spread.Of(starts.Select(start => (double)start.SignBytes)),
        Spread.Of(starts.Select(start => start.SignBytes / start.OwnBytes)),
        starts);

    private static void Print(ColdReport report)
    {
        var table = new Table().Border(TableBorder.Markdown);
        foreach (string column in (string[])["", "ms", "requests", "MB", "rounds", "recall"])
            table.AddColumn(new TableColumn(column).RightAligned());
        foreach (ColdFigures step in report.Steps)
        {
            table.AddRow(
                step.Name, step.Milliseconds.Show("f0"), step.Requests.Show("f0"), step.Bytes.Scale(1e-6).Show("f1"),
                step.Rounds.Show("f0"), step.Name == StepNames[0] ? "" : $"{step.Recall:f3}");
        }

        AnsiConsole.Write(table);
        Console.WriteLine($"p50 (p95) of {report.Starts.Count} cold starts, {report.Lists.Show("f0")} lists each");
        Console.WriteLine(
            $"1-bit layer: {report.SignRequests.Show("f0")} requests, {report.SignBytes.Scale(1e-6).Show("f2")} MB, {
                report.SignRatio.Show("f2")} times the probed lists' own bytes");
    }
}

/// <summary>What cold starts measured.</summary>
/// <param name="Steps">Each step's figures.</param>
/// <param name="Lists">Lists probed.</param>
/// <param name="SignRequests">Requests to the 1-bit layer until the first answer.</param>
/// <param name="SignBytes">Bytes that they asked for.</param>
/// <param name="SignRatio">These as a multiple of the probed lists' own.</param>
/// <param name="Starts">Every start.</param>
internal sealed record ColdReport(
    ColdFigures[] Steps, Spread Lists, Spread SignRequests, Spread SignBytes, Spread SignRatio, IReadOnlyList<ColdAnswer> Starts);

/// <summary>A step of all starts, counted from the beginning on.</summary>
internal sealed record ColdFigures(string Name, Spread Milliseconds, Spread Requests, Spread Bytes, Spread Rounds, double Recall);

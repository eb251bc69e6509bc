using System.Diagnostics;
using QuickStart.Documentation;
using Spectre.Console;

namespace QuickStart;

/// <summary>What the user sees: progress while the index is built, queries, and hits.</summary>
internal static class Terminal
{
    private const int HitCount = 5;

    private static readonly string[] Examples =
        ["read all lines of a text file", "wait for all tasks to complete", "first in first out queue"];

    /// <summary>Builds the index if need be, and answers one query, or the examples and a prompt; returns the exit code.</summary>
    public static async Task<int> RunAsync(string folder, string query, CancellationToken cancellationToken)
    {
        // Escape sequences are for a terminal, not for a file or another program.
        if (Console.IsOutputRedirected) AnsiConsole.Console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No });
        try
        {
            using ApiSearch search = await OpenAsync(folder, cancellationToken);
            if (query.Length > 0)
            {
                Answer(search, query);
                return 0;
            }
            foreach (string example in Examples) Answer(search, example);
            await PromptAsync(search, cancellationToken);
            return 0;
        }
        catch (OperationCanceledException)
        {
            AnsiConsole.MarkupLine("[yellow]Cancelled.[/]");
            return 130;   // What a shell reports for Ctrl+C.
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            AnsiConsole.MarkupLineInterpolated($"[red]{exception.Message}[/]");
            return 1;
        }
    }

    private static async Task<ApiSearch> OpenAsync(string folder, CancellationToken cancellationToken)
    {
        SdkDocumentation sdk = SdkDocumentation.Find();
        long start = Stopwatch.GetTimestamp();
        ApiSearch? search = await ApiSearch.TryOpenAsync(folder, sdk, cancellationToken);
        if (search is null)
        {
            await BuildAsync(folder, sdk, cancellationToken);
            AnsiConsole.MarkupLineInterpolated($"Built in [bold]{Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s[/]: {folder}");
            start = Stopwatch.GetTimestamp();
            search = await ApiSearch.TryOpenAsync(folder, sdk, cancellationToken)
                ?? throw new IOException($"The index in {folder} was changed while it was built; try again.");
        }
        AnsiConsole.MarkupLineInterpolated(
            $"Opened {search.Count:N0} entries of the .NET API in [bold]{Stopwatch.GetElapsedTime(start).TotalMilliseconds:F0} ms[/].");
        return search;
    }

    private static Task BuildAsync(string folder, SdkDocumentation sdk, CancellationToken cancellationToken) =>
        AnsiConsole.Progress()
            .Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left },
                new ProgressBarColumn(),
                new PercentageColumn(),
                new ElapsedTimeColumn())
            .StartAsync(context => ApiSearch.BuildAsync(
                folder,
                sdk,
                new BuildSteps(
                    Step(context, $"Reading {sdk.Files.Count} documentation files"),
                    Step(context, "Learning what words mean"),
                    Step(context, "Building the index")),
                cancellationToken));

    /// <summary>A progress bar; reports go to it at once, unlike those of Progress&lt;T&gt;, which may arrive late.</summary>
    private static ProgressStep Step(ProgressContext context, string description) => new(context.AddTask(description, autoStart: false));

    private sealed class ProgressStep(ProgressTask task) : IProgress<double>
    {
        public void Report(double value)
        {
            if (!task.IsStarted) task.StartTask();   // Starting again would reset its clock.
            task.Value = Math.Max(task.Value, value * task.MaxValue);   // Files that are read in parallel may report out of order.
        }
    }

    private static void Answer(ApiSearch search, string query)
    {
        long start = Stopwatch.GetTimestamp();
        IReadOnlyList<Hit> hits = search.Search(query, HitCount);
        double milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;

        AnsiConsole.WriteLine();
        AnsiConsole.MarkupLineInterpolated($"[bold green]{query}[/] [grey]({milliseconds:F1} ms)[/]");
        if (hits.Count == 0) AnsiConsole.WriteLine("None of these words occurs in the documentation.");
        foreach (Hit hit in hits)
        {
            AnsiConsole.MarkupLineInterpolated($" {hit.Distance:F3}  [bold]{hit.Member}[/]");
            AnsiConsole.Write(new Padder(new Text(hit.Summary), new Padding(8, 0, 0, 0)));
        }
    }

    /// <summary>Answers lines until an empty one; nothing where input is not typed.</summary>
    private static async Task PromptAsync(ApiSearch search, CancellationToken cancellationToken)
    {
        if (Console.IsInputRedirected || !AnsiConsole.Profile.Capabilities.Interactive) return;
        while (true)
        {
            AnsiConsole.WriteLine();
            AnsiConsole.Markup("[bold green]?[/] ");

            // Console.ReadLine cannot be cancelled; waiting for it can.
            string? line = await Task.Run(Console.ReadLine, CancellationToken.None).WaitAsync(cancellationToken);
            if (string.IsNullOrWhiteSpace(line)) return;
            Answer(search, line);
        }
    }
}

using System.Diagnostics;
using QuickStart.Documentation;
using Spectre.Console;
using VectorEngine;

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
        if (Console.IsOutputRedirected)
        {
            // Escape sequences and line breaks are for a terminal, not for a file or another program.
            AnsiConsole.Console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No });
            AnsiConsole.Profile.Width = 10_000;
        }
        try
        {
            using ApiSearch search = await OpenAsync(folder, cancellationToken);
            if (query.Length > 0)
            {
                AnsiConsole.WriteLine();
                Answer(search, query);
                return 0;
            }
            foreach (string example in Examples)
            {
                AnsiConsole.MarkupLineInterpolated($"\n[bold green]?[/] {example}");
                Answer(search, example);
            }
            await PromptAsync(search, cancellationToken);
            return 0;
        }
        catch (OperationCanceledException)
        {
            AnsiConsole.MarkupLine("\n[yellow]Cancelled.[/]");
            return 130;   // What a shell reports for Ctrl+C.
        }
        catch (Exception exception) when (exception is CorruptDataException or ObjectNotFoundException)
        {
            // What a search reads is checked when it is first read, so damage may show as late as this.
            ApiSearch.Discard(folder);
            AnsiConsole.MarkupLineInterpolated($"[red]The index is damaged; the next start builds it anew. {exception.Message}[/]");
            return 1;
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
        double milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds, megabytes = search.Index.Size.TotalBytes / 1e6;
        AnsiConsole.MarkupLineInterpolated(
            $"Opened {search.Index.Count:N0} entries of the .NET API, {megabytes:F0} MB, in [bold]{milliseconds:F0} ms[/].");
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
                    Step(context, "Reading documentation"),
                    Step(context, "Learning words"),
                    new IndexSteps(context)),
                cancellationToken));

    /// <summary>A progress bar; reports go to it at once, unlike those of Progress&lt;T&gt;, which may arrive late.</summary>
    private static ProgressStep Step(ProgressContext context, string description) => new(context.AddTask(description, autoStart: false));

    private sealed class ProgressStep(ProgressTask task) : IProgress<double>
    {
        public void Report(double value)
        {
            lock (task)
            {
                if (task.IsFinished) return;
                if (!task.IsStarted) task.StartTask();   // Starting again would reset its clock.
                task.Value = Math.Max(task.Value, value * task.MaxValue);   // Work that is done in parallel may report out of order.
                if (task.Value >= task.MaxValue) task.StopTask();
            }
        }
    }

    /// <summary>A progress bar for each phase of an index's build.</summary>
    private sealed class IndexSteps(ProgressContext context) : IProgress<BuildProgress>
    {
        private readonly ProgressStep[] _steps = [.. Enum.GetValues<BuildPhase>().Select(phase => Step(context, Describe(phase)))];

        public void Report(BuildProgress value)
        {
            // A phase is done when it says so, or when the next one begins.
            foreach (ProgressStep earlier in _steps[..(int)value.Phase]) earlier.Report(1);
            _steps[(int)value.Phase].Report(value.Fraction);
        }

        private static string Describe(BuildPhase phase) => phase switch
        {
            BuildPhase.Reading => "Checking vectors",
            BuildPhase.Training => "Finding clusters",
            BuildPhase.Encoding => "Encoding vectors",
            BuildPhase.Writing => "Writing clusters",
            _ => "Publishing index",
        };
    }

    private static void Answer(ApiSearch search, string query)
    {
        // The first search also waits for code to be compiled and lists to be read; repeated, it shows what searching itself takes.
        (Answer answer, double first) = Measure(() => search.Search(query, HitCount));
        (_, double again) = Measure(() => search.Search(query, HitCount));

        if (answer.Hits.Count == 0)
        {
            AnsiConsole.WriteLine("None of these words occurs in the documentation.");
            return;
        }
        foreach (Hit hit in answer.Hits)
        {
            AnsiConsole.MarkupLineInterpolated($" {hit.Distance:F3}  [bold]{hit.Member}[/]");
            AnsiConsole.Write(new Padder(new Text(hit.Summary), new Padding(8, 0, 0, 0)));
        }
        SearchReceipt receipt = answer.Receipt;
        string lists = $"{receipt.ListsProbed:N0} of {search.Index.ClusterCount:N0} lists";
        string vectors = $"{receipt.PostingsScanned:N0} vectors scanned, {receipt.PostingsRefined:N0} refined";
        AnsiConsole.MarkupLineInterpolated($" [grey]{first:F1} ms, again {again:F1} ms: {lists}, {vectors}[/]");
    }

    private static (T Result, double Milliseconds) Measure<T>(Func<T> action)
    {
        long start = Stopwatch.GetTimestamp();
        T result = action();
        return (result, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    }

    /// <summary>Answers lines until an empty one; nothing where input is not typed.</summary>
    private static async Task PromptAsync(ApiSearch search, CancellationToken cancellationToken)
    {
        if (Console.IsInputRedirected || !AnsiConsole.Profile.Capabilities.Interactive) return;
        AnsiConsole.MarkupLine("\n[grey]What are you looking for? An empty line ends.[/]");
        while (true)
        {
            AnsiConsole.Markup("\n[bold green]?[/] ");

            // Console.ReadLine cannot be cancelled; waiting for it can.
            string? line = await Task.Run(Console.ReadLine, CancellationToken.None).WaitAsync(cancellationToken);
            if (line is null) AnsiConsole.WriteLine();   // Ctrl+D, unlike Enter, leaves the cursor behind the prompt.
            if (string.IsNullOrWhiteSpace(line)) return;
            Answer(search, line);
        }
    }
}

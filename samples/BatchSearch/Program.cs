using System.Diagnostics;
using BatchSearch;
using Spectre.Console;
using VectorEngine;
using VectorEngine.Input;
using VectorEngine.Storage;

return await Settings.CreateCommand(RunAsync).Parse(args).InvokeAsync();

static async Task<int> RunAsync(Settings settings, CancellationToken cancellationToken)
{
    using var store = new FileObjectStore(settings.Store);
    VectorMatrix queries = await VectorSource.FromFile(settings.Queries).LoadAsync(cancellationToken);
    string summary = "";
    await AnsiConsole.Progress()
        .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
        .StartAsync(async context =>
        {
            if (settings.Base is { } vectors)
                await BuildAsync(store, settings.Index, VectorSource.FromFile(vectors), context.AddTask("building"), cancellationToken);
            using VectorIndex index = await VectorIndex.OpenAsync(store, settings.Index, null, cancellationToken);
            ProgressTask task = context.AddTask("searching", maxValue: Math.Max(1, queries.Count));
            var progress = new Progress<int>(answered => task.Value = Math.Max(task.Value, answered));
            var options = new SearchOptions { ProbeCount = settings.Probes };
            long start = Stopwatch.GetTimestamp();
            SearchResult[] results = await index.SearchBatchAsync(queries, settings.K, options, -1, progress, cancellationToken);
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            task.Value = task.MaxValue;
            summary = $"{queries.Count:N0} queries answered in {seconds:f2} s: {settings.Output}";
            await CsvFile.WriteAsync(settings.Output, results, cancellationToken);
        });
    AnsiConsole.WriteLine(summary);
    return 0;
}

static async Task BuildAsync(
    IObjectStore store, string name, VectorSource vectors, ProgressTask task, CancellationToken cancellationToken)
{
    task.MaxValue = Enum.GetValues<BuildPhase>().Length;
    var progress = new Progress<BuildProgress>(build => task.Value = Math.Max(task.Value, (int)build.Phase + build.Fraction));
    await VectorIndexBuilder.BuildAsync(store, name, vectors, null, progress, cancellationToken);
    task.Value = task.MaxValue; // the last reports may still be on their way
}

using System.CommandLine;
using System.Diagnostics;
using VectorEngine;
using VectorEngine.AnnBench;
using VectorEngine.Input;
using VectorEngine.Storage;

RootCommand command = BenchSettings.CreateCommand(RunAsync);
command.Add(DataGenerator.CreateCommand());
return await command.Parse(args).InvokeAsync();

static async Task<int> RunAsync(BenchSettings settings, CancellationToken cancellationToken)
{
    VectorMatrix queries = await VectorSource.FromFile(settings.Queries).LoadAsync(cancellationToken);
    int[][] truth = GroundTruth.Read(settings.GroundTruth);
    if (truth.Length < queries.Count || truth[0].Length < settings.K)
        throw new InvalidDataException(
            $"{settings.GroundTruth}: {truth.Length} x {truth[0].Length} neighbours for {queries.Count} queries and k = {settings.K}.");

    string folder = settings.Index ?? Directory.CreateTempSubdirectory("annbench-").FullName;
    try
    {
        using var store = new FileObjectStore(folder);
        BuildFigures build = await BuildAsync(store, settings, cancellationToken);
        using VectorIndex index = await VectorIndex.OpenAsync(store, "bench", null, cancellationToken);
        IndexSize size = index.Size;
        double count = index.Count;
        var bytes = new BytesPerVector(
            size.SignBytes / count, (size.SignBytes + size.ExBytes) / count, (size.SignBytes + size.ExBytes + size.RootBytes) / count);
        FilteredCase[] cases = [new FilteredCase(1, null, truth), .. await FilteredCasesAsync(settings, queries, cancellationToken)];
        BenchPoint[] points = await new Measurement(index, queries, cases, settings).RunAsync(cancellationToken);
        var report = new BenchReport(build, bytes, points);
        report.Print();
        if (settings.Json is { } json)
            report.Save(json);
        return 0;
    }
    finally
    {
        if (settings.Index is null)
            Directory.Delete(folder, recursive: true);
    }
}

static async Task<IEnumerable<FilteredCase>> FilteredCasesAsync(
    BenchSettings settings, VectorMatrix queries, CancellationToken cancellationToken)
{
    if (settings.Filters.Length == 0)
        return [];
    VectorMatrix vectors = await VectorSource.FromFile(settings.Base).LoadAsync(cancellationToken);
    return settings.Filters.Select(share => settings.Aligned
        ? FilteredCase.Aligned(vectors, queries, settings.Metric, settings.K, share)
        : FilteredCase.Independent(vectors, queries, settings.Metric, settings.K, share));
}

static async Task<BuildFigures> BuildAsync(FileObjectStore store, BenchSettings settings, CancellationToken cancellationToken)
{
    if (await store.TryReadAsync("bench/pointer", cancellationToken) is not null)
        return new BuildFigures(0, 0, []);
    var options = new VectorIndexOptions
    {
        Metric = settings.Metric,
        ClusterCount = settings.Clusters,
        MemoryLimit = settings.MemoryLimit is { } megabytes ? megabytes * 1_000_000L : null,
        StoredVectors = settings.Stage == SearchStage.Exact ? StoredVectors.Float32 : StoredVectors.None,
    };
    var phases = new PhaseClock();
    await VectorIndexBuilder.BuildAsync(store, "bench", VectorSource.FromFile(settings.Base), options, phases, cancellationToken);
    return new BuildFigures(phases.Total, Process.GetCurrentProcess().PeakWorkingSet64, phases.Seconds);
}

using System.CommandLine;
using System.Globalization;

namespace VectorEngine.AnnBench;

/// <summary>What the command line asks for.</summary>
internal sealed record BenchSettings
{
    public required string Base { get; init; }

    public required string Queries { get; init; }

    public required string GroundTruth { get; init; }

    public required Metric Metric { get; init; }

    public required int? Clusters { get; init; }

    public required int[] Probes { get; init; }

    public required int K { get; init; }

    public required int Threads { get; init; }

    public required bool Batch { get; init; }

    public required SearchStage Stage { get; init; }

    public required int Repeat { get; init; }

    public required string? Json { get; init; }

    public required string? Index { get; init; }

    public required float? Epsilon0 { get; init; }

    public required int? MemoryLimit { get; init; }

    /// <summary>Shares of the rows that filters select; beside them, searches without a filter are measured.</summary>
    public required double[] Filters { get; init; }

    public required bool Aligned { get; init; }

    /// <summary>The command, which runs <paramref name="run"/> with its settings.</summary>
    public static RootCommand CreateCommand(Func<BenchSettings, CancellationToken, Task<int>> run)
    {
        var baseFile = new Option<string>("--base") { Required = true, Description = "Vectors to index: .fvecs, .bvecs, .npy or .arrow." };
        var queries = new Option<string>("--queries") { Required = true, Description = "Queries: .fvecs, .bvecs, .npy or .arrow." };
        var truth = new Option<string>("--groundtruth") { Required = true, Description = "True neighbours: .ivecs." };
        var metric = new Option<string>("--metric") { Required = true, Description = "l2, ip or cosine." };
        metric.AcceptOnlyFromAmong("l2", "ip", "cosine");
        var clusters = new Option<int?>("--clusters") { Description = "Number of clusters; the engine's own choice if left out." };
        var probes = new Option<string>("--probes")
        {
            DefaultValueFactory = _ => "1,2,4,8,16,32,64",
            Description = "Probe counts, separated by commas.",
        };
        var k = new Option<int>("--k") { DefaultValueFactory = _ => 10, Description = "Neighbours per query." };
        var threads = new Option<int>("--threads") { DefaultValueFactory = _ => 1, Description = "Threads in batch mode." };
        var mode = new Option<string>("--mode")
        {
            DefaultValueFactory = _ => "single",
            Description = "single: one query after the other; batch: all at once.",
        };
        mode.AcceptOnlyFromAmong("single", "batch");
        var stage = new Option<string>("--stage") { DefaultValueFactory = _ => "refined", Description = "sign, refined or exact." };
        stage.AcceptOnlyFromAmong("sign", "refined", "exact");
        var repeat = new Option<int>("--repeat")
        {
            DefaultValueFactory = _ => 5,
            Description = "Passes over the queries; their median counts.",
        };
        var json = new Option<string?>("--json") { Description = "File for the results as JSON." };
        var index = new Option<string?>("--index") { Description = "Folder in which to keep the index, or from which to reuse it." };
        var epsilon0 = new Option<float?>("--epsilon0") { Description = "Half-width of the statistical bound in standard deviations." };
        var memoryLimit = new Option<int?>("--memory-limit") { Description = "Megabytes of memory that the build may take." };
        var filters = new Option<string?>("--filter")
        {
            Description = "Shares of the rows that filters select, separated by commas; their true neighbours are computed.",
        };
        var filterKind = new Option<string>("--filter-kind")
        {
            DefaultValueFactory = _ => "independent",
            Description = "independent: rows at random; aligned: the lowest along the first principal direction.",
        };
        filterKind.AcceptOnlyFromAmong("independent", "aligned");
        var command = new RootCommand("Measures recall and queries per second of an index.")
        {
            baseFile, queries, truth, metric, clusters, probes, k, threads, mode, stage, repeat, json, index, epsilon0, memoryLimit,
            filters, filterKind,
        };
        command.SetAction((result, cancellationToken) => run(
            new BenchSettings
            {
                Base = result.GetRequiredValue(baseFile),
                Queries = result.GetRequiredValue(queries),
                GroundTruth = result.GetRequiredValue(truth),
                Metric = result.GetRequiredValue(metric) switch
                {
                    "l2" => Metric.SquaredL2,
                    "ip" => Metric.InnerProduct,
                    _ => Metric.Cosine,
                },
                Clusters = result.GetValue(clusters),
                Probes = [.. result.GetRequiredValue(probes).Split(',').Select(int.Parse)],
                K = result.GetRequiredValue(k),
                Threads = result.GetRequiredValue(threads),
                Batch = result.GetRequiredValue(mode) == "batch",
                Stage = Enum.Parse<SearchStage>(result.GetRequiredValue(stage), ignoreCase: true),
                Repeat = result.GetRequiredValue(repeat),
                Json = result.GetValue(json),
                Index = result.GetValue(index),
                Epsilon0 = result.GetValue(epsilon0),
                MemoryLimit = result.GetValue(memoryLimit),
                Filters = [.. (result.GetValue(filters) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries)
                    .Select(share => double.Parse(share, CultureInfo.InvariantCulture))],
                Aligned = result.GetRequiredValue(filterKind) == "aligned",
            },
            cancellationToken));
        return command;
    }
}

using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;

namespace VectorEngine.AnnBench;

/// <summary>What a run measured.</summary>
internal sealed record BenchReport(BuildFigures Build, BytesPerVector BytesPerVector, IReadOnlyList<BenchPoint> Points)
{
    public void Print()
    {
        AnsiConsole.MarkupLineInterpolated(
            $"build [bold]{Build.Seconds:f1} s[/], peak {Build.PeakBytes / 1e6:f0} MB; bytes per vector: sign {
                BytesPerVector.Sign:f1}, refined {BytesPerVector.Refined:f1}, total {BytesPerVector.Total:f1}");
        if (Build.Phases.Count > 0)
            AnsiConsole.MarkupLineInterpolated(
                $"{string.Join(", ", Build.Phases.Select(phase => $"{phase.Key.ToString().ToLowerInvariant()} {phase.Value:f1} s"))}");
        var table = new Table().Border(TableBorder.Simple);
        string[] columns = ["probes", "filter", "stage", "recall", "qps", "p50 µs", "p99 µs", "lists", "scanned", "refined"];
        foreach (string column in columns)
            table.AddColumn(new TableColumn(column).RightAligned());
        foreach (BenchPoint point in Points)
        {
            table.AddRow(
                $"{point.Probes}", $"{100 * point.Filter:g4} %", point.Stage, $"{point.Recall:f4}", $"{point.Qps:f0}",
                $"{point.P50Micros:f1}", $"{point.P99Micros:f1}",
                $"{point.Lists:f0}", $"{point.Scanned:f0}", $"{point.Refined:f0}");
        }

        AnsiConsole.Write(table);
    }

    public void Save(string path) => File.WriteAllText(path, JsonSerializer.Serialize(this, ReportJson.Default.BenchReport));
}

/// <param name="Seconds">Time to build; 0 if an index was reused.</param>
/// <param name="PeakBytes">Largest resident memory of the process until the end of the build.</param>
/// <param name="Phases">Seconds of each phase.</param>
internal sealed record BuildFigures(double Seconds, long PeakBytes, Dictionary<BuildPhase, double> Phases);

/// <param name="Sign">1-bit layer: codes, factors, ordinals, centroids and padding.</param>
/// <param name="Refined">Both layers.</param>
/// <param name="Total">All objects but stored vectors and metadata.</param>
internal sealed record BytesPerVector(double Sign, double Refined, double Total);

/// <param name="Probes">Lists to visit.</param>
/// <param name="Filter">Share of the rows that the filter selects; 1 without.</param>
/// <param name="Stage">Stage of the search.</param>
/// <param name="Recall">Share of the first k true neighbours that were found.</param>
/// <param name="Qps">Queries per second: the median of the passes.</param>
/// <param name="P50Micros">Median time of a query, over all passes; in batch mode, of a pass divided by its queries.</param>
/// <param name="P99Micros">99th percentile.</param>
/// <param name="Lists">Lists visited per query.</param>
/// <param name="Scanned">Postings scanned per query.</param>
/// <param name="Refined">Postings refined per query.</param>
internal sealed record BenchPoint(
    int Probes, double Filter, string Stage, double Recall, double Qps, double P50Micros, double P99Micros, double Lists, double Scanned,
    double Refined);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DictionaryKeyPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true, WriteIndented = true)]
[JsonSerializable(typeof(BenchReport))]
internal sealed partial class ReportJson : JsonSerializerContext;

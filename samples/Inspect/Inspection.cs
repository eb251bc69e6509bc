using System.Diagnostics;
using Spectre.Console;
using VectorEngine;
using VectorEngine.Storage;

namespace Inspect;

/// <summary>Everything that is shown of one index.</summary>
internal static class Inspection
{
    private const int HitCount = 10, MostDamages = 20, MostVersions = 10;

    /// <summary>Shows an index; returns the exit code: 1 if it is damaged or not there.</summary>
    public static async Task<int> RunAsync(IAnsiConsole console, string folder, string name, CancellationToken cancellationToken)
    {
        try
        {
            using var store = new FileObjectStore(folder);
            using VectorIndex index = await VectorIndex.OpenAsync(store, name, null, cancellationToken);
            IndexStatistics statistics = index.Describe();
            Show(console, name, index, statistics);
            Show(console, await VectorIndexVersions.ListAsync(store, name, cancellationToken));
            foreach (string warning in Warnings.Of(index.Metric, statistics))
                console.MarkupLineInterpolated($"[yellow]! {warning}[/]");
            VerificationReport report = await VerifyAsync(console, index, cancellationToken);
            Show(console, report);
            if (report.IsIntact)
                await ExplainAsync(console, index, cancellationToken);
            return report.IsIntact ? 0 : 1;
        }
        catch (Exception e) when (e is ObjectNotFoundException or CorruptDataException)
        {
            console.MarkupLineInterpolated($"[red]{e.Message}[/]");
            return 1;
        }
    }

    private static void Show(IAnsiConsole console, string name, VectorIndex index, IndexStatistics statistics)
    {
        DateTime published = statistics.Published.LocalDateTime;
        console.MarkupLineInterpolated($"[bold]{name}[/], version {statistics.Version}, published {published:yyyy-MM-dd HH:mm}");
        console.MarkupLineInterpolated($"{index.Count:N0} vectors of {index.Dimensions:N0} dimensions, {index.Metric}");
        console.MarkupLineInterpolated($"segments: {string.Join(", ", statistics.Segments.Select(segment => $"{segment.Count:N0}"))}");
        Table layers = new Table().AddColumns("Layer", "Bytes", "per vector");
        layers.Columns[1].Alignment = layers.Columns[2].Alignment = Justify.Right;
        foreach ((string layer, long bytes) in (IEnumerable<(string, long)>)
        [
            ("root: centroids and what finds the rest", statistics.Size.RootBytes), ("sign codes", statistics.Size.SignBytes),
            ("ex-codes", statistics.Size.ExBytes), ("stored vectors", statistics.Size.VectorBytes),
            ("metadata", statistics.Size.MetadataBytes), ("ids", statistics.Size.IdBytes), ("all", statistics.Size.TotalBytes),
        ])
        {
            layers.AddRow(layer, $"{bytes:N0}", $"{(double)bytes / index.Count:N1}");
        }
        console.Write(layers);
        ListHistogram histogram = new([.. statistics.Segments.SelectMany(segment => segment.ListSizes)]);
        if (histogram.Bars.Count > 0)
            console.Write(histogram.ToChart());
    }

    private static void Show(IAnsiConsole console, IReadOnlyList<IndexVersion> versions)
    {
        IEnumerable<string> newest = versions.Take(MostVersions).Select(version =>
            $"{version.Number} ({version.Published.LocalDateTime:yyyy-MM-dd HH:mm})");
        string others = versions.Count > MostVersions ? $" and {versions.Count - MostVersions:N0} before" : "";
        console.MarkupLineInterpolated($"versions that can be opened: {string.Join(", ", newest)}{others}");
    }

    private static async Task<VerificationReport> VerifyAsync(IAnsiConsole console, VectorIndex index, CancellationToken cancellationToken)
    {
        VerificationReport? report = null;
        await console.Progress().StartAsync(async context =>
        {
            ProgressTask task = context.AddTask("comparing checksums", maxValue: 1);
            report = await index.VerifyAsync(new Bar(task), cancellationToken);
        });
        return report!;
    }

    private static void Show(IAnsiConsole console, VerificationReport report)
    {
        if (report.IsIntact)
        {
            console.MarkupLineInterpolated($"[green]{report.BytesRead:N0} bytes are intact.[/]");
            return;
        }
        console.MarkupLineInterpolated($"[red]{report.DamagedRanges:N0} ranges are damaged:[/]");
        foreach (CorruptDataException damage in report.Damages.Take(MostDamages))
            console.MarkupLineInterpolated($"[red]  {damage.Message}[/]");
    }

    /// <summary>Searches for a vector of the index or, where none are stored, for a random one, and tells what the search did.</summary>
    private static async Task ExplainAsync(IAnsiConsole console, VectorIndex index, CancellationToken cancellationToken)
    {
        long ordinal = Random.Shared.NextInt64(index.Count);
        bool stored = index.StoredVectors != StoredVectors.None;
        float[] query = stored
            ? (await index.GetVectorsAsync(new[] { ordinal }, cancellationToken))[0].ToArray()
            : Enumerable.Range(0, index.Dimensions).Select(_ => Random.Shared.NextSingle() - 0.5f).ToArray();
        long start = Stopwatch.GetTimestamp();
        SearchResult result = await index.SearchAsync(query, HitCount, null, cancellationToken);
        double milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        SearchReceipt receipt = result.Receipt;

        string what = stored ? $"vector {ordinal:N0}" : "a random vector";
        console.MarkupLineInterpolated($"A search for {what}, {milliseconds:f1} ms with what had to be read:");
        Table steps = new Table().HideHeaders().NoBorder().AddColumns("", "");
        steps.AddRow("lists visited", $"{receipt.ListsProbed:N0} of {index.ClusterCount:N0}");
        steps.AddRow("vectors scanned", $"{receipt.PostingsScanned:N0} of {index.Count:N0}");
        steps.AddRow("ruled out by their signs", $"{receipt.PostingsPruned:N0}");
        steps.AddRow("refined with the other three bits", $"{receipt.PostingsRefined:N0}");
        steps.AddRow("compared with the stored vector", $"{receipt.PostingsRescored:N0}");
        steps.AddRow("asked of the store", $"{receipt.Requests:N0} requests, {receipt.BytesRead:N0} bytes, {receipt.Rounds:N0} rounds");
        steps.AddRow("found", string.Join(", ", result.Take(3).Select(hit => $"{hit.Ordinal:N0} at {hit.Distance:g3}")) + ", ...");
        console.Write(steps);
        MemoryUsage memory = index.MemoryUsage;
        console.MarkupLineInterpolated($"In memory now: {memory.TotalBytes:N0} bytes");
        console.MarkupLineInterpolated($"  (root {memory.RootBytes:N0}, sign codes {memory.SignBytes:N0}, ex-codes {memory.ExBytes:N0}, stored vectors {memory.VectorBytes:N0})");
    }

    /// <summary>Reports at once, unlike Progress&lt;T&gt;, whose last report may come after the bar has ended.</summary>
    private sealed class Bar(ProgressTask task) : IProgress<double>
    {
        public void Report(double value) => task.Value = value;
    }
}

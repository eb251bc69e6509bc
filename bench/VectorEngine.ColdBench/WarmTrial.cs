using System.Diagnostics;
using System.Text.Json;

namespace VectorEngine.ColdBench;

/// <summary>Opens the index with a cache on disk and asks one query, again and again.</summary>
internal sealed record WarmTrial : Trial
{
    private const int Reopenings = 20, Repetitions = 200;

    public required string CacheFolder { get; init; }

    public new async Task<WarmAnswer> RunAsync(CancellationToken cancellationToken) =>
        JsonSerializer.Deserialize(await base.RunAsync(cancellationToken), BenchJson.Default.WarmAnswer)!;

    protected override async Task<string> MeasureAsync()
    {
        var store = new CountingStore(await Store.OpenFarAsync());
        (VectorIndex index, OpenedSearch first, int requests) = await OpenAndSearchAsync(store);
        var reopened = new OpenedSearch[Reopenings];
        for (int i = 0; i < reopened.Length; i++)
        {
            await index.DisposeAsync();
            (index, reopened[i], _) = await OpenAndSearchAsync(store);
        }

        double[] milliseconds = new double[2 * Repetitions];
        for (int i = 0; i < milliseconds.Length; i++)
        {
            long start = Stopwatch.GetTimestamp();
            await SearchAsync(index);
            milliseconds[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        await index.DisposeAsync();
        var anew = new OpenedSearch(
            Spread.Of(reopened.Select(opened => opened.OpenMilliseconds)).P50,
            Spread.Of(reopened.Select(opened => opened.SearchMilliseconds)).P50);
        // By then the code is compiled well.
        double memory = Spread.Of(milliseconds[Repetitions..]).P50;
        return JsonSerializer.Serialize(new WarmAnswer(first, requests, anew, memory), BenchJson.Default.WarmAnswer);
    }

    private async Task<(VectorIndex Index, OpenedSearch Times, int SearchRequests)> OpenAndSearchAsync(CountingStore store)
    {
        long start = Stopwatch.GetTimestamp();
        VectorIndex index = await VectorIndex.OpenAsync(
            store, BuildCommand.IndexName, new OpenOptions { CacheFolder = CacheFolder, CacheLimit = long.MaxValue });
        long opened = Stopwatch.GetTimestamp();
        int requests = store.All.Requests;
        await SearchAsync(index);
        var times = new OpenedSearch(
            Stopwatch.GetElapsedTime(start, opened).TotalMilliseconds, Stopwatch.GetElapsedTime(opened).TotalMilliseconds);
        return (index, times, store.All.Requests - requests);
    }

    private ValueTask<SearchResult> SearchAsync(VectorIndex index) =>
        index.SearchAsync(Queries[0], K, new SearchOptions { ProbeCount = Probes });
}

/// <summary>A query that was asked before.</summary>
/// <param name="New">In a new process, with nothing compiled yet.</param>
/// <param name="SearchRequests">Requests that the search made there to the store.</param>
/// <param name="Anew">The index opened anew in that process, nothing of it in memory: medians.</param>
/// <param name="MemoryMilliseconds">The query again, everything in memory: the median.</param>
internal sealed record WarmAnswer(OpenedSearch New, int SearchRequests, OpenedSearch Anew, double MemoryMilliseconds);

/// <summary>Times of opening the index, and of the search after it.</summary>
internal readonly record struct OpenedSearch(double OpenMilliseconds, double SearchMilliseconds);

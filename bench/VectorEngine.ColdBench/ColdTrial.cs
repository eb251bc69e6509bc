using System.Diagnostics;
using System.Text.Json;

namespace VectorEngine.ColdBench;

/// <summary>Opens the index and answers one query step by step, timed from before the opening.</summary>
internal sealed record ColdTrial : Trial
{
    public new async Task<ColdAnswer> RunAsync(CancellationToken cancellationToken) =>
        JsonSerializer.Deserialize(await base.RunAsync(cancellationToken), BenchJson.Default.ColdAnswer)!;

    protected override async Task<string> MeasureAsync()
    {
        var store = new CountingStore(await Store.OpenFarAsync());
        var moments = new List<(TimeSpan Elapsed, Traffic All, Traffic Sign, SearchResult? Result)>();
        long start = Stopwatch.GetTimestamp();
        using VectorIndex index = await VectorIndex.OpenAsync(store, BuildCommand.IndexName);
        int openRounds = store.Objects;   // each object is known from the one before
        moments.Add((Stopwatch.GetElapsedTime(start), store.All, store.Sign, null));
        await foreach (SearchSnapshot snapshot in index.SearchProgressiveAsync(Queries[0], K, new SearchOptions { ProbeCount = Probes }))
            moments.Add((Stopwatch.GetElapsedTime(start), store.All, store.Sign, snapshot.Result));

        // What is certain early has no further steps: its last answer is that of the steps that are left out.
        while (moments.Count <= (int)SearchStage.Exact)
            moments.Add(moments[^1]);
        SearchReceipt first = moments[1].Result!.Receipt;
        var answer = new ColdAnswer(
            [.. moments.Select(moment => new ColdStep(
                moment.Elapsed.TotalMilliseconds, moment.All.Requests, moment.All.Bytes,
                openRounds + (moment.Result?.Receipt.Rounds ?? 0), [.. moment.Result?.Select(hit => (int)hit.Ordinal) ?? []]))],
            first.ListsProbed, moments[1].Sign.Requests, moments[1].Sign.Bytes,
            (double)first.PostingsScanned / index.Count * index.Size.SignBytes);
        return JsonSerializer.Serialize(answer, BenchJson.Default.ColdAnswer);
    }
}

/// <summary>A cold start.</summary>
/// <param name="Steps">After opening, and after the answer of each stage from the 1-bit layer on.</param>
/// <param name="Lists">Lists probed.</param>
/// <param name="SignRequests">Requests to the 1-bit layer.</param>
/// <param name="SignBytes">Bytes that they asked for.</param>
/// <param name="OwnBytes">Bytes of the probed lists in that layer: its length, by their share of the postings.</param>
internal sealed record ColdAnswer(ColdStep[] Steps, int Lists, int SignRequests, long SignBytes, double OwnBytes);

/// <summary>How far a cold start is, from the beginning on.</summary>
/// <param name="Milliseconds">Time.</param>
/// <param name="Requests">Requests to the store.</param>
/// <param name="Bytes">Bytes that they asked for.</param>
/// <param name="Rounds">Round trips that depend on each other.</param>
/// <param name="Hits">Ordinals of the answer.</param>
internal sealed record ColdStep(double Milliseconds, int Requests, long Bytes, int Rounds, int[] Hits);

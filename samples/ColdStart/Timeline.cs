using System.Diagnostics;
using VectorEngine;
using VectorEngine.Testing;

namespace ColdStart;

/// <summary>A step of a start; times and counts are the step's own.</summary>
/// <param name="Name">What it ends with.</param>
/// <param name="Begin">When it began, from the start on.</param>
/// <param name="Duration">How long it took.</param>
/// <param name="Requests">Requests to the store.</param>
/// <param name="Bytes">Bytes that they asked for.</param>
/// <param name="Rounds">Round trips that depend on each other.</param>
/// <param name="Dollars">What the requests cost.</param>
/// <param name="Result">The answer that is there then; null before the first.</param>
internal sealed record Step(
    string Name, TimeSpan Begin, TimeSpan Duration, long Requests, long Bytes, int Rounds, double Dollars, SearchResult? Result);

/// <summary>What happens from opening an index to its last answer to a query, and when the query is asked again.</summary>
internal sealed record Timeline(IReadOnlyList<Step> Steps)
{
    private const int HitCount = 10;

    /// <summary>The pointer, and the root that it names.</summary>
    private const int OpenRounds = 2;

    /// <summary>Opens the index and searches.</summary>
    /// <param name="store">Where the index is; it counts what is read.</param>
    /// <param name="name">Its name.</param>
    /// <param name="query">What to look for.</param>
    /// <param name="cancellationToken">Cancels it.</param>
    public static async Task<Timeline> MeasureAsync(
        SimulatedStore store, string name, ReadOnlyMemory<float> query, CancellationToken cancellationToken)
    {
        var options = new OpenOptions();
        long start = Stopwatch.GetTimestamp();
        using VectorIndex index = await VectorIndex.OpenAsync(store, name, options, cancellationToken);
        TimeSpan end = Stopwatch.GetElapsedTime(start);
        StoreStatistics read = store.Statistics;
        var steps = new List<Step>
        {
            new(
                "open", default, end, read.Requests, read.BytesRead, OpenRounds,
                read.Requests * options.DollarsPerThousandRequests / 1000, null),
        };

        SearchReceipt before = default;
        await foreach (SearchSnapshot snapshot in index.SearchProgressiveAsync(query, HitCount, null, cancellationToken))
        {
            Add(snapshot.Result.Stage switch
            {
                SearchStage.Sign => "first answer",
                SearchStage.Refined => "refined answer",
                _ => "exact answer",
            }, snapshot.Result, before);
            before = snapshot.Result.Receipt;
        }

        Add("asked again", await index.SearchAsync(query.Span, HitCount, null, cancellationToken), default);
        return new Timeline(steps);

        void Add(string step, SearchResult result, SearchReceipt until)
        {
            TimeSpan begin = end;
            end = Stopwatch.GetElapsedTime(start);
            SearchReceipt receipt = result.Receipt;
            steps.Add(new Step(
                step, begin, end - begin, receipt.Requests - until.Requests, receipt.BytesRead - until.BytesRead,
                receipt.Rounds - until.Rounds, receipt.EstimatedDollars - until.EstimatedDollars, result));
        }
    }
}

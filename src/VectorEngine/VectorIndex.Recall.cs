using System.Diagnostics;
using VectorEngine.Loading;
using VectorEngine.Numerics;
using VectorEngine.Search;

namespace VectorEngine;

/// <content>Measures how much of the truth searches find.</content>
public sealed partial class VectorIndex
{
    /// <summary>
    /// Measures the recall of searches: vectors of the index, drawn at random, serve as queries, each is left out of its own answer, and
    /// the hits are compared with those of brute force.
    /// </summary>
    /// <remarks>
    /// Queries that are not like the vectors of the index, such as questions where those are answers, can have another recall.
    /// Of several vectors at the same distance only those count as true neighbours that brute force returns.
    /// </remarks>
    /// <param name="k">Neighbours per query, from 1.</param>
    /// <param name="options">How to search; null for the defaults.</param>
    /// <param name="sampleSize">Queries, from 1; no more than there are vectors.</param>
    /// <param name="seed">Draws the queries: the same seed draws the same.</param>
    /// <param name="progress">Told the share of the work that is done, from 0 to 1.</param>
    /// <param name="cancellationToken">Cancels the measurement.</param>
    /// <exception cref="VectorsNotStoredException">
    /// The index, or a segment of it, has no stored vectors: nothing tells what the true neighbours are.
    /// </exception>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="InvalidOperationException">The index has one vector, which has no neighbours.</exception>
    /// <exception cref="CorruptDataException">What was read from the store is damaged.</exception>
    /// <exception cref="ObjectDisposedException">The index is disposed.</exception>
    public async Task<RecallEvaluation> EvaluateRecallAsync(
        int k, SearchOptions? options = null, int sampleSize = 1000, ulong seed = 42, IProgress<double>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sampleSize, 1);
        options = (options ?? SearchOptions.Default) with { Columns = [] };
        Check(Dimensions, k, options);
        RequireVectors();
        if (Count == 1)
            throw new InvalidOperationException("An index of one vector has no neighbours to find.");
        using var use = new ActiveSearch(this);
        long[] sample = new SeededRandom(seed).Sample(Count, (int)Math.Min(sampleSize, Count));
        float[] vectors = await RowReader.ReadVectorsAsync(_segments, sample, new ReadScope(), cancellationToken).ConfigureAwait(false);
        var queries = new VectorMatrix(vectors, Dimensions);
        int wanted = (int)Math.Min((long)k + 1, Count);
        SearchRequest request = await WithFiltersAsync(new SearchRequest(wanted, options), cancellationToken).ConfigureAwait(false);
        var bruteForce = new SearchOptions { Stage = SearchStage.BruteForce, Columns = [] };
        SearchResult[] truth = await AnswerAsync(
            queries, request with { Options = bruteForce }, -1, progress is null ? null : new FirstHalf(progress, sample.Length),
            cancellationToken).ConfigureAwait(false);
        return await Task.Run(
            () => CompareAsync(queries, sample, truth, request, progress, cancellationToken), cancellationToken).ConfigureAwait(false);
    }

    private async Task<RecallEvaluation> CompareAsync(
        VectorMatrix queries, long[] sample, SearchResult[] truth, SearchRequest request, IProgress<double>? progress,
        CancellationToken cancellationToken)
    {
        double recall = 0;
        long ticks = 0;
        for (int i = 0; i < sample.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            // Not timed: brings the lists into memory.
            SearchResult result = await AnswerAsync(_searcher.Begin(queries[i], request), request, cancellationToken).ConfigureAwait(false);
            long start = Stopwatch.GetTimestamp();
            await AnswerAsync(_searcher.Begin(queries[i], request), request, cancellationToken).ConfigureAwait(false);
            ticks += Stopwatch.GetTimestamp() - start;
            HashSet<long> found = [.. NeighboursOf(sample[i], result)];
            recall += NeighboursOf(sample[i], truth[i]).Average(ordinal => found.Contains(ordinal) ? 1.0 : 0.0);
            progress?.Report(0.5 + (0.5 * (i + 1) / sample.Length));
        }

        return new RecallEvaluation(recall / sample.Length, sample.Length, Stopwatch.GetElapsedTime(0, ticks) / sample.Length);

        IEnumerable<long> NeighboursOf(long own, SearchResult result) =>
            result.Ordinals().Where(ordinal => ordinal != own).Take(request.Count - 1);
    }

    /// <summary>Passes the number of queries on as a share of the first half of the work.</summary>
    private sealed class FirstHalf(IProgress<double> progress, int queries) : IProgress<int>
    {
        public void Report(int value) => progress.Report(0.5 * value / queries);
    }
}

/// <summary>How much of the truth searches have found.</summary>
public sealed record RecallEvaluation
{
    internal RecallEvaluation(double recall, int queries, TimeSpan meanLatency)
    {
        Recall = recall;
        Queries = queries;
        MeanLatency = meanLatency;
        (Low, High) = Wilson(recall, queries);
    }

    /// <summary>The mean share of the true neighbours that were found, from 0 to 1.</summary>
    public double Recall { get; }

    /// <summary>The lower end of the recall's interval at 95 % confidence.</summary>
    /// <remarks>
    /// Wilson's score interval ("Probable inference, the law of succession, and statistical inference", 1927) over the queries. That is the
    /// interval for shares of yes and no; the recalls of single queries lie between, and vary less, so it is wider than need be.
    /// </remarks>
    public double Low { get; }

    /// <summary>The upper end of the interval, like <see cref="Low"/>.</summary>
    public double High { get; }

    /// <summary>Number of queries.</summary>
    public int Queries { get; }

    /// <summary>The mean time of a search, one after the other on one thread, once what it reads is in memory.</summary>
    public TimeSpan MeanLatency { get; }

    /// <summary>The values p for which <paramref name="share"/> lies within 1.96 standard deviations, sqrt(p (1 - p) / n).</summary>
    private static (double Low, double High) Wilson(double share, int n)
    {
        const double Z = 1.959964;
        double centre = share + (Z * Z / (2 * n));
        double width = Z * Math.Sqrt((share * (1 - share) / n) + (Z * Z / (4.0 * n * n)));
        double scale = 1 + (Z * Z / n);
        return (Math.Max(0, (centre - width) / scale), Math.Min(1, (centre + width) / scale));
    }
}

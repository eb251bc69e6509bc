using System.Diagnostics;

namespace VectorEngine.AnnBench;

/// <summary>Measures every probe count and filter in passes that take turns, so that a noisy moment does not favour one of them.</summary>
internal sealed class Measurement(VectorIndex index, VectorMatrix queries, FilteredCase[] cases, BenchSettings settings)
{
    public async Task<BenchPoint[]> RunAsync(CancellationToken cancellationToken)
    {
        Series[] series = [.. settings.Probes.SelectMany(probes => cases.Select(filtered => new Series(filtered, new SearchOptions
        {
            ProbeCount = probes,
            Stage = settings.Stage,
            Epsilon0 = settings.Epsilon0,
            Filter = filtered.Rows,
        })))];

        // Untimed: brings the lists into memory, compiles the hot paths, and gives the recall.
        foreach (Series one in series)
        {
            for (int warm = 0; warm < 2; warm++)
                one.Results = await PassAsync(one, timed: false, cancellationToken);
        }

        for (int pass = 0; pass < settings.Repeat; pass++)
        {
            foreach (Series one in series)
                await PassAsync(one, timed: true, cancellationToken);
        }

        return [.. series.Select(Summarise)];
    }

    private async Task<SearchResult[]> PassAsync(Series series, bool timed, CancellationToken cancellationToken)
    {
        var results = new SearchResult[queries.Count];
        long start = Stopwatch.GetTimestamp();
        if (settings.Batch)
        {
            results = await index.SearchBatchAsync(queries, settings.K, series.Options, settings.Threads, null, cancellationToken);
        }
        else
        {
            for (int i = 0; i < queries.Count; i++)
            {
                long before = Stopwatch.GetTimestamp();
                results[i] = index.Search(queries[i], settings.K, series.Options);
                if (timed)
                    series.Micros.Add(Stopwatch.GetElapsedTime(before).TotalMicroseconds);
            }
        }

        TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
        if (timed)
            series.Qps.Add(queries.Count / elapsed.TotalSeconds);
        // Queries of a batch have no time of their own: each pass counts as one.
        if (timed && settings.Batch)
            series.Micros.Add(elapsed.TotalMicroseconds / queries.Count);
        return results;
    }

    private BenchPoint Summarise(Series series)
    {
        SearchResult[] results = series.Results;
        double found = 0, wanted = 0;
        for (int i = 0; i < results.Length; i++)
        {
            var expected = series.Case.Truth[i].Take(settings.K).ToHashSet();
            wanted += expected.Count;
            for (int rank = 0; rank < results[i].Count; rank++)
                found += expected.Contains((int)results[i][rank].Ordinal) ? 1 : 0;
        }

        return new BenchPoint(
            series.Options.ProbeCount!.Value,
            series.Case.Share,
            settings.Stage.ToString().ToLowerInvariant(),
            found / wanted,
            Percentile(series.Qps, 0.5),
            Percentile(series.Micros, 0.5),
            Percentile(series.Micros, 0.99),
            results.Average(result => result.Receipt.ListsProbed),
            results.Average(result => result.Receipt.PostingsScanned),
            results.Average(result => result.Receipt.PostingsRefined));
    }

    private static double Percentile(List<double> values, double share)
    {
        values.Sort();
        return values.Count == 0 ? 0 : values[(int)(share * (values.Count - 1))];
    }

    private sealed class Series(FilteredCase filtered, SearchOptions options)
    {
        public FilteredCase Case => filtered;

        public SearchOptions Options => options;

        public SearchResult[] Results { get; set; } = [];

        public List<double> Qps { get; } = [];

        public List<double> Micros { get; } = [];
    }
}

using System.Globalization;
using System.Text;
using VectorEngine.Arrow;
using VectorEngine.Storage;

namespace VectorEngine.Fuzz.Corruption;

/// <summary>What one use of an index gave: an answer, in text, or an exception.</summary>
/// <param name="Step">How it was used.</param>
/// <param name="Answer">The answer.</param>
/// <param name="Failure">The exception.</param>
/// <param name="Allocated">Bytes allocated meanwhile.</param>
internal sealed record StepResult(string Step, string? Answer, Exception? Failure, long Allocated);

/// <summary>Uses an index in every way that reads something.</summary>
internal static class Exercise
{
    private const int Seed = 11;

    /// <summary>Opens the index and takes each step, whether or not the one before has failed.</summary>
    public static async Task<IReadOnlyList<StepResult>> RunAsync(IObjectStore store, OpenOptions options)
    {
        var results = new List<StepResult>();
        VectorIndex? index = null;
        await TakeAsync("open", async () =>
        {
            index = await VectorIndex.OpenAsync(store, IntactIndex.Key, options);
            return Describe(index);
        });
        foreach ((string step, Func<Task<string>> action) in VersionUses.Steps(store, options))
            await TakeAsync(step, action);
        if (index is null)
            return results;
        using (index)
        {
            foreach ((string step, Func<Task<string>> action) in Steps(index))
                await TakeAsync(step, action);
        }

        return results;

        async Task TakeAsync(string step, Func<Task<string>> action)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            string? answer = null;
            Exception? failure = null;
            try
            {
                answer = await action();
            }
            catch (Exception e)
            {
                failure = e;
            }

            results.Add(new StepResult(step, answer, failure, GC.GetTotalAllocatedBytes(precise: true) - before));
        }
    }

    private static IEnumerable<(string Step, Func<Task<string>> Action)> Steps(VectorIndex index)
    {
        yield return ("statistics", async () => string.Join('\n', index.Describe().Segments.Select(segment => string.Create(
            CultureInfo.InvariantCulture,
            $"{segment.CommonLength} {segment.Imbalance} {segment.DuplicateLists} {string.Join(' ', segment.Spreads)}"))));
        yield return ("verify", async () => Describe(await index.VerifyAsync()));
        VectorMatrix queries = Corpus.Vectors(20, index.Dimensions, Seed);
        string[] columns = [.. index.Metadata?.Fields.Select(field => field.Name).Distinct() ?? []];
        foreach (SearchStage stage in Enum.GetValues<SearchStage>())
        {
            if (stage >= SearchStage.Exact && index.StoredVectors == StoredVectors.None)
                continue;
            foreach (ErrorBound bound in Enum.GetValues<ErrorBound>())
            {
                var options = new SearchOptions { Stage = stage, Bound = bound, ProbeCount = 3 };
                yield return ($"{stage}, {bound}", async () => Describe(index.Search(queries[0], 5, options)));
            }
        }

        foreach (string column in columns)
            yield return ($"column {column}", async () => Describe(
                await index.SearchAsync(queries[1], 7, new SearchOptions { Columns = [column] })));

        var all = new SearchOptions { ProbeCount = int.MaxValue, Columns = columns };
        yield return ("all", async () => Describe(await index.SearchAsync(queries[2], 400, all)));
        yield return ("recall target", async () => Describe(
            await index.SearchAsync(queries[3], 5, new SearchOptions { RecallTarget = 0.8 })));
        yield return ("range", async () => Describe(await index.SearchRangeAsync(queries[4], Radius(index.Metric))));
        foreach ((string step, Func<Task<string>> action) in RowUses.Steps(index).Concat(FilterUses.Steps(index, queries)))
            yield return (step, action);
        yield return ("batch", async () => string.Join('\n', (await index.SearchBatchAsync(
            queries, 3, new SearchOptions { Columns = columns }, maxDegreeOfParallelism: 2)).Select(Describe)));
    }

    /// <summary>A distance that some of the vectors are within.</summary>
    private static float Radius(Metric metric) => metric switch { Metric.SquaredL2 => 100, Metric.Cosine => 0.7f, _ => -5 };

    /// <summary>All that an index says of itself.</summary>
    public static string Describe(VectorIndex index)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{index.Version} {index.Count} {index.Dimensions} {index.Metric} {index.ClusterCount} ");
        text.Append(CultureInfo.InvariantCulture, $"{index.StoredVectors} {index.Size}");
        foreach (ArrowField field in index.Metadata?.Fields ?? [])
            text.Append(CultureInfo.InvariantCulture, $" {field}");
        return text.ToString();
    }

    /// <summary>What was verified; damage is thrown, like that which another use meets.</summary>
    private static string Describe(VerificationReport report) =>
        report.IsIntact ? report.BytesRead.ToString(CultureInfo.InvariantCulture) : throw report.Damages[0];

    /// <summary>All that a result says.</summary>
    public static string Describe(SearchResult result)
    {
        var text = new StringBuilder();
        // What it took to read is another each time.
        SearchReceipt work = result.Receipt with
        {
            Requests = 0, BytesRead = 0, CachedBytesRead = 0, Rounds = 0, Elapsed = default, EstimatedDollars = 0,
        };
        text.Append(CultureInfo.InvariantCulture, $"{result.Stage} {work}");
        foreach (SearchHit hit in result)
            text.Append(CultureInfo.InvariantCulture, $" {hit}");
        return text.Append(result.Rows is { } rows ? Describe(rows) : "").ToString();
    }

    /// <summary>All values of a table.</summary>
    public static string Describe(RecordBatch rows)
    {
        var text = new StringBuilder();
        foreach (ArrowArray column in rows.Columns)
            Describe(text, column);
        return text.ToString();
    }

    private static void Describe(StringBuilder text, ArrowArray column)
    {
        for (int row = 0; row < column.Length; row++)
        {
            text.Append(' ');
            if (column.IsNull(row))
                continue;
            _ = column switch
            {
                Utf8Array texts => text.Append(texts.GetString(row)),
                BoolArray flags => text.Append(flags[row]),
                PrimitiveArray<long> longs => text.Append(longs[row]),
                PrimitiveArray<short> shorts => text.Append(shorts[row]),
                PrimitiveArray<double> doubles => text.Append(doubles[row]),
                FixedSizeListArray<float> vectors => text.AppendJoin(',', vectors[row].ToArray()),
                _ => text.Append(column.Type), // what damage has made of a column
            };
        }
    }
}

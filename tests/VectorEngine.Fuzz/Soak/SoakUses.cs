using System.Globalization;
using System.Text;
using VectorEngine.Arrow;
using VectorEngine.Fuzz.Corruption;

namespace VectorEngine.Fuzz.Soak;

/// <summary>Uses of an opened version, by chance, each compared with the same use of an intact copy.</summary>
/// <param name="index">The index.</param>
/// <param name="intact">The copy.</param>
/// <param name="random">Decides.</param>
internal sealed class SoakUses(VectorIndex index, VectorIndex intact, Random random)
{
    private const int MostHits = 30;

    private readonly VectorMatrix _sample = SoakVersions.Sample(index.Version, 20);

    /// <summary>A use: what it is, and what does it, which tells what is wrong with the answer.</summary>
    public (string What, Func<CancellationToken, Task<string?>> Use) Next()
    {
        int k = 1 + random.Next(MostHits);
        SearchOptions options = Options();
        float[] query = Query();
        return random.Next(12) switch
        {
            0 => ("batch", BatchAsync),
            1 => ("vectors", index.StoredVectors == StoredVectors.None ? RowsAsync : VectorsAsync),
            2 => ("rows", RowsAsync),
            3 => ("ids", index.IdColumn is null ? RowsAsync : FindAsync),
            4 => ("filter", SelectAsync),
            5 => ("search in place", _ => Task.Run(() => Compare(index.Search(query, k, options), intact.Search(query, k, options)))),
            6 or 7 or 8 => ("progressive", cancellation => ProgressiveAsync(query, k, options, cancellation)),
            _ => ("search", async cancellation => Compare(
                await index.SearchAsync(query, k, options, cancellation), await intact.SearchAsync(query, k, options))),
        };

        async Task<string?> BatchAsync(CancellationToken cancellation)
        {
            SearchResult[] right = await intact.SearchBatchAsync(_sample, k, options);
            SearchResult[] found = await index.SearchBatchAsync(_sample, k, options, maxDegreeOfParallelism: 2, null, cancellation);
            return found.Zip(right, Compare).FirstOrDefault(wrong => wrong is not null);
        }
    }

    /// <summary>What is wrong with an answer; null if nothing is.</summary>
    public static string? Compare(SearchResult found, SearchResult right) => Compare(Text(found), Text(right));

    private static string? Compare(string found, string right) => found == right ? null : $"{found}\nand not\n{right}";

    /// <summary>What does not depend on how much had to be read.</summary>
    private static string Text(SearchResult result) =>
        string.Create(CultureInfo.InvariantCulture, $"{Hits(result)}{(result.Rows is { } rows ? Exercise.Describe(rows) : "")}");

    private static string Hits(SearchResult result)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{result.Stage}");
        foreach (SearchHit hit in result)
            text.Append(CultureInfo.InvariantCulture, $" {hit}");
        return text.ToString();
    }

    /// <summary>Compares every answer, and sometimes has seen enough before the last.</summary>
    private async Task<string?> ProgressiveAsync(float[] query, int k, SearchOptions options, CancellationToken cancellationToken)
    {
        var right = new List<string>();
        await foreach (SearchSnapshot snapshot in intact.SearchProgressiveAsync(query, k, options, CancellationToken.None))
            right.Add(Hits(snapshot.Result));
        int enough = random.Next(6), step = 0;
        await foreach (SearchSnapshot snapshot in index.SearchProgressiveAsync(query, k, options, cancellationToken))
        {
            // With less in memory, less may be certain, and an answer may follow on one that was the copy's last.
            string? expected = step < right.Count ? right[step]
                : snapshot.IsFinal && snapshot.CertainCount < snapshot.Result.Count ? Hits(await intact.SearchAsync(query, k, options))
                : null;
            if (expected is not null && Compare(Hits(snapshot.Result), expected) is { } wrong)
                return $"answer {step}: {wrong}";
            if (snapshot.IsFinal && snapshot.Result.Rows is { } rows)
            {
                long[] ordinals = [.. snapshot.Result.Select(hit => hit.Ordinal)];
                RecordBatch expectedRows = await intact.GetRowsAsync(ordinals, options.Columns ?? [intact.IdColumn!]);
                if (Exercise.Describe(rows) != Exercise.Describe(expectedRows))
                    return "the rows of the last answer are others";
            }

            if (step++ == enough)
                break;
        }

        return step > 0 ? null : "no answer";
    }

    private async Task<string?> VectorsAsync(CancellationToken cancellationToken)
    {
        long[] ordinals = Ordinals();
        VectorMatrix found = await index.GetVectorsAsync(ordinals, cancellationToken), right = await intact.GetVectorsAsync(ordinals);
        return Enumerable.Range(0, ordinals.Length).All(i => found[i].SequenceEqual(right[i])) ? null : "other vectors";
    }

    private async Task<string?> RowsAsync(CancellationToken cancellationToken)
    {
        long[] ordinals = Ordinals();
        return Compare(
            Exercise.Describe(await index.GetRowsAsync(ordinals, null, cancellationToken)),
            Exercise.Describe(await intact.GetRowsAsync(ordinals)));
    }

    private async Task<string?> FindAsync(CancellationToken cancellationToken)
    {
        ArrowArray names = (await intact.GetRowsAsync(Ordinals(), [intact.IdColumn!])).Columns[0];
        return Compare(
            string.Join(' ', await index.FindAsync(names, cancellationToken)), string.Join(' ', await intact.FindAsync(names)));
    }

    private async Task<string?> SelectAsync(CancellationToken cancellationToken)
    {
        Filter filter = Condition();
        RowSet found = await index.SelectAsync(filter, cancellationToken), right = await intact.SelectAsync(filter);
        for (long row = 0; row < right.Length; row++)
        {
            if (found.Contains(row) != right.Contains(row))
                return $"row {row} is {(right.Contains(row) ? "not " : "")}selected";
        }

        return null;
    }

    private long[] Ordinals() => [.. Enumerable.Range(0, 1 + random.Next(40)).Select(_ => random.NextInt64(intact.Count))];

    private float[] Query() => [.. _sample[random.Next(_sample.Count)].ToArray().Select(value => value + random.NextSingle() - 0.5f)];

    private SearchOptions Options()
    {
        SearchStage[] stages = index.StoredVectors == StoredVectors.None
            ? [SearchStage.Sign, SearchStage.Refined]
            : Enum.GetValues<SearchStage>();
        return new SearchOptions
        {
            Stage = random.Next(2) == 0 ? null : stages[random.Next(stages.Length)],
            ProbeCount = random.Next(4) switch { 0 => 1, 1 => 4, 2 => int.MaxValue, _ => null },
            Bound = random.Next(10) == 0 ? ErrorBound.Hard : ErrorBound.Statistical,
            Filter = random.Next(3) == 0 ? Condition() : null,
            Columns = random.Next(3) switch { 0 => [], 1 => ["text", "float"], _ => null },
        };
    }

    /// <summary>A filter that selects few rows, many or almost all.</summary>
    private Filter Condition() => random.Next(4) switch
    {
        0 => Filter.Column("kind").In("1 ä", "3 ä"),
        1 => Filter.Column("sparse").IsNull(),
        2 => RowSet.FromOrdinals(index.Count, [.. Ordinals().Distinct().Order()]),
        _ => !Filter.Column("text").StartsWith("rów 1") & Filter.Column("flag").EqualTo(true),
    };
}

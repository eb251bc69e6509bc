using System.Globalization;
using VectorEngine.Arrow;

namespace VectorEngine.Fuzz.Corruption;

/// <summary>Uses of an index with filters.</summary>
internal static class FilterUses
{
    /// <summary>Sets over more rows, which only damage can claim, would take more memory here than there in the index.</summary>
    private const long MaxRows = 1_000_000;

    private static readonly DateTimeOffset Time = DateTimeOffset.UnixEpoch.AddSeconds(60);

    /// <summary>What this index can be asked; each filter is new, so that no step depends on another.</summary>
    public static IEnumerable<(string Step, Func<Task<string>> Action)> Steps(VectorIndex index, VectorMatrix queries)
    {
        var fields = index.Metadata?.Fields.DistinctBy(field => field.Name) ?? [];
        Filter? all = null;
        foreach (ArrowField field in fields)
        {
            Filter condition = Condition(field), missing = !Condition(field) | Filter.Column(field.Name).IsNull();
            all = all is null ? Condition(field) : all | Condition(field);
            yield return ($"where {field.Name}", async () => Exercise.Describe(
                await index.SearchAsync(queries[5], 6, new SearchOptions { Filter = condition, ProbeCount = 2 })));
            yield return ($"select {field.Name}", async () => await SelectAsync(index, missing));
        }

        if (all is not null)
            yield return ("where any", () => Task.FromResult(
                Exercise.Describe(index.Search(queries[6], 9, new SearchOptions { Filter = all, RecallTarget = 0.5 }))));
        if (index.Count > MaxRows)
            yield break;
        RowSet third = RowSet.FromOrdinals(index.Count, Every(3, index.Count));
        yield return ("rows of a set", async () => Exercise.Describe(
            await index.SearchAsync(queries[7], 5, new SearchOptions { Filter = third })));
        Filter most = !RowSet.FromOrdinals(index.Count, Every(50, index.Count));
        yield return ("but for a set", async () => string.Join('\n', (await index.SearchBatchAsync(
            queries.Slice(8, 3), 5, new SearchOptions { Filter = most, Stage = SearchStage.Refined })).Select(Exercise.Describe)));
    }

    /// <summary>A condition that some rows fulfil, whatever the type has become.</summary>
    private static Filter Condition(ArrowField field)
    {
        FilterColumn column = Filter.Column(field.Name);
        return field.Type.Kind switch
        {
            ArrowTypeKind.Bool => column.EqualTo(true),
            <= ArrowTypeKind.Float64 => column.Between(7, 5000.5),
            ArrowTypeKind.Utf8 => column.StartsWith("rów 1"),
            ArrowTypeKind.LargeUtf8 => column.In("1 ä", "3 ä"),
            ArrowTypeKind.Timestamp => column.LessThan(Time),
            _ => column.IsNotNull(),
        };
    }

    private static async Task<string> SelectAsync(VectorIndex index, Filter filter)
    {
        RowSet rows = await index.SelectAsync(filter);
        IEnumerable<long> sample = Enumerable.Range(0, (int)Math.Min(rows.Length, 300)).Select(row => (long)row);
        return string.Create(CultureInfo.InvariantCulture, $"{rows.Length} {rows.Count} {string.Join(' ', sample.Where(rows.Contains))}");
    }

    private static IEnumerable<long> Every(int step, long count)
    {
        for (long row = 0; row < count; row += step)
            yield return row;
    }
}

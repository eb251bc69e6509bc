using System.Globalization;
using VectorEngine;
using VectorEngine.Arrow;

namespace BatchSearch;

/// <summary>Results as text: a line for each hit of each query.</summary>
internal static class CsvFile
{
    public static async Task WriteAsync(string path, SearchResult[] results, CancellationToken cancellationToken)
    {
        await using var file = new StreamWriter(path);
        await file.WriteLineAsync("query,rank,ordinal,id,distance");
        for (int query = 0; query < results.Length; query++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            for (int rank = 0; rank < results[query].Count; rank++)
            {
                SearchHit hit = results[query][rank];
                string distance = hit.Distance.ToString("g7", CultureInfo.InvariantCulture);
                await file.WriteLineAsync($"{query},{rank},{hit.Ordinal},{Id(results[query].Rows, rank)},{distance}");
            }
        }
    }

    /// <summary>The id of a hit; empty if the index has none.</summary>
    private static string Id(RecordBatch? rows, int rank) => rows?.Columns[0] switch
    {
        PrimitiveArray<long> numbers => numbers.Values[rank].ToString(CultureInfo.InvariantCulture),
        Utf8Array texts => $"\"{texts.GetString(rank)!.Replace("\"", "\"\"")}\"",
        _ => "",
    };
}

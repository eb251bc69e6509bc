using System.Globalization;
using VectorEngine.Arrow;

namespace VectorEngine.Fuzz.Corruption;

/// <summary>Uses of an index that read single rows: by id, by ordinal, or as queries.</summary>
internal static class RowUses
{
    /// <summary>What this index can be asked.</summary>
    public static IEnumerable<(string Step, Func<Task<string>> Action)> Steps(VectorIndex index)
    {
        long last = index.Count - 1;
        long[] ordinals = [last, 0, last / 2, 0];
        if (index.IdColumn is { } ids)
            yield return ("find", async () => string.Join(' ', await index.FindAsync(Ids(index.Metadata![ids].Type))));
        if (index.Metadata is not null)
            yield return ("rows", async () => Exercise.Describe(await index.GetRowsAsync(ordinals)));
        if (index.StoredVectors == StoredVectors.None)
            yield break;
        yield return ("vectors", async () =>
        {
            VectorMatrix vectors = await index.GetVectorsAsync(ordinals);
            return string.Join(' ', Enumerable.Range(0, vectors.Count).SelectMany(row => vectors[row].ToArray()));
        });
        yield return ("by example", async () => Exercise.Describe(
            await index.SearchByExampleAsync(new[] { 0, last }, new[] { last / 2 }, 4)));
        if (index.Count == 1)
            yield break;
        yield return ("recall", async () =>
        {
            RecallEvaluation found = await index.EvaluateRecallAsync(3, new SearchOptions { ProbeCount = 2 }, sampleSize: 3);
            return string.Create(CultureInfo.InvariantCulture, $"{found.Recall} {found.Low} {found.High} {found.Queries}");
        });
    }

    /// <summary>Some ids, most of which some index has.</summary>
    private static ArrowArray Ids(ArrowType type) => type.Kind == ArrowTypeKind.Int64
        ? ArrowArray.From<long>([0, 1, 4, 5, 144, 149 * 149, 1000 * 1000, 2499 * 2499, -1])
        : ArrowArray.From([.. new[] { 0, 1, 74, 129, 130, 199, 204, 1000 }.Select(Corpus.NameOf), ""]);
}

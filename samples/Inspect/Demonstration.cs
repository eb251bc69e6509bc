using Spectre.Console;
using VectorEngine;
using VectorEngine.Storage;

namespace Inspect;

/// <summary>A small index of random vectors, unevenly clustered, that is there only to be looked at.</summary>
internal static class Demonstration
{
    private const string Name = "demonstration";
    private const int Count = 20_000, Dimensions = 64, Centres = 100;

    public static async Task<int> RunAsync(IAnsiConsole console, CancellationToken cancellationToken)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("vectorengine-inspect-");
        try
        {
            using (var store = new FileObjectStore(folder.FullName))
            {
                var options = new VectorIndexOptions { ClusterCount = 200, StoredVectors = StoredVectors.Float16 };
                await VectorIndexBuilder.BuildAsync(store, Name, Vectors(), options, cancellationToken: cancellationToken);
            }
            return await Inspection.RunAsync(console, folder.FullName, Name, cancellationToken);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Points around random centres, of which the first have more of them.</summary>
    private static VectorMatrix Vectors()
    {
        var random = new Random(1);
        float[][] centres = [.. Enumerable.Range(0, Centres).Select(_ => Point(random, 1))];
        float[] values = [.. Enumerable.Range(0, Count).SelectMany(_ =>
        {
            double share = random.NextDouble();
            return centres[(int)(share * share * Centres)].Zip(Point(random, 0.5f), (x, y) => x + y);
        })];
        return new VectorMatrix(values, Dimensions);
    }

    private static float[] Point(Random random, float scale) =>
        [.. Enumerable.Range(0, Dimensions).Select(_ => scale * (random.NextSingle() - 0.5f))];
}

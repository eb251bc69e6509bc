using VectorEngine;
using VectorEngine.Storage;

namespace ColdStart;

/// <summary>An index of random vectors around random centres, that is there only to be opened.</summary>
internal static class GeneratedIndex
{
    private const int Centres = 500;

    public static async Task BuildAsync(IObjectStore store, string name, int count, int dimensions, CancellationToken cancellationToken)
    {
        float[] centres = new float[Centres * dimensions], values = new float[count * dimensions];
        var random = new Random(1);
        foreach (ref float value in centres.AsSpan())
            value = random.NextSingle() - 0.5f;
        Parallel.For(0, count, row =>
        {
            var own = new Random(row);
            ReadOnlySpan<float> centre = centres.AsSpan(own.Next(Centres) * dimensions, dimensions);
            for (int d = 0; d < dimensions; d++)
                values[(row * dimensions) + d] = centre[d] + (own.NextSingle() - 0.5f);
        });
        var options = new VectorIndexOptions { StoredVectors = StoredVectors.Float16 };
        var vectors = new VectorMatrix(values, dimensions);
        await VectorIndexBuilder.BuildAsync(store, name, vectors, options, cancellationToken: cancellationToken);
    }
}

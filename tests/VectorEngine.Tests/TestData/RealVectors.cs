using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace VectorEngine.Tests.TestData;

/// <summary>
/// A test on real vectors, which are too large to keep with the source: skipped, with the reason, unless <c>VECTORENGINE_TEST_DATA</c>
/// names a folder with the sets <c>fashion-mnist-784</c>, <c>text-embeddings-384</c> and <c>word-vectors-200</c>. Each has <c>base</c> and
/// <c>query</c> vectors (<c>.fvecs</c>, or <c>.bvecs</c> of bytes) and the exact neighbours in <c>groundtruth-METRIC.ivecs</c>.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class RealVectorsTheoryAttribute : TheoryAttribute
{
    public RealVectorsTheoryAttribute() => Skip = RealVectors.WhyMissing;
}

/// <summary>A set of real vectors, with queries and their true neighbours.</summary>
internal sealed record RealVectors(VectorMatrix Vectors, VectorMatrix Queries, int[][] Neighbours)
{
    private const string Variable = "VECTORENGINE_TEST_DATA";

    public static string? WhyMissing { get; } =
        string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Variable)) ? $"Set {Variable} to a folder with real vectors." : null;

    public static TheoryData<string, Metric> Sets => new()
    {
        { "fashion-mnist-784", Metric.SquaredL2 }, { "text-embeddings-384", Metric.InnerProduct }, { "word-vectors-200", Metric.Cosine },
    };

    public static RealVectors Load(string set, Metric metric)
    {
        string folder = Path.Combine(Environment.GetEnvironmentVariable(Variable)!, set);
        string truth = metric switch { Metric.SquaredL2 => "l2", Metric.InnerProduct => "ip", _ => "cosine" };
        return new RealVectors(
            ReadVectors(folder, "base"), ReadVectors(folder, "query"), ReadNeighbours(Path.Combine(folder, $"groundtruth-{truth}.ivecs")));
    }

    private static VectorMatrix ReadVectors(string folder, string name)
    {
        string path = Path.Combine(folder, name + ".fvecs");
        if (File.Exists(path))
        {
            byte[] bytes = File.ReadAllBytes(path);
            int dimensions = BinaryPrimitives.ReadInt32LittleEndian(bytes);
            return ReadRows(bytes, dimensions, 4, row => MemoryMarshal.Cast<byte, float>(row.Span).ToArray());
        }

        byte[] compact = File.ReadAllBytes(Path.Combine(folder, name + ".bvecs"));
        return ReadRows(
            compact, BinaryPrimitives.ReadInt32LittleEndian(compact), 1, row => Array.ConvertAll(row.ToArray(), value => (float)value));
    }

    /// <summary>Rows of an int32 that repeats the number of dimensions, and then the values.</summary>
    private static VectorMatrix ReadRows(byte[] bytes, int dimensions, int valueBytes, Func<ReadOnlyMemory<byte>, float[]> read)
    {
        int rowBytes = 4 + (valueBytes * dimensions), count = bytes.Length / rowBytes;
        float[] values = new float[count * dimensions];
        for (int row = 0; row < count; row++)
            read(bytes.AsMemory((row * rowBytes) + 4, rowBytes - 4)).CopyTo(values, row * dimensions);
        return new VectorMatrix(values, dimensions);
    }

    private static int[][] ReadNeighbours(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        int rowBytes = 4 + (4 * BinaryPrimitives.ReadInt32LittleEndian(bytes));
        return [.. Enumerable.Range(0, bytes.Length / rowBytes).Select(row =>
            MemoryMarshal.Cast<byte, int>(bytes.AsSpan((row * rowBytes) + 4, rowBytes - 4)).ToArray())];
    }
}

using System.CommandLine;
using System.Numerics;
using System.Runtime.InteropServices;

namespace VectorEngine.AnnBench;

/// <summary>
/// Makes a data set of any size that is somewhat like embeddings: clusters of uneven weight in a latent space of 24 dimensions, mapped
/// linearly to all dimensions, with a little noise in each. A row depends on its number alone, so a smaller set is the start of a larger one.
/// </summary>
internal sealed class DataGenerator(int dimensions)
{
    private const int LatentDimensions = 24, Clusters = 200, Neighbours = 100, BlockRows = 4096, FirstQuery = 1_000_000_000;

    private readonly double[] _weights = new double[Clusters];
    private readonly float[] _centres = new float[Clusters * LatentDimensions], _map = new float[LatentDimensions * dimensions];

    /// <summary>The command that writes base.fvecs, query.fvecs and groundtruth.ivecs (squared L2) into a folder.</summary>
    public static Command CreateCommand()
    {
        var rows = new Option<int>("--rows") { Required = true, Description = "Vectors to index." };
        var dimensions = new Option<int>("--dimensions") { Required = true, Description = "Of each." };
        var queries = new Option<int>("--queries") { DefaultValueFactory = _ => 200, Description = "Queries." };
        var folder = new Option<string>("--folder") { Required = true, Description = "Where base, query and groundtruth go." };
        var command = new Command("generate", "Makes a data set with its true neighbours.") { rows, dimensions, queries, folder };
        command.SetAction(result => new DataGenerator(result.GetValue(dimensions)).Write(
            result.GetValue(rows), result.GetValue(queries), result.GetRequiredValue(folder)));
        return command;
    }

    private void Write(int rows, int queryCount, string folder)
    {
        Prepare();
        Directory.CreateDirectory(folder);
        float[] queries = Rows(FirstQuery, queryCount);
        using (FileStream file = File.Create(Path.Combine(folder, "query.fvecs")))
            WriteRows<float>(file, queries, dimensions);
        var nearest = new PriorityQueue<int, float>[queryCount];
        for (int query = 0; query < queryCount; query++)
            nearest[query] = new PriorityQueue<int, float>();
        using (FileStream file = File.Create(Path.Combine(folder, "base.fvecs")))
        {
            for (int start = 0; start < rows; start += BlockRows)
            {
                float[] block = Rows(start, Math.Min(BlockRows, rows - start));
                WriteRows<float>(file, block, dimensions);
                int first = start;
                Parallel.For(0, queryCount, query => Keep(
                    nearest[query], queries.AsSpan(query * dimensions, dimensions), block, first));
            }
        }

        int[] truth = [.. nearest.SelectMany(queue => Enumerable.Range(0, queue.Count).Select(_ => queue.Dequeue()).Reverse())];
        using FileStream truthFile = File.Create(Path.Combine(folder, "groundtruth.ivecs"));
        WriteRows<int>(truthFile, truth, truth.Length / queryCount);
    }

    private void Prepare()
    {
        for (int i = 0; i < Clusters; i++)
            _weights[i] = (i == 0 ? 0 : _weights[i - 1]) + (1.0 / (i + 3));
        var random = new Random(7);
        foreach (ref float value in _centres.AsSpan())
            value = 2 * NextNormal(random);
        foreach (ref float value in _map.AsSpan())
            value = NextNormal(random) / MathF.Sqrt(LatentDimensions);
    }

    private float[] Rows(int first, int count)
    {
        float[] rows = new float[count * dimensions];
        Parallel.For(0, count, row => Fill(new Random(first + row), rows.AsSpan(row * dimensions, dimensions)));
        return rows;
    }

    private void Fill(Random random, Span<float> row)
    {
        double drawn = random.NextDouble() * _weights[^1];
        int cluster = Array.FindIndex(_weights, weight => weight >= drawn);
        Span<float> latent = stackalloc float[LatentDimensions];
        for (int l = 0; l < LatentDimensions; l++)
            latent[l] = _centres[(cluster * LatentDimensions) + l] + NextNormal(random);
        foreach (ref float value in row)
            value = 0.08f * NextNormal(random);
        for (int l = 0; l < LatentDimensions; l++)
        {
            for (int d = 0; d < row.Length; d++)
                row[d] += latent[l] * _map[(l * dimensions) + d];
        }
    }

    private void Keep(PriorityQueue<int, float> nearest, ReadOnlySpan<float> query, ReadOnlySpan<float> rows, int first)
    {
        for (int row = 0; row < rows.Length / dimensions; row++)
        {
            float distance = SquaredL2(query, rows.Slice(row * dimensions, dimensions));
            if (nearest.Count < Neighbours)
                nearest.Enqueue(first + row, -distance);
            else
                nearest.EnqueueDequeue(first + row, -distance);
        }
    }

    private static float SquaredL2(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        ReadOnlySpan<Vector<float>> wideX = MemoryMarshal.Cast<float, Vector<float>>(x), wideY = MemoryMarshal.Cast<float, Vector<float>>(y);
        Vector<float> sums = Vector<float>.Zero;
        for (int i = 0; i < wideX.Length; i++)
            sums += (wideX[i] - wideY[i]) * (wideX[i] - wideY[i]);
        float sum = Vector.Sum(sums);
        for (int i = wideX.Length * Vector<float>.Count; i < x.Length; i++)
            sum += (x[i] - y[i]) * (x[i] - y[i]);
        return sum;
    }

    private static void WriteRows<T>(FileStream file, ReadOnlySpan<T> values, int width) where T : unmanaged
    {
        for (int start = 0; start < values.Length; start += width)
        {
            file.Write(BitConverter.GetBytes(width));
            file.Write(MemoryMarshal.AsBytes(values.Slice(start, width)));
        }
    }

    /// <summary>A normal value (Box and Muller).</summary>
    private static float NextNormal(Random random) =>
        (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
}

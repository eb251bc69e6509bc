using FsCheck;
using FsCheck.Fluent;

namespace VectorEngine.Tests.TestData;

/// <summary>Data that make a bound tight or its arithmetic hard.</summary>
internal sealed record AdversarialCase(int Dimensions, int Count, int Clusters, int Shape, int Exponent, Metric Metric, int Seed)
{
    public static Gen<AdversarialCase> Gen =>
        from dimensions in FsCheck.Fluent.Gen.Frequency(
            (4, FsCheck.Fluent.Gen.Choose(2, 20)), (1, FsCheck.Fluent.Gen.Elements(48, 100, 208)))
        from count in FsCheck.Fluent.Gen.Choose(1, 70)
        from clusters in FsCheck.Fluent.Gen.Choose(1, 5)
        from shape in FsCheck.Fluent.Gen.Choose(0, 7)
        from exponent in FsCheck.Fluent.Gen.Frequency((1, FsCheck.Fluent.Gen.Constant(0)), (1, FsCheck.Fluent.Gen.Choose(-40, 40)))
        from metric in FsCheck.Fluent.Gen.Elements(Metric.SquaredL2, Metric.InnerProduct, Metric.Cosine)
        from seed in FsCheck.Fluent.Gen.Choose(0, 1 << 30)
        select new AdversarialCase(dimensions, count, Math.Min(clusters, count), shape, exponent, metric, seed);

    public VectorIndexOptions Options => new() { Metric = Metric, ClusterCount = Clusters, Seed = (ulong)Seed, MaxDegreeOfParallelism = 1 };

    /// <summary>Whether float16 can hold the values.</summary>
    public bool FitsHalf => Exponent == 0 && Shape != 7;

    /// <summary>Vectors, and queries that are equal to one, near one, on the line from the mean through one, or anywhere.</summary>
    public (VectorMatrix Vectors, VectorMatrix Queries) Make()
    {
        var random = new Random(Seed);
        float unit = MathF.ScaleB(1, Exponent);
        float[][] rows = new float[Count][];
        float[] offset = GeneratedVectors.Normals(random, Dimensions, 100);
        for (int i = 0; i < Count; i++)
            rows[i] = Row(random, i > 0 ? rows[0] : null, offset);
        float[] mean = [.. Enumerable.Range(0, Dimensions).Select(d => (float)rows.Average(row => (double)row[d]))];
        float[][] queries = new float[12][];
        for (int i = 0; i < queries.Length; i++)
        {
            float[] near = rows[random.Next(Count)];
            float[] noise = GeneratedVectors.Normals(random, Dimensions, MathF.Pow(10, -random.Next(7)));
            float stretch = 4 * random.NextSingle();
            queries[i] = (i % 4) switch
            {
                0 => near,
                1 => [.. near.Zip(noise, (x, n) => x + n)],
                2 => [.. near.Zip(mean, (x, m) => m + (stretch * (x - m)))],
                _ => GeneratedVectors.Normals(random, Dimensions, 3),
            };
        }

        return (Scaled(rows), Scaled(queries));

        VectorMatrix Scaled(float[][] matrix) =>
            GeneratedVectors.FromRows(
                matrix.Select(row => Array.ConvertAll(row.All(value => value == 0) ? [1, .. row[1..]] : row, value => value * unit)));
    }

    private float[] Row(Random random, float[]? first, float[] offset)
    {
        float[] noise = GeneratedVectors.Normals(random, Dimensions, 1);
        switch (Shape)
        {
            case 1: // near-duplicates
                return first is null ? noise : [.. first.Zip(noise, (x, n) => x + (1e-5f * n))];
            case 2: // one-hot
                float[] hot = new float[Dimensions];
                hot[random.Next(Dimensions)] = 1;
                return hot;
            case 3: // all equal
                return first ?? noise;
            case 4: // a small cluster far from the origin
                return [.. offset.Zip(noise, (x, n) => x + n)];
            case 5: // tight clusters, far from each other
                float sign = random.Next(2) == 0 ? 1 : -1;
                return [.. offset.Zip(noise, (x, n) => (sign * x) + (0.1f * n))];
            case 6: // small integers: many ties
                return Array.ConvertAll(noise, MathF.Round);
            case 7: // very different lengths
                float length = MathF.Pow(10, random.Next(-4, 5));
                return Array.ConvertAll(noise, n => n * length);
            default:
                return noise;
        }
    }
}

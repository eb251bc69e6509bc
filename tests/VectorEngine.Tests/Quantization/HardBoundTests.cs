using FsCheck;
using FsCheck.Fluent;
using VectorEngine.Quantization;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Quantization;

/// <summary>Bounds that never fail do not fail where they are tight, or where float32 is at its limits.</summary>
public sealed class HardBoundTests
{
    /// <summary>Data that make a bound tight or its arithmetic hard.</summary>
    private sealed record Hard(int Dimensions, int Count, int Clusters, int Shape, int Exponent, Metric Metric, int Seed)
    {
        public static Gen<Hard> Gen =>
            from dimensions in FsCheck.Fluent.Gen.Frequency((4, FsCheck.Fluent.Gen.Choose(2, 20)), (1, FsCheck.Fluent.Gen.Elements(48, 100, 208)))
            from count in FsCheck.Fluent.Gen.Choose(1, 70)
            from clusters in FsCheck.Fluent.Gen.Choose(1, 5)
            from shape in FsCheck.Fluent.Gen.Choose(0, 6)
            from exponent in FsCheck.Fluent.Gen.Frequency((1, FsCheck.Fluent.Gen.Constant(0)), (1, FsCheck.Fluent.Gen.Choose(-40, 40)))
            from metric in FsCheck.Fluent.Gen.Elements(Metric.SquaredL2, Metric.InnerProduct, Metric.Cosine)
            from seed in FsCheck.Fluent.Gen.Choose(0, 1 << 30)
            select new Hard(dimensions, count, Math.Min(clusters, count), shape, exponent, metric, seed);

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
                GeneratedVectors.FromRows(matrix.Select(row => Array.ConvertAll(row.All(value => value == 0) ? [1, .. row[1..]] : row, value => value * unit)));
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
                case 6: // very different lengths
                    float length = MathF.Pow(10, random.Next(-4, 5));
                    return Array.ConvertAll(noise, n => n * length);
                default:
                    return noise;
            }
        }
    }

    [Fact]
    public void Hold_for_adversarial_data() => Prop.ForAll(Hard.Gen.ToArbitrary(), hard =>
    {
        (VectorMatrix vectors, VectorMatrix queries) = hard.Make();
        var options = new VectorIndexOptions { Metric = hard.Metric, ClusterCount = hard.Clusters, Seed = (ulong)hard.Seed, MaxDegreeOfParallelism = 1 };
        using VectorIndex index = TestIndex.BuildAsync(vectors, options).GetAwaiter().GetResult();
        double[][] distances = BoundMeasurement.Distances(hard.Metric, vectors, queries);
        AssertCover(index, queries, distances, SearchStage.Sign, "");
        AssertCover(index, queries, distances, SearchStage.Refined, "");
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(TestScale.IsSlow ? 60 : 600));

    [Fact]
    public void The_range_admits_exactly_what_the_angles_allow() => Prop.ForAll(Gen.Choose(0, 1 << 30).ToArbitrary(), seed =>
    {
        // r along the first axis, f x = r + (0, e, 0); y anywhere: <r, y> must lie in the range, and a y that reaches each end exists.
        var random = new Random(seed);
        double r = random.NextDouble(), e = random.NextDouble(), length = 1 + random.NextDouble();
        double angle = 2 * Math.PI * random.NextDouble(), tilt = random.NextDouble();
        double y1 = length * Math.Cos(angle), y2 = length * Math.Sin(angle) * tilt;
        double product = (r * y1) + (e * y2);
        (double low, double high) = HardBound.Range(product, product, r, e, length);
        Assert.InRange(r * y1, low - 1e-9, high + 1e-9);

        // With y in the plane of r and x, <r, y> is one of the two ends.
        product = (r * y1) + (e * length * Math.Sin(angle));
        (low, high) = HardBound.Range(product, product, r, e, length);
        Assert.True(Math.Min(Math.Abs((r * y1) - low), Math.Abs((r * y1) - high)) < 1e-6, $"{r * y1} in {low}..{high}");

        // An interval of estimates admits what each of its members admits.
        (double wideLow, double wideHigh) = HardBound.Range(product - 0.1, product + 0.1, r, e, length);
        Assert.True(wideLow <= low + 1e-12 && wideHigh >= high - 1e-12);
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    /// <summary>Every reported interval holds the true distance.</summary>
    internal static void AssertCover(VectorIndex index, VectorMatrix queries, double[][] distances, SearchStage stage, string what)
    {
        var options = new SearchOptions { ProbeCount = int.MaxValue, Stage = stage, Bound = ErrorBound.Hard };
        for (int q = 0; q < queries.Count; q++)
        {
            SearchResult result = index.Search(queries[q], index.Count, options);
            Assert.Equal(index.Count, result.Count);
            for (int rank = 0; rank < result.Count; rank++)
            {
                (long ordinal, float distance, float bound) = result[rank];
                double error = Math.Abs(distance - distances[q][ordinal]);
                if (!(error <= bound))
                    Assert.Fail($"{what} {stage}, query {q}, vector {ordinal}: {distance} ± {bound}, but it is {distances[q][ordinal]}.");
            }
        }
    }
}

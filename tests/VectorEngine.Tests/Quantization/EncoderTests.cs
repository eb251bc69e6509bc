using VectorEngine.Numerics;
using VectorEngine.Quantization;
using VectorEngine.Tests.TestData;
using Xunit.Abstractions;

namespace VectorEngine.Tests.Quantization;

/// <summary>Codes point along their residuals as well as codes of 1 and 4 bits can, and estimates from them have no bias.</summary>
public sealed class EncoderTests(ITestOutputHelper output)
{
    [Fact]
    public void Cosines_of_normal_residuals_are_the_known_ones()
    {
        const int Dimensions = 768, Count = 300;
        double sign = 0, full = 0;
        VectorMatrix residuals = GeneratedVectors.Normal(Count, Dimensions, 1);
        var encoder = new Encoder(CodedList.CreateSpace(Metric.SquaredL2, Dimensions, 1));
        byte[] codes = new byte[Dimensions];
        for (int i = 0; i < Count; i++)
        {
            Engine.Encode(encoder, residuals[i], new float[Dimensions], codes);
            sign += Cosine(residuals[i], codes, signOnly: true) / Count;
            full += Cosine(residuals[i], codes, signOnly: false) / Count;
        }

        output.WriteLine($"Mean cosine of {Dimensions} normal values and their code: sign {sign:f4}, 4 bits {full:f5}.");
        // The mean of |x| / sqrt(mean of x^2) is sqrt(2 / pi) = 0.7979.
        Assert.Equal(Math.Sqrt(2 / Math.PI), sign, 0.003);
        // No uniform grid of 16 levels comes nearer to normal values than 1 - cos^2 = 0.0112.
        Assert.InRange(full, 0.994, 0.9975);
    }

    [Theory]
    [InlineData(16)]
    [InlineData(64)]
    [InlineData(208)]
    [InlineData(768)]
    public void No_scale_of_a_fine_grid_is_better_by_a_thousandth(int dimensions)
    {
        var random = new Random(dimensions);
        var encoder = new Encoder(CodedList.CreateSpace(Metric.SquaredL2, dimensions, 1));
        byte[] codes = new byte[dimensions];
        double worst = 1;
        for (int i = 0; i < 40; i++)
        {
            float[] residual = Residual(random, dimensions, i % 5);
            Engine.Encode(encoder, residual, new float[dimensions], codes);
            worst = Math.Min(worst, Cosine(residual, codes, signOnly: false) / BestCosine(residual));
        }

        output.WriteLine($"{dimensions} dimensions: at worst {worst:f6} of the best cosine.");
        Assert.True(worst >= 0.999, $"{worst} of the best cosine.");
    }

    [Theory]
    [InlineData(Metric.SquaredL2)]
    [InlineData(Metric.InnerProduct)]
    [InlineData(Metric.Cosine)]
    public void Factors_are_those_of_the_format(Metric metric)
    {
        const int Dimensions = 96;
        CodeSpace space = CodedList.CreateSpace(metric, Dimensions, 7);
        var encoder = new Encoder(space);
        var random = new Random(3);
        byte[] codes = new byte[Dimensions];
        for (int i = 0; i < 50; i++)
        {
            float[] r = Residual(random, Dimensions, i % 5), c = GeneratedVectors.Normals(random, Dimensions, 1);
            (CodeFactors sign, CodeFactors full) = Engine.Encode(encoder, r, c, codes);
            AssertFactors(sign, Array.ConvertAll(codes, u => (u >> 3) - 0.5f));
            AssertFactors(full, Array.ConvertAll(codes, u => u - 7.5f));

            void AssertFactors(CodeFactors factors, float[] x)
            {
                double w = metric == Metric.SquaredL2 ? 2 : 1, squared = Reference.Dot(r, r), f = squared / Reference.Dot(r, x);
                double inner = 0;
                for (int d = 0; d < Dimensions; d++)
                    inner += ((double)space.RotatedMean[d] + c[d]) * r[d];
                double add = metric == Metric.InnerProduct
                    ? (f * Reference.Dot(x, c)) - inner
                    : (w / 2 * squared) + (w * f * Reference.Dot(x, c));
                double missed = Math.Sqrt(Math.Max(0, (f * f * Reference.Dot(x, x)) - squared));
                Assert.Equal(
                    add, factors.Add, 1e-4 * (squared + (w * f * Math.Sqrt(Reference.Dot(x, x) * Reference.Dot(c, c))) + Math.Abs(inner)));
                Assert.Equal(-w * f, factors.Rescale, 1e-5 * w * f);
                Assert.InRange(factors.Error, missed * (1 - 1e-6), missed + (0.004 * Math.Sqrt(squared)));
            }
        }
    }

    [Fact]
    public void A_residual_of_zero_has_no_error()
    {
        var encoder = new Encoder(CodedList.CreateSpace(Metric.SquaredL2, 48, 1));
        byte[] codes = new byte[48];
        (CodeFactors sign, CodeFactors full) = Engine.Encode(encoder, new float[48], GeneratedVectors.Normal(1, 48, 1)[0], codes);
        Assert.Equal((default, default), (sign, full));
        Assert.All(codes, code => Assert.Equal(8, code));
    }

    [Theory]
    [InlineData(1e-15f)]
    [InlineData(1e15f)]
    public void Codes_do_not_depend_on_the_unit(float unit)
    {
        // Up to rounding: a value next to a step may fall to either side.
        const int Dimensions = 208;
        var encoder = new Encoder(CodedList.CreateSpace(Metric.SquaredL2, Dimensions, 1));
        ReadOnlySpan<float> residual = GeneratedVectors.Normal(1, Dimensions, 9)[0],
            scaled = GeneratedVectors.Normal(1, Dimensions, 9, unit)[0];
        byte[] codes = new byte[Dimensions], scaledCodes = new byte[Dimensions];
        Engine.Encode(encoder, residual, new float[Dimensions], codes);
        Engine.Encode(encoder, scaled, new float[Dimensions], scaledCodes);
        Assert.Equal(Cosine(residual, codes, false), Cosine(scaled, scaledCodes, false), 1e-5);
    }

    [Theory]
    [InlineData(48)]
    [InlineData(96)]
    public void Estimates_are_unbiased_over_rotations(int dimensions)
    {
        int rotations = TestScale.Of(4000);
        VectorMatrix pair = GeneratedVectors.Normal(2, dimensions, 5);
        double truth = Reference.Dot(pair[0], pair[1]),
            norms = Math.Sqrt(Reference.Dot(pair[0], pair[0]) * Reference.Dot(pair[1], pair[1]));
        var encoder = new Encoder(CodedList.CreateSpace(Metric.SquaredL2, dimensions, 1));
        var sign = new Moments();
        var full = new Moments();
        byte[] codes = new byte[dimensions];
        for (int i = 0; i < rotations; i++)
        {
            var rotation = Rotation.Create(dimensions, new SeededRandom((ulong)i));
            float[] r = [.. pair[0]], y = [.. pair[1]];
            Engine.Rotate(rotation, r);
            Engine.Rotate(rotation, y);
            (CodeFactors signFactors, CodeFactors fullFactors) = Engine.Encode(encoder, r, new float[dimensions], codes);
            float[] signs = Array.ConvertAll(codes, u => (u >> 3) - 0.5f), all = Array.ConvertAll(codes, u => u - 7.5f);
            sign.Add(((signFactors.Rescale / -2.0 * Reference.Dot(signs, y)) - truth) / norms);
            full.Add(((fullFactors.Rescale / -2.0 * Reference.Dot(all, y)) - truth) / norms);
        }

        output.WriteLine($"{dimensions} dimensions: errors relative to |r||y|: sign {sign}, 4 bits {full}.");
        Assert.InRange(Math.Abs(sign.Mean), 0, 4 * sign.StandardError);
        Assert.InRange(Math.Abs(full.Mean), 0, 4 * full.StandardError);
        // tan(acos(0.7979)) = 0.755; the part of y along r, here small, has no error.
        Assert.InRange(sign.Deviation * Math.Sqrt(dimensions - 1), 0.65, 0.80);
        Assert.InRange(full.Deviation * Math.Sqrt(dimensions - 1), 0.05, 0.12);
    }

    /// <summary>
    /// Residuals of five shapes: normal, heavy-tailed, uniform, of few sizes, and a single dimension as the rotation leaves it.
    /// </summary>
    private static float[] Residual(Random random, int dimensions, int shape)
    {
        float[] values = GeneratedVectors.Normals(random, dimensions, 1);
        switch (shape)
        {
            case 1:
                return Array.ConvertAll(values, value => value * value * value);
            case 2:
                return Array.ConvertAll(values, _ => (2 * random.NextSingle()) - 1);
            case 3:
                return Array.ConvertAll(values, value => MathF.Round(value));
            case 4:
                Array.Clear(values);
                values[random.Next(dimensions)] = 1;
                Engine.Rotate(Rotation.Create(dimensions, new SeededRandom((ulong)random.Next())), values);
                return values;
            default:
                return values;
        }
    }

    private static double BestCosine(float[] residual)
    {
        double sigma = Math.Sqrt(Reference.Dot(residual, residual) / residual.Length), best = 0;
        for (int step = 0; step < 1500; step++)
        {
            double scale = 0.3 * Math.Pow(1.0025, step) / sigma, dot = 0, squared = 0;
            foreach (float value in residual)
            {
                double code = Math.Min(7, Math.Floor(Math.Abs(value) * scale)) + 0.5;
                dot += Math.Abs(value) * code;
                squared += code * code;
            }

            best = Math.Max(best, dot / Math.Sqrt(squared * Reference.Dot(residual, residual)));
        }

        return best;
    }

    private static double Cosine(ReadOnlySpan<float> residual, byte[] codes, bool signOnly)
    {
        float[] x = Array.ConvertAll(codes, u => signOnly ? (u >> 3) - 0.5f : u - 7.5f);
        return Reference.Dot(residual, x) / Math.Sqrt(Reference.Dot(residual, residual) * Reference.Dot(x, x));
    }

    private sealed class Moments
    {
        private double _sum, _squares;
        private int _count;

        public double Mean => _sum / _count;

        public double Deviation => Math.Sqrt((_squares / _count) - (Mean * Mean));

        public double StandardError => Deviation / Math.Sqrt(_count);

        public void Add(double value)
        {
            _sum += value;
            _squares += value * value;
            _count++;
        }

        public override string ToString() => $"{Mean:e2} ± {StandardError:e2}, deviation {Deviation:f4}";
    }
}

using VectorEngine.Kernels;

namespace VectorEngine.Tests.Kernels;

/// <summary>Every set's sums against float64, within the error that float32 arithmetic may make in any order of summation.</summary>
/// <remarks>
/// u = 2^-24, gamma(k) = k u / (1 - k u) bounds the product of k factors (1 + d), |d| at most u (Higham, Accuracy and Stability, 3.1).
/// A term x y of n is rounded once as a product and in at most n - 1 additions: error at most gamma(n) sum |x y|.
/// A term (x - y)^2 is rounded once in each factor, once as a product, and in the additions: gamma(n + 2) sum (x - y)^2.
/// A product that underflows adds at most half the smallest float, 2^-150.
/// </remarks>
public sealed class FloatKernelTests : IDisposable
{
    private static readonly int[] Rare = [255, 256, 384, 767, 768, 1000, 1536, 4095, 8191, 8192];
    private readonly GuardedMemory _x = new(4 * 8192 * 4), _y = new(1 << 21), _results = new(1 << 14), _moreResults = new(1 << 14);

    public void Dispose()
    {
        _x.Dispose();
        _y.Dispose();
        _results.Dispose();
        _moreResults.Dispose();
    }

    [Fact]
    public void Dot_and_squared_distance_are_within_the_rounding_error() => KernelCase.ForAll(200, Rare, drawn =>
    {
        Random random = drawn.Random;
        var action = new DotAction
        {
            X = _x.Last<float>(KernelCase.Floats(random, drawn.Size), 4 * drawn.Trailing),
            Y = _y.Last<float>(KernelCase.Floats(random, drawn.Size), random.Next(2) * 4 * drawn.Trailing),
        };
        foreach (InstructionSet set in InstructionSets.Supported)
        {
            KernelDispatch.Run(set, ref action);
            AssertDot(set, action.X, action.Y, action.Dot);
            AssertSquaredL2(set, action.X, action.Y, action.SquaredL2);
        }
    });

    [Fact]
    public void Dot_and_squared_distance_to_float16_are_within_the_rounding_error() => KernelCase.ForAll(200, Rare, drawn =>
    {
        Random random = drawn.Random;
        Half[] halves = KernelCase.Halves(random, drawn.Size);
        float[] widened = Array.ConvertAll(halves, value => (float)value);
        var action = new DotHalfAction
        {
            X = _x.Last<float>(KernelCase.Floats(random, drawn.Size), 4 * drawn.Trailing),
            Y = _y.Last<Half>(halves, random.Next(2) * 2 * drawn.Trailing),
        };
        foreach (InstructionSet set in InstructionSets.Supported)
        {
            KernelDispatch.Run(set, ref action);
            AssertDot(set, action.X, widened, action.Dot);
            AssertSquaredL2(set, action.X, widened, action.SquaredL2);
        }
    });

    [Fact]
    public void Every_finite_float16_is_widened_exactly()
    {
        // 17 elements: a vector loop of every width and a single step at the end.
        Half[] halves = new Half[17];
        float[] unit = new float[17];
        for (int bits = 0; bits <= ushort.MaxValue; bits++)
        {
            Half half = BitConverter.UInt16BitsToHalf((ushort)bits);
            if (!Half.IsFinite(half))
                continue;
            int position = bits % 17;
            halves[position] = half;
            unit[position] = 1;
            var action = new DotHalfAction { X = unit, Y = halves };
            foreach (InstructionSet set in InstructionSets.Supported)
            {
                KernelDispatch.Run(set, ref action);
                if (action.Dot != (float)half)
                    Assert.Fail($"{set}: float16 0x{bits:x4} became {action.Dot:r}, not {(float)half:r}.");
            }

            halves[position] = default;
            unit[position] = 0;
        }
    }

    [Fact]
    public void Rows_are_within_the_rounding_error() => KernelCase.ForAll(200, [768, 2048], drawn =>
    {
        Random random = drawn.Random;
        int count = random.Next(9), length = drawn.Size;
        var action = new RowsAction
        {
            X = _x.Last<float>(KernelCase.Floats(random, length), 4 * drawn.Trailing),
            Rows = _y.Last<float>(KernelCase.Floats(random, length * count), random.Next(2) * 4 * drawn.Trailing),
            Dots = _results.Last<float>(count),
            SquaredL2s = _moreResults.Last<float>(count),
        };
        foreach (InstructionSet set in InstructionSets.Supported)
        {
            action.Dots.Fill(float.NaN);
            action.SquaredL2s.Fill(float.NaN);
            KernelDispatch.Run(set, ref action);
            for (int row = 0; row < count; row++)
            {
                ReadOnlySpan<float> y = action.Rows.Slice(row * length, length);
                AssertDot(set, action.X, y, action.Dots[row]);
                AssertSquaredL2(set, action.X, y, action.SquaredL2s[row]);
            }
        }
    });

    [Fact]
    public void Tiles_are_within_the_rounding_error() => KernelCase.ForAll(200, [768, 8192], drawn =>
    {
        foreach (InstructionSet set in InstructionSets.Supported)
        {
            var width = default(TileColumnsAction);
            KernelDispatch.Run(set, ref width);
            Random random = drawn.Random;
            int dimensions = drawn.Size;
            var action = new TileAction
            {
                Rows = _x.Last<float>(KernelCase.Floats(random, 4 * dimensions), 4 * drawn.Trailing % 32),
                Panel = _y.Last<float>(KernelCase.Floats(random, dimensions * width.Columns), random.Next(2) * 4 * drawn.Trailing),
                Results = _results.Last<float>(4 * width.Columns),
            };
            action.Results.Fill(float.NaN);
            KernelDispatch.Run(set, ref action);
            float[] column = new float[dimensions];
            for (int c = 0; c < width.Columns; c++)
            {
                for (int i = 0; i < dimensions; i++)
                    column[i] = action.Panel[(i * width.Columns) + c];
                for (int row = 0; row < 4; row++)
                    AssertDot(set, action.Rows.Slice(row * dimensions, dimensions), column, action.Results[(row * width.Columns) + c]);
            }
        }
    });

    [Fact]
    public void Scale_scores_are_within_the_rounding_error() => KernelCase.ForAll(24, [512], drawn =>
    {
        Random random = drawn.Random;
        float[] scales = [0, 1, 3.7f, 7.999f, 1e22f, 1e35f];
        float scale = scales[random.Next(scales.Length)];
        float[] values = KernelCase.Floats(random, 16 * drawn.Size);
        var action = new ScoreScaleAction { Residual = _x.Last<float>(values, 4 * drawn.Trailing), Scale = scale };
        float[] magnitudes = Array.ConvertAll(values, MathF.Abs);
        float[] codes = Array.ConvertAll(magnitudes, value => MathF.Min(7, MathF.Floor(value * scale)) + 0.5f);
        foreach (InstructionSet set in InstructionSets.Supported)
        {
            KernelDispatch.Run(set, ref action);
            AssertDot(set, magnitudes, codes, action.Dot);
            // Multiples of 1/4 below 2^22: exact in float32.
            Assert.Equal(codes.Sum(code => (double)code * code), action.SquaredNorm);
        }
    });

    private static void AssertDot(InstructionSet set, ReadOnlySpan<float> x, ReadOnlySpan<float> y, float actual)
    {
        double sum = 0, magnitude = 0;
        for (int i = 0; i < x.Length; i++)
        {
            sum += (double)x[i] * y[i];
            magnitude += Math.Abs((double)x[i] * y[i]);
        }

        AssertWithin(set, sum, Gamma(x.Length) * magnitude, x.Length, actual);
    }

    private static void AssertSquaredL2(InstructionSet set, ReadOnlySpan<float> x, ReadOnlySpan<float> y, float actual)
    {
        double sum = 0;
        for (int i = 0; i < x.Length; i++)
            sum += ((double)x[i] - y[i]) * ((double)x[i] - y[i]);
        AssertWithin(set, sum, Gamma(x.Length + 2) * sum, x.Length, actual);
    }

    private static void AssertWithin(InstructionSet set, double expected, double tolerance, int length, float actual)
    {
        tolerance += length * Math.ScaleB(1, -150);
        if (!(Math.Abs(actual - expected) <= tolerance))
            Assert.Fail($"{set}, length {length}: {actual:r} is farther than {tolerance:r} from {expected:r}.");
    }

    private static double Gamma(int k)
    {
        double ku = k * Math.ScaleB(1, -24);
        return ku / (1 - ku);
    }
}

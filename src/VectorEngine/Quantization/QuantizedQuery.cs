using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using VectorEngine.Numerics;

namespace VectorEngine.Quantization;

/// <summary>
/// A rotated vector prepared for both layers: lookup tables of bytes for FastScan and signed bytes for the ex-codes.
/// Made once per query and used for every list.
/// </summary>
/// <remarks>
/// With q the rotated vector: &lt;xs, q&gt; is Step * sum + Bias, where sum adds one table entry per 4 dimensions, each rounded to a
/// multiple of Step; &lt;x, q&gt; for the full code x = 8 xs + (e - 3.5) is 8 &lt;xs, q&gt; + ByteStep * (dot - 3.5 ByteSum), where dot is
/// the integer inner product of the ex-code e with the bytes. The step is as small as lets FastScan add two entries as bytes; the rounding
/// that it leaves has about 2 % of the standard deviation of the 1-bit code's own error, and 12 % of the 4-bit code's, where the query is
/// as far from the mean as from the centroid.
/// </remarks>
internal sealed class QuantizedQuery
{
    /// <summary>Two entries that are added as bytes, before each is rounded by up to 1/2.</summary>
    private const int LargestPair = 254;

    private static Vector128<float> OddLanes => Vector128.Create(0, -1, 0, -1).AsSingle();

    private static Vector128<float> UpperLanes => Vector128.Create(0, 0, -1, -1).AsSingle();

    private readonly CodeLayout _layout;
    private readonly AlignedBuffer<byte> _table;
    private readonly AlignedBuffer<sbyte> _bytes;

    public QuantizedQuery(CodeLayout layout)
    {
        _layout = layout;
        _table = new AlignedBuffer<byte>(layout.SignCodeBytes);
        _bytes = new AlignedBuffer<sbyte>(layout.QueryBytes);
    }

    /// <summary>16 entries per group of 4 dimensions.</summary>
    public ReadOnlySpan<byte> Table => _table.Span;

    /// <summary>The bytes in the order of the ex-codes.</summary>
    public ReadOnlySpan<sbyte> Bytes => _bytes.Span;

    /// <summary>Value of one unit of a table sum.</summary>
    public float Step { get; private set; }

    /// <summary>Value of a table sum of 0.</summary>
    public float Bias { get; private set; }

    /// <summary>Value of one unit of a byte.</summary>
    public float ByteStep { get; private set; }

    /// <summary>Sum of the bytes.</summary>
    public int ByteSum { get; private set; }

    /// <summary>Standard deviation of the rounding error of &lt;xs, q&gt; (uniform in each table entry).</summary>
    public float SignRounding { get; private set; }

    /// <summary>Standard deviation of the rounding error of &lt;x, q&gt;; e - 3.5 has a mean square of 5.25.</summary>
    public float FullRounding { get; private set; }

    /// <summary>Largest possible rounding error of &lt;xs, q&gt;, float rounding included.</summary>
    public float LargestSignRounding => (0.5001f * Step * _layout.PaddedDimensions / 4) + (1e-5f * MathF.Abs(Bias));

    /// <summary>Largest possible rounding error of &lt;x, q&gt;, float rounding included.</summary>
    public float LargestFullRounding => (8 * LargestSignRounding) + (3.501f * 0.5f * ByteStep * _layout.PaddedDimensions);

    /// <summary>&lt;xs, q&gt; from a table sum.</summary>
    public float SignProduct(int sum) => MathF.FusedMultiplyAdd(sum, Step, Bias);

    /// <summary>&lt;x, q&gt; from a table sum and an ex-code's inner product.</summary>
    public float FullProduct(int sum, int dot) => (8 * SignProduct(sum)) + (ByteStep * (dot - (3.5f * ByteSum)));

    /// <summary>Prepares a vector.</summary>
    /// <param name="rotated">Its length is the padded dimensions.</param>
    public void Prepare(ReadOnlySpan<float> rotated)
    {
        PrepareTable(rotated);
        PrepareBytes(rotated);
        SignRounding = Step * MathF.Sqrt(_layout.PaddedDimensions / 4 / 12f);
        FullRounding = MathF.Sqrt((64 * SignRounding * SignRounding) + (ByteStep * ByteStep / 12 * 5.25f * _layout.PaddedDimensions));
    }


    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PrepareTable(ReadOnlySpan<float> rotated)
    {
        ReadOnlySpan<Vector128<float>> groups = MemoryMarshal.Cast<float, Vector128<float>>(rotated);
        // Lane i has the largest entry of group g + i, in q's unit: the sum of its magnitudes. FastScan adds entries of groups g and g + 4.
        Vector128<float> range = Vector128<float>.Zero, total = Vector128<float>.Zero;
        int g = 0;
        for (; g + 8 <= groups.Length; g += 8)
        {
            Vector128<float> pairs = SumEach(groups, g) + SumEach(groups, g + 4);
            range = Vector128.Max(range, pairs);
            total += pairs;
        }

        if (g < groups.Length)
        {
            Vector128<float> sums = SumEach(groups, g);
            range = Vector128.Max(range, sums);
            total += sums;
        }

        float widest = MathF.Max(MathF.Max(range[0], range[1]), MathF.Max(range[2], range[3]));
        Step = widest / LargestPair;
        Bias = -0.5f * Vector128.Sum(total);
        Vector128<float> inverse = Vector128.Create(widest > 0 ? LargestPair / widest : 0);
        Span<Vector128<byte>> tables = MemoryMarshal.Cast<byte, Vector128<byte>>(_table.Span);
        for (g = 0; g < groups.Length; g++)
        {
            // Entry v: the sum over the bits of v of q[i], less its minimum over all v, in steps; rounded by adding 1/2 and truncating.
            Vector128<float> q = groups[g] * inverse;
            Vector128<float> negative = Vector128.Min(q, Vector128<float>.Zero);
            negative += Vector128.Shuffle(negative, Vector128.Create(2, 3, 0, 1));
            negative += Vector128.Shuffle(negative, Vector128.Create(1, 0, 3, 2));
            Vector128<float> q0 = Vector128.Shuffle(q, Vector128.Create(0, 0, 0, 0)) & OddLanes;
            Vector128<float> q1 = Vector128.Shuffle(q, Vector128.Create(1, 1, 1, 1)) & UpperLanes;
            Vector128<float> q2 = Vector128.Shuffle(q, Vector128.Create(2, 2, 2, 2)),
                q3 = Vector128.Shuffle(q, Vector128.Create(3, 3, 3, 3));
            Vector128<float> v0 = Vector128.Create(0.5f) - negative + (q0 + q1);
            Vector128<float> v2 = v0 + q3;
            Vector128<short> low = Vector128.Narrow(Vector128.ConvertToInt32Native(v0), Vector128.ConvertToInt32Native(v0 + q2));
            Vector128<short> high = Vector128.Narrow(Vector128.ConvertToInt32Native(v2), Vector128.ConvertToInt32Native(v2 + q2));
            tables[g] = Vector128.Narrow(low.AsUInt16(), high.AsUInt16());
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PrepareBytes(ReadOnlySpan<float> rotated)
    {
        Span<sbyte> bytes = _bytes.Span;
        ReadOnlySpan<Vector128<float>> quads = MemoryMarshal.Cast<float, Vector128<float>>(rotated);
        Vector128<float> largest = Vector128<float>.Zero;
        foreach (Vector128<float> quad in quads)
            largest = Vector128.Max(largest, Vector128.Abs(quad));
        float widest = MathF.Max(MathF.Max(largest[0], largest[1]), MathF.Max(largest[2], largest[3]));
        ByteStep = widest / 127;
        Vector128<float> inverse = Vector128.Create(widest > 0 ? 127 / widest : 0);
        Vector128<int> total = Vector128<int>.Zero;
        int whole = rotated.Length & ~63;
        Span<Vector128<sbyte>> wholeBytes = MemoryMarshal.Cast<sbyte, Vector128<sbyte>>(bytes[..whole]);
        for (int i = 0; i < wholeBytes.Length; i++)
        {
            Vector128<int> a = Round(quads[4 * i] * inverse), b = Round(quads[(4 * i) + 1] * inverse);
            Vector128<int> c = Round(quads[(4 * i) + 2] * inverse), d = Round(quads[(4 * i) + 3] * inverse);
            total += a + b + (c + d);
            wholeBytes[i] = Vector128.Narrow(Vector128.Narrow(a, b), Vector128.Narrow(c, d));
        }

        int sum = Vector128.Sum(total);
        for (int i = whole; i < rotated.Length; i++)
        {
            sbyte rounded = (sbyte)Round(Vector128.Create(rotated[i]) * inverse)[0];
            bytes[_layout.QueryPosition(i)] = rounded;
            sum += rounded;
        }

        ByteSum = sum;
    }

    /// <summary>Nearest integers: adding 1.5 * 2^23 leaves the rounded value in the low bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Round(Vector128<float> values) =>
        (values + Vector128.Create(12582912f)).AsInt32() - Vector128.Create(12582912f).AsInt32();

    /// <summary>The sums of magnitudes of four groups, one per lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> SumEach(ReadOnlySpan<Vector128<float>> groups, int g) => Vector128.Create(
        Vector128.Sum(Vector128.Abs(groups[g])), Vector128.Sum(Vector128.Abs(groups[g + 1])),
        Vector128.Sum(Vector128.Abs(groups[g + 2])), Vector128.Sum(Vector128.Abs(groups[g + 3])));
}

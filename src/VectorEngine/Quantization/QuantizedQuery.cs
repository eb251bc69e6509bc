using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using VectorEngine.Numerics;

namespace VectorEngine.Quantization;

/// <summary>
/// A rotated vector prepared for both layers: 7-bit lookup tables for FastScan and signed bytes for the ex-codes.
/// Made once per query and used for every list.
/// </summary>
/// <remarks>
/// With q the rotated vector: &lt;xs, q&gt; is Step * sum + Bias, where sum adds one table entry per 4 dimensions, each rounded to a multiple of Step;
/// &lt;x, q&gt; for the full code x = 8 xs + (e - 3.5) is 8 &lt;xs, q&gt; + ByteStep * (dot - 3.5 ByteSum), where dot is the integer inner product
/// of the ex-code e with the bytes. 7 bits let two entries be added as bytes; the rounding they leave has 2.6 % of the standard deviation
/// of the 1-bit code's own error, and 14 % of the 4-bit code's.
/// </remarks>
internal sealed class QuantizedQuery
{
    private const int LargestEntry = 127;

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
    public float SignRounding => Step * MathF.Sqrt(_layout.PaddedDimensions / 4 / 12f);

    /// <summary>Standard deviation of the rounding error of &lt;x, q&gt;; e - 3.5 has a mean square of 5.25.</summary>
    public float FullRounding =>
        MathF.Sqrt((64 * SignRounding * SignRounding) + (ByteStep * ByteStep / 12 * 5.25f * _layout.PaddedDimensions));

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
    }


    private void PrepareTable(ReadOnlySpan<float> rotated)
    {
        float range = 0, total = 0;
        ReadOnlySpan<Vector128<float>> groups = MemoryMarshal.Cast<float, Vector128<float>>(rotated);
        foreach (Vector128<float> group in groups)
        {
            float sum = Vector128.Sum(Vector128.Abs(group));
            range = MathF.Max(range, sum);
            total += sum;
        }

        Step = range / LargestEntry;
        Bias = -0.5f * total;
        float inverse = range > 0 ? LargestEntry / range : 0;
        Span<Vector128<byte>> tables = MemoryMarshal.Cast<byte, Vector128<byte>>(_table.Span);
        for (int g = 0; g < groups.Length; g++)
        {
            // Entry v: the sum over the bits of v of q[i], less its minimum over all v, in steps; rounded by adding 1/2 and truncating.
            Vector128<float> q = groups[g] * inverse;
            float floor = 0.5f - Vector128.Sum(Vector128.Min(q, Vector128<float>.Zero));
            float q0 = q[0], q1 = q[1], q2 = q[2], q3 = q[3];
            Vector128<float> v0 = Vector128.Create(floor, floor + q0, floor + q1, floor + (q0 + q1));
            Vector128<float> v2 = v0 + Vector128.Create(q3);
            Vector128<float> b2 = Vector128.Create(q2);
            Vector128<short> low = Vector128.Narrow(Vector128.ConvertToInt32Native(v0), Vector128.ConvertToInt32Native(v0 + b2));
            Vector128<short> high = Vector128.Narrow(Vector128.ConvertToInt32Native(v2), Vector128.ConvertToInt32Native(v2 + b2));
            tables[g] = Vector128.Narrow(low.AsUInt16(), high.AsUInt16());
        }
    }

    private void PrepareBytes(ReadOnlySpan<float> rotated)
    {
        Span<sbyte> bytes = _bytes.Span;
        float largest = 0;
        foreach (float value in rotated)
            largest = MathF.Max(largest, MathF.Abs(value));
        ByteStep = largest / 127;
        float inverse = largest > 0 ? 127 / largest : 0;
        int sum = 0;
        int whole = rotated.Length & ~63;
        for (int i = 0; i < whole; i++)
        {
            // Adding 1.5 * 2^23 leaves the value, rounded to the nearest integer, in the low bits.
            sbyte rounded = (sbyte)BitConverter.SingleToInt32Bits((rotated[i] * inverse) + 12582912f);
            bytes[i] = rounded;
            sum += rounded;
        }

        for (int i = whole; i < rotated.Length; i++)
        {
            sbyte rounded = (sbyte)BitConverter.SingleToInt32Bits((rotated[i] * inverse) + 12582912f);
            bytes[_layout.QueryPosition(i)] = rounded;
            sum += rounded;
        }

        ByteSum = sum;
    }
}

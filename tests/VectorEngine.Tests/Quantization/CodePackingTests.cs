using FsCheck;
using FsCheck.Fluent;
using VectorEngine.Kernels;
using VectorEngine.Numerics;
using VectorEngine.Quantization;
using VectorEngine.Tests.Kernels;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Quantization;

/// <summary>Packed codes are what FORMAT.md says, and the kernels read what was packed.</summary>
public sealed class CodePackingTests
{
    /// <summary>Padded lengths with every kind of tail: none, 16, 32 and 48.</summary>
    private static readonly int[] Lengths = [16, 32, 48, 64, 80, 96, 112, 128, 192, 208, 768, 784, 1040, 1072];

    private sealed record PackingCase(int Dimensions, int Count, int Seed)
    {
        public VectorMatrix Residuals => GeneratedVectors.Normal(Count, Dimensions, Seed);
    }

    [Fact]
    public void Packed_codes_decode_to_what_the_encoder_chose() => ForAll(packing =>
    {
        var list = new CodedList(Metric.SquaredL2, packing.Dimensions, packing.Residuals, packing.Seed);
        var decoder = new FormatDecoder(packing.Dimensions);
        Assert.Equal(decoder.BlockBytes * ((packing.Count + 31) / 32), list.Blocks.Length);
        Assert.Equal(decoder.ExListBytes(packing.Count), list.Ex.Length);
        for (int posting = 0; posting < packing.Count; posting++)
        {
            Assert.Equal(list.Codes[posting], decoder.Codes(list.Blocks.Span, list.Ex.Span, posting));
            AssertSigns(list, posting);
            Assert.Equal(CodedList.OrdinalOf(posting), decoder.Ordinal(list.Blocks.Span, posting));
            (CodeFactors sign, CodeFactors full) = list.Factors[posting];
            AssertFactors(sign, decoder.SignFactors(list.Blocks.Span, posting));
            AssertFactors(full, decoder.ExFactors(list.Ex.Span, posting));
        }
    });

    [Fact]
    public void Beyond_the_last_posting_everything_is_zero() => ForAll(packing =>
    {
        var list = new CodedList(Metric.InnerProduct, packing.Dimensions, packing.Residuals, packing.Seed);
        var decoder = new FormatDecoder(packing.Dimensions);
        for (int posting = packing.Count; posting < (packing.Count + 31) / 32 * 32; posting++)
        {
            for (int d = 0; d < decoder.PaddedDimensions; d++)
                Assert.Equal(0, decoder.SignBit(list.Blocks.Span, posting, d));
            Assert.Equal(default, decoder.SignFactors(list.Blocks.Span, posting));
            Assert.Equal(0u, decoder.Ordinal(list.Blocks.Span, posting));
        }

        Assert.Equal(-1, list.Ex.Span[(packing.Count * decoder.RecordBytes)..].IndexOfAnyExcept((byte)0));
    });

    [Fact]
    public void FastScan_and_DotExCode_sum_the_decoded_codes() => ForAll(packing =>
    {
        var list = new CodedList(Metric.SquaredL2, packing.Dimensions, packing.Residuals, packing.Seed);
        CodeLayout layout = list.Space.Layout;
        var decoder = new FormatDecoder(packing.Dimensions);
        var query = new QuantizedQuery(layout);
        query.Prepare(GeneratedVectors.Normal(1, layout.PaddedDimensions, packing.Seed + 1)[0]);
        int[] sums = new int[(packing.Count + 31) / 32 * 32];
        var scan = new FastScanAction { Blocks = list.Blocks.Span, BlockStride = layout.BlockBytes, Table = query.Table, Sums = sums };
        KernelDispatch.Run(ref scan);
        for (int posting = 0; posting < packing.Count; posting++)
        {
            int tableSum = 0, byteSum = 0;
            for (int d = 0; d < layout.PaddedDimensions; d += 4)
            {
                int nibble = 0;
                for (int i = 0; i < 4; i++)
                    nibble |= decoder.SignBit(list.Blocks.Span, posting, d + i) << i;
                tableSum += query.Table[(4 * d) + nibble];
            }

            for (int d = 0; d < layout.PaddedDimensions; d++)
                byteSum += decoder.ExCode(list.Ex.Span, posting, d) * query.Bytes[layout.QueryPosition(d)];
            Assert.Equal(tableSum, sums[posting]);
            var dot = new DotExCodeAction
            {
                Code = list.Ex.Span.Slice((posting * layout.ExRecordBytes) + CodeLayout.ExFactorBytes, layout.ExCodeBytes),
                Dimensions = layout.PaddedDimensions,
                Query = query.Bytes,
            };
            KernelDispatch.Run(ref dot);
            Assert.Equal(byteSum, dot.Dot);
        }
    });

    private static void AssertSigns(CodedList list, int posting)
    {
        CodeLayout layout = list.Space.Layout;
        byte[] groups = new byte[layout.SignGroups];
        new SignBlocks(layout, list.Blocks.Span, list.Count).CopySigns(posting, groups);
        for (int d = 0; d < layout.PaddedDimensions; d++)
            Assert.Equal(list.Codes[posting][d] >> 3, groups[d / 4] >> (d % 4) & 1);
    }

    [Fact]
    public void Products_from_the_quantized_query_are_within_their_largest_rounding() => ForAll(packing =>
    {
        var layout = new CodeLayout(packing.Dimensions);
        var random = new Random(packing.Seed);
        float[] rotated = KernelCase.Floats(random, layout.PaddedDimensions);
        var query = new QuantizedQuery(layout);
        query.Prepare(rotated);
        double signs = 0, full = 0;
        int sum = 0, dot = 0;
        for (int d = 0; d < layout.PaddedDimensions; d += 4)
        {
            int nibble = random.Next(16);
            sum += query.Table[(4 * d) + nibble];
            // FastScan adds entries 64 bytes apart in 128 as bytes.
            int group = 4 * d, other = group % 128 < 64 ? group + 64 : group - 64;
            if (other < query.Table.Length)
                Assert.InRange(Largest(query.Table.Slice(group, 16)) + Largest(query.Table.Slice(other, 16)), 0, 255);
            for (int i = 0; i < 4; i++)
            {
                int sign = nibble >> i & 1, ex = random.Next(8);
                dot += ex * query.Bytes[layout.QueryPosition(d + i)];
                signs += (sign - 0.5) * rotated[d + i];
                full += ((8 * sign) + ex - 7.5) * rotated[d + i];
            }
        }

        Assert.Equal(signs, query.SignProduct(sum), query.LargestSignRounding);
        Assert.Equal(full, query.FullProduct(sum, dot), query.LargestFullRounding);
    });

    private static int Largest(ReadOnlySpan<byte> entries)
    {
        int largest = 0;
        foreach (byte entry in entries)
            largest = Math.Max(largest, entry);
        return largest;
    }

    [Fact]
    public void A_query_of_zeros_has_no_products()
    {
        var query = new QuantizedQuery(new CodeLayout(48));
        query.Prepare(new float[48]);
        Assert.Equal((0f, 0f, 0f), (query.SignProduct(0), query.FullProduct(0, 0), query.LargestFullRounding));
        Assert.Equal(-1, query.Table.IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void Error_factors_are_rounded_up() => Prop.ForAll(Gen.Choose(0, 0x7F7F_0000).ToArbitrary(), bits =>
    {
        float value = BitConverter.Int32BitsToSingle(bits), rounded = BFloat16.ToSingle(BFloat16.RoundUp(value));
        Assert.True(rounded >= value);
        // Below the smallest normal number there are no relative promises.
        if (float.IsNormal(value))
            Assert.True(value >= rounded * (1 - BFloat16.RelativeSlack));
    }).QuickCheckThrowOnFailure();

    private static void AssertFactors(CodeFactors chosen, FormatDecoder.Factors decoded)
    {
        Assert.Equal((chosen.Add, chosen.Rescale), (decoded.Add, decoded.Rescale));
        Assert.InRange(decoded.Error, chosen.Error, chosen.Error * (1 + (1f / 128)));
    }

    private static void ForAll(Action<PackingCase> check)
    {
        Gen<PackingCase> cases =
            from dimensions in Gen.Elements(Lengths)
            from count in Gen.Frequency((3, Gen.Choose(1, 33)), (1, Gen.Choose(34, 100)))
            from seed in Gen.Choose(0, 1 << 30)
            select new PackingCase(dimensions, count, seed);
        Prop.ForAll(cases.ToArbitrary(), check).Check(Config.QuickThrowOnFailure.WithMaxTest(TestScale.IsSlow ? 10 : 60));
    }
}

using System.Buffers.Binary;
using System.Runtime.InteropServices;
using VectorEngine.Kernels;

namespace VectorEngine.Tests.Kernels;

/// <summary>
/// The kernels that read codes: every set gives exactly what the scalar kernels give, and those what the packed layout means.
/// </summary>
public sealed class CodeKernelTests : IDisposable
{
    private readonly GuardedMemory _codes = new(1 << 18), _table = new(1 << 16), _sums = new(1 << 12);

    public void Dispose()
    {
        _codes.Dispose();
        _table.Dispose();
        _sums.Dispose();
    }

    [Fact]
    public void FastScan_equals_scalar() => KernelCase.ForAll(24, [48, 128, 129, 256, 257, 512], drawn =>
    {
        Random random = drawn.Random;
        int length = 64 * Math.Max(1, drawn.Size), count = random.Next(1, 5), stride = length + random.Next(400);
        byte[] table = new byte[length], blocks = new byte[((count - 1) * stride) + length];
        random.NextBytes(blocks);
        FillTable(random, table);
        AssertFastScan(blocks, stride, table, count, drawn.Trailing);
    });

    [Theory]
    [InlineData(64)]
    [InlineData(8192)]
    [InlineData(8192 + 64)]
    [InlineData(16384)]
    [InlineData(16384 + 64)]
    [InlineData(32768 - 64)]
    [InlineData(32768)]
    public void FastScan_does_not_overflow(int length)
    {
        byte[] table = new byte[length], blocks = new byte[length];
        // The largest entries allowed: every pair adds up to 255, and the last 64 bytes may stand alone.
        for (int i = 0; i < length; i++)
            table[i] = (byte)(length - (i & ~127) <= 64 ? 255 : i % 128 < 64 ? 200 : 55);
        Array.Fill(blocks, (byte)0xFF);
        int[] sums = AssertFastScan(blocks, length, table, 1, 0);
        Assert.All(sums, sum => Assert.Equal((length / 128 * 4 * 255) + (length % 128 / 16 * 255), sum));
    }

    [Fact]
    public void FastScan_of_no_blocks_does_nothing()
    {
        foreach (InstructionSet set in InstructionSets.Supported)
        {
            var action = new FastScanAction { Table = new byte[64], BlockStride = 64 };
            KernelDispatch.Run(set, ref action);
        }
    }

    [Fact]
    public void FastScan_sums_what_the_layout_means()
    {
        const int Groups = 12;
        var random = new Random(5);
        byte[] table = new byte[16 * Groups], block = new byte[16 * Groups];
        int[] expected = new int[32];
        FillTable(random, table);
        for (int posting = 0; posting < 32; posting++)
        {
            for (int group = 0; group < Groups; group++)
            {
                // Byte 2j: postings j and 16 + j; byte 2j + 1: postings 8 + j and 24 + j; the lower posting in the lower nibble.
                int nibble = random.Next(16), within = posting % 16;
                int position = within < 8 ? 2 * within : (2 * (within - 8)) + 1;
                block[(16 * group) + position] |= (byte)(posting < 16 ? nibble : nibble << 4);
                expected[posting] += table[(16 * group) + nibble];
            }
        }

        Assert.Equal(expected, AssertFastScan(block, block.Length, table, 1, 0));
    }

    [Fact]
    public void SelectBelow_equals_scalar() => KernelCase.ForAll(3, [0], drawn =>
    {
        Random random = drawn.Random;
        byte[] factors = new byte[320];
        Span<int> sums = _sums.Last<int>(32, 4 * drawn.Trailing);
        float[] adds = KernelCase.Floats(random, 32), rescales = KernelCase.Floats(random, 32);
        for (int i = 0; i < 32; i++)
        {
            sums[i] = random.Next(260_097);
            BinaryPrimitives.WriteSingleLittleEndian(factors.AsSpan(4 * i), adds[i]);
            BinaryPrimitives.WriteSingleLittleEndian(factors.AsSpan(128 + (4 * i)), rescales[i]);
            BinaryPrimitives.WriteUInt16LittleEndian(factors.AsSpan(256 + (2 * i)), (ushort)random.Next(0x3F80));
        }

        ReadOnlySpan<byte> guarded = _codes.Last<byte>(factors, drawn.Trailing);
        var constants = new BoundConstants(random.NextSingle(), 0.01f * random.NextSingle(), -random.NextSingle(), 3 * random.NextSingle());
        for (int posting = 0; posting < 32; posting++)
        {
            // Exactly a posting's bound, so that one wrongly rounded step shows.
            float threshold = LowerBound(sums, factors, posting, constants);
            uint expected = ScalarKernels.SelectBelow(sums, guarded, constants, threshold);
            Assert.True((expected >> posting & 1) != 0);
            foreach (InstructionSet set in InstructionSets.Supported)
            {
                var action = new SelectBelowAction { Sums = sums, Factors = guarded, Constants = constants, Threshold = threshold };
                KernelDispatch.Run(set, ref action);
                if (action.Selected != expected)
                    Assert.Fail($"{set}: selected {action.Selected:x8}, not {expected:x8}.");
            }
        }
    });

    [Theory]
    [InlineData(float.NegativeInfinity, 0u)]
    [InlineData(float.NaN, 0u)]
    [InlineData(float.MaxValue, 0xFFFF_FFFFu)]
    public void SelectBelow_takes_none_or_all_at_the_extremes(float threshold, uint expected)
    {
        foreach (InstructionSet set in InstructionSets.Supported)
        {
            var action = new SelectBelowAction { Sums = new int[32], Factors = new byte[320], Threshold = threshold };
            KernelDispatch.Run(set, ref action);
            Assert.Equal(expected, action.Selected);
        }
    }

    [Fact]
    public void SelectAllowed_takes_the_ordinals_in_the_set() => KernelCase.ForAll(100, [2000], drawn =>
    {
        Random random = drawn.Random;
        int first = random.Next(32), count = Math.Max(1, 32 * drawn.Size);
        Span<uint> set = _table.Last<uint>((first + count + 31) / 32, 4 * drawn.Trailing);
        foreach (ref uint word in set)
            word = (uint)random.NextInt64(1L << 32);
        Span<int> ordinals = _sums.Last<int>(32, 4 * drawn.Trailing);
        uint expected = 0;
        for (int i = 0; i < 32; i++)
        {
            ordinals[i] = random.Next(8) == 0 ? count - 1 : random.Next(count);
            int bit = first + ordinals[i];
            expected |= (set[bit / 32] >> (bit % 32) & 1) << i;
        }

        foreach (InstructionSet instructions in InstructionSets.Supported)
        {
            var action = new SelectAllowedAction { Ordinals = MemoryMarshal.AsBytes(ordinals), Set = set, First = first };
            KernelDispatch.Run(instructions, ref action);
            if (action.Selected != expected)
                Assert.Fail($"{instructions}: selected {action.Selected:x8}, not {expected:x8}.");
        }
    });

    [Fact]
    public void DotExCode_equals_scalar() => KernelCase.ForAll(48, [64, 96, 97, 128, 511, 512], drawn =>
    {
        Random random = drawn.Random;
        int dimensions = 16 * Math.Max(1, drawn.Size);
        byte[] code = new byte[CodeLength(dimensions)];
        random.NextBytes(code);
        sbyte[] query = new sbyte[(dimensions + 63) & ~63];
        for (int i = 0; i < dimensions; i++)
            query[QueryPosition(i, dimensions)] = (sbyte)random.Next(-128, 128);
        AssertDotExCode(code, dimensions, query, drawn.Trailing);
    });

    [Theory]
    [InlineData(16, 127)]
    [InlineData(64, -128)]
    [InlineData(1024, -128)]
    [InlineData(8192, 127)]
    [InlineData(8192, -128)]
    public void DotExCode_does_not_overflow(int dimensions, int value)
    {
        byte[] code = new byte[CodeLength(dimensions)];
        Array.Fill(code, (byte)0xFF);
        sbyte[] query = new sbyte[(dimensions + 63) & ~63];
        for (int i = 0; i < dimensions; i++)
            query[QueryPosition(i, dimensions)] = (sbyte)value;
        Assert.Equal(7 * value * dimensions, AssertDotExCode(code, dimensions, query, 0));
    }

    [Theory]
    [InlineData(16)]
    [InlineData(48)]
    [InlineData(208)]
    [InlineData(768)]
    public void DotExCode_sums_what_the_layout_means(int dimensions)
    {
        var random = new Random(dimensions);
        byte[] code = new byte[CodeLength(dimensions)];
        sbyte[] query = new sbyte[(dimensions + 63) & ~63];
        int expected = 0;
        for (int i = 0; i < dimensions; i++)
        {
            int position = QueryPosition(i, dimensions), unit = position / 64, l = position % 64 / 16, j = position % 16;
            int magnitude = random.Next(8), value = random.Next(-128, 128);
            code[(16 * unit) + j] |= (byte)((magnitude & 3) << (2 * l));
            code[(dimensions / 4) + (8 * unit) + (j % 8)] |= (byte)((magnitude >> 2) << (j < 8 ? l : l + 4));
            query[position] = (sbyte)value;
            expected += magnitude * value;
        }

        Assert.Equal(expected, AssertDotExCode(code, dimensions, query, 0));
    }

    /// <summary>Random entries; any two of groups 64 bytes apart in 128 add up to at most 255.</summary>
    private static void FillTable(Random random, Span<byte> table)
    {
        for (int group = 0; group < table.Length; group += 16)
        {
            int largest = group % 128 < 64 ? random.Next(256) : 255 - Largest(table.Slice(group - 64, 16));
            foreach (ref byte entry in table.Slice(group, 16))
                entry = (byte)random.Next(largest + 1);
        }
    }

    private static int Largest(ReadOnlySpan<byte> entries)
    {
        int largest = 0;
        foreach (byte entry in entries)
            largest = Math.Max(largest, entry);
        return largest;
    }

    private int[] AssertFastScan(byte[] blocks, int stride, byte[] table, int count, int trailing)
    {
        int[] expected = new int[32 * count];
        ScalarKernels.FastScan(blocks, stride, table, expected);
        foreach (InstructionSet set in InstructionSets.Supported)
        {
            var action = new FastScanAction
            {
                Blocks = _codes.Last<byte>(blocks, trailing),
                BlockStride = stride,
                Table = _table.Last<byte>(table, trailing % 3),
                Sums = _sums.Last<int>(32 * count),
            };
            action.Sums.Fill(-1);
            KernelDispatch.Run(set, ref action);
            int position = action.Sums.CommonPrefixLength(expected);
            if (position < expected.Length)
                Assert.Fail(
                    $"{set}, table of {table.Length}: posting {position} sums to {action.Sums[position]}, not {expected[position]}.");
        }

        return expected;
    }

    private int AssertDotExCode(byte[] code, int dimensions, sbyte[] query, int trailing)
    {
        // Exactly the bytes that may be read and ignored lie between the code and the forbidden page.
        Span<byte> guarded = _codes.Last<byte>(code.Length + IKernels.ExCodeOverread);
        code.CopyTo(guarded);
        guarded[code.Length..].Fill(0xFF);
        ReadOnlySpan<sbyte> guardedQuery = _table.Last<sbyte>(query, trailing);
        int expected = ScalarKernels.DotExCode(code, dimensions, query);
        foreach (InstructionSet set in InstructionSets.Supported)
        {
            var action = new DotExCodeAction { Code = guarded[..code.Length], Dimensions = dimensions, Query = guardedQuery };
            KernelDispatch.Run(set, ref action);
            if (action.Dot != expected)
                Assert.Fail($"{set}, {dimensions} dimensions: {action.Dot}, not {expected}.");
        }

        return expected;
    }

    private static float LowerBound(ReadOnlySpan<int> sums, ReadOnlySpan<byte> factors, int posting, in BoundConstants constants)
    {
        float add = BinaryPrimitives.ReadSingleLittleEndian(factors[(4 * posting)..]);
        float rescale = BinaryPrimitives.ReadSingleLittleEndian(factors[(128 + (4 * posting))..]);
        float error = BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(factors[(256 + (2 * posting))..]) << 16);
        float inner = MathF.FusedMultiplyAdd(sums[posting], constants.Step, constants.Bias);
        float estimate = MathF.FusedMultiplyAdd(rescale, inner, add + constants.Base);
        return MathF.FusedMultiplyAdd(-error, constants.Error, estimate);
    }

    /// <summary>
    /// Two bits for each dimension, then a byte for 8 dimensions; in the last unit at least one byte for each byte of 2-bit codes, up to 8.
    /// </summary>
    private static int CodeLength(int dimensions) => (dimensions / 4) + (dimensions / 64 * 8) + Math.Min(8, dimensions % 64 / 4);

    /// <summary>
    /// A unit of 64 dimensions has 4 rows of 16; the last unit, of fewer dimensions, 4 shorter rows that start at the same places.
    /// </summary>
    private static int QueryPosition(int dimension, int dimensions)
    {
        int start = dimension & ~63, width = Math.Min(64, dimensions - start) / 4;
        return start + (16 * ((dimension - start) / width)) + ((dimension - start) % width);
    }
}

using System.Buffers.Binary;

namespace VectorEngine.Kernels;

/// <summary>Plain loops: what every other instruction set must compute.</summary>
internal readonly struct ScalarKernels : IKernels
{
    public static bool IsSupported => true;

    public static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        float sum = 0;
        for (int i = 0; i < x.Length; i++)
            sum += x[i] * y[i];
        return sum;
    }

    public static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<Half> y)
    {
        float sum = 0;
        for (int i = 0; i < x.Length; i++)
            sum += x[i] * (float)y[i];
        return sum;
    }

    public static float SquaredL2(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        float sum = 0;
        for (int i = 0; i < x.Length; i++)
            sum += (x[i] - y[i]) * (x[i] - y[i]);
        return sum;
    }

    public static float SquaredL2(ReadOnlySpan<float> x, ReadOnlySpan<Half> y)
    {
        float sum = 0;
        for (int i = 0; i < x.Length; i++)
            sum += (x[i] - (float)y[i]) * (x[i] - (float)y[i]);
        return sum;
    }

    public static void DotRows(ReadOnlySpan<float> x, ReadOnlySpan<float> rows, Span<float> results)
    {
        for (int row = 0; row < results.Length; row++)
            results[row] = Dot(x, rows.Slice(row * x.Length, x.Length));
    }

    public static void SquaredL2Rows(ReadOnlySpan<float> x, ReadOnlySpan<float> rows, Span<float> results)
    {
        for (int row = 0; row < results.Length; row++)
            results[row] = SquaredL2(x, rows.Slice(row * x.Length, x.Length));
    }

    public static int TileColumns => 12;

    public static void DotTile(ReadOnlySpan<float> rows, ReadOnlySpan<float> panel, Span<float> results)
    {
        int dimensions = rows.Length / 4;
        for (int row = 0; row < 4; row++)
        {
            for (int column = 0; column < TileColumns; column++)
            {
                float sum = 0;
                for (int i = 0; i < dimensions; i++)
                    sum += rows[(row * dimensions) + i] * panel[(i * TileColumns) + column];
                results[(row * TileColumns) + column] = sum;
            }
        }
    }

    public static void Hadamard(Span<float> x)
    {
        for (int half = 1; half < x.Length; half *= 2)
        {
            for (int i = 0; i < x.Length; i++)
            {
                if ((i & half) == 0)
                    (x[i], x[i + half]) = (x[i] + x[i + half], x[i] - x[i + half]);
            }
        }
    }

    public static void Multiply(Span<float> x, ReadOnlySpan<float> factors)
    {
        for (int i = 0; i < x.Length; i++)
            x[i] *= factors[i];
    }

    public static void Butterfly(Span<float> x, Span<float> y)
    {
        const float Half = 0.70710678f;
        for (int i = 0; i < x.Length; i++)
            (x[i], y[i]) = ((x[i] + y[i]) * Half, (x[i] - y[i]) * Half);
    }

    public static (float Dot, float SquaredNorm) ScoreScale(ReadOnlySpan<float> residual, float scale)
    {
        float dot = 0, squaredNorm = 0;
        foreach (float value in residual)
        {
            float magnitude = MathF.Abs(value);
            float code = MathF.Min(7, MathF.Floor(magnitude * scale)) + 0.5f;
            dot += magnitude * code;
            squaredNorm += code * code;
        }

        return (dot, squaredNorm);
    }

    public static void FastScan(ReadOnlySpan<byte> blocks, int blockStride, ReadOnlySpan<byte> table, Span<int> sums)
    {
        sums.Clear();
        for (int posting = 0; posting < sums.Length; posting++)
        {
            ReadOnlySpan<byte> block = blocks[(posting / 32 * blockStride)..];
            // Within a group, byte 2j holds postings j and 16 + j, byte 2j + 1 holds postings 8 + j and 24 + j: low nibble first.
            int lane = posting % 8, odd = posting / 8 % 2, high = posting % 32 / 16;
            for (int group = 0; group < table.Length / 16; group++)
            {
                int nibble = (block[(group * 16) + (2 * lane) + odd] >> (4 * high)) & 15;
                sums[posting] += table[(group * 16) + nibble];
            }
        }
    }

    public static uint SelectBelow(ReadOnlySpan<int> sums, ReadOnlySpan<byte> factors, in BoundConstants constants, float threshold)
    {
        uint selected = 0;
        for (int i = 0; i < 32; i++)
        {
            float add = BinaryPrimitives.ReadSingleLittleEndian(factors[(4 * i)..]);
            float rescale = BinaryPrimitives.ReadSingleLittleEndian(factors[(128 + (4 * i))..]);
            float error = Numerics.BFloat16.ToSingle(BinaryPrimitives.ReadUInt16LittleEndian(factors[(256 + (2 * i))..]));
            float inner = MathF.FusedMultiplyAdd(sums[i], constants.Step, constants.Bias);
            float estimate = MathF.FusedMultiplyAdd(rescale, inner, add + constants.Base);
            float bound = MathF.FusedMultiplyAdd(-error, constants.Error, estimate);
            if (bound <= threshold)
                selected |= 1u << i;
        }

        return selected;
    }

    public static uint SelectAllowed(ReadOnlySpan<byte> ordinals, ReadOnlySpan<uint> set, int first)
    {
        uint selected = 0;
        for (int i = 0; i < 32; i++)
        {
            uint bit = BinaryPrimitives.ReadUInt32LittleEndian(ordinals[(4 * i)..]) + (uint)first;
            selected |= (set[(int)(bit >> 5)] >> (int)(bit & 31) & 1) << i;
        }

        return selected;
    }

    public static int DotExCode(ReadOnlySpan<byte> code, int dimensions, ReadOnlySpan<sbyte> query)
    {
        // Within 64 dimensions, position 16 l + j takes its lower two bits from bits 2l of byte j of the two-bit plane
        // and its upper bit from bit l (j < 8) or l + 4 of byte j mod 8 of the one-bit plane.
        int sum = 0;
        ReadOnlySpan<byte> lowPlane = code, highPlane = code[(dimensions / 4)..];
        for (int start = 0; start < dimensions; start += 64)
        {
            int width = Math.Min(64, dimensions - start) / 4;
            for (int l = 0; l < 4; l++)
            {
                for (int j = 0; j < width; j++)
                {
                    int low = (lowPlane[(start / 4) + j] >> (2 * l)) & 3;
                    int high = (highPlane[(start / 8) + (j % 8)] >> (l + (j / 8 * 4))) & 1;
                    sum += (low + (4 * high)) * query[start + (16 * l) + j];
                }
            }
        }

        return sum;
    }
}

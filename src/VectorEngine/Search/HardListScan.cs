using System.Numerics;
using VectorEngine.Kernels;
using VectorEngine.Numerics;
using VectorEngine.Quantization;

namespace VectorEngine.Search;

/// <summary>
/// Scans one posting list with bounds that never fail. They need &lt;x, y&gt; itself, not only its sum with the list's constants,
/// so the list's centroid gets tables of its own: slower than <see cref="ListScan"/>, and plain.
/// </summary>
internal ref struct HardListScan
{
    public required CodeSpace Space;
    public required QueryScratch Scratch;
    public required QuantizedQuery Centroid;
    public required SignBlocks Blocks;

    /// <summary>The postings that may be results, a word for each block; empty if all may.</summary>
    public required ReadOnlySpan<uint> Selected;
    public required SearchStage Stage;
    public required ExList Ex;

    /// <summary>The list's part of every distance.</summary>
    public required float Base;

    /// <summary>|y|, rounded up.</summary>
    public required double QueryNorm;

    /// <summary>At least the length of everything that was summed up in float32 for this list, but for the residuals.</summary>
    public required double Reach;

    /// <summary>Scans the list.</summary>
    /// <returns>False if its 3-bit codes are needed and not at hand: then nothing has been done.</returns>
    public bool TryRun<K>() where K : struct, IKernels
    {
        CodeLayout layout = Space.Layout;
        Span<int> querySums = stackalloc int[CodeLayout.BlockSize], centroidSums = stackalloc int[CodeLayout.BlockSize];
        for (int block = 0; block < CodeLayout.BlockCount(Blocks.Count); block++)
        {
            uint open = Selected.IsEmpty ? Blocks.Occupied(block) : Selected[block];
            if (open == 0)
                continue;
            ReadOnlySpan<byte> codes = Blocks.Bytes.Slice(block * layout.BlockBytes, layout.BlockBytes);
            K.FastScan(codes, layout.BlockBytes, Scratch.Quantized.Table, querySums);
            K.FastScan(codes, layout.BlockBytes, Centroid.Table, centroidSums);
            for (; open != 0; open &= open - 1)
            {
                int slot = BitOperations.TrailingZeroCount(open);
                if (!TryScan<K>((block * CodeLayout.BlockSize) + slot, querySums[slot], centroidSums[slot]))
                    return false;
            }
        }

        return true;
    }

    private bool TryScan<K>(int posting, int querySum, int centroidSum) where K : struct, IKernels
    {
        QuantizedQuery query = Scratch.Quantized;
        CodeFactors factors = Blocks.FactorsOf(posting);
        uint ordinal = Blocks.Ordinal(posting);
        // |r|^2 = f^2 |xs|^2 - e^2, where e was rounded up by at most one part in 128; |xs|^2 = D'/4.
        double f = -factors.Rescale / (double)Space.Weight, least = factors.Error * (1 - BFloat16.RelativeSlack);
        double residual = Math.Sqrt(Math.Max(0, (f * f * Space.Layout.PaddedDimensions / 4 * (1 + 1e-5)) - (least * least)));
        Interval sign = Bound(
            factors, residual, query.SignProduct(querySum), Centroid.SignProduct(centroidSum),
            query.LargestSignRounding, Centroid.LargestSignRounding);
        if (Stage == SearchStage.Sign)
        {
            sign.OfferTo(Scratch.Results, ordinal);
            return true;
        }

        if (sign.Low > Scratch.Uppers.Threshold)
            return true;
        // Missing when the first posting needs it, as nothing is dropped that has been taken.
        if (!Ex.IsAtHand)
            return false;
        ReadOnlySpan<byte> record = Ex.Records.Slice(posting * Space.Layout.ExRecordBytes, Space.Layout.ExRecordBytes);
        ReadOnlySpan<byte> code = record[CodeLayout.ExFactorBytes..];
        int queryDot = K.DotExCode(code, Space.Layout.PaddedDimensions, query.Bytes);
        int centroidDot = K.DotExCode(code, Space.Layout.PaddedDimensions, Centroid.Bytes);
        Interval full = Bound(
            ExRecord.ReadFactors(record), residual, query.FullProduct(querySum, queryDot), Centroid.FullProduct(centroidSum, centroidDot),
            query.LargestFullRounding, Centroid.LargestFullRounding);
        full = full with { Low = Math.Max(sign.Low, full.Low), High = Math.Min(sign.High, full.High) };
        Scratch.Refined++;
        Scratch.Uppers.Offer(MathF.BitIncrement((float)full.High), ordinal, 0);
        if (Stage == SearchStage.Refined)
            full.OfferTo(Scratch.Results, ordinal);
        else
            Scratch.AddCandidate(new Candidate(
                MathF.BitDecrement((float)full.Low), ordinal, MathF.BitIncrement((float)((full.High - full.Low) / 2))));
        return true;
    }

    /// <summary>
    /// The distance is G - w &lt;r, y&gt; with G = base + add - w f &lt;x, c'&gt;,
    /// and <see cref="HardBound"/> bounds &lt;r, y&gt; from f &lt;x, y&gt;.
    /// </summary>
    private readonly Interval Bound(
        in CodeFactors factors, double residual, float queryProduct, float centroidProduct, float queryRounding, float centroidRounding)
    {
        double weight = Space.Weight, f = -factors.Rescale / weight;
        double estimate = Base + (double)factors.Add + ((double)factors.Rescale * queryProduct);
        double product = f * ((double)queryProduct - centroidProduct), rounding = f * ((double)queryRounding + centroidRounding);
        (double low, double high) = HardBound.Range(product - rounding, product + rounding, residual, factors.Error, QueryNorm);
        double shared = Base + (double)factors.Add - (weight * f * centroidProduct);
        // Base, add and the products were rounded to float32, and so were both rotated vectors: one part in 10^5 of each covers it,
        // and the sums of an exact distance. Inner products cancel: their error is in proportion to the vectors, not to the result.
        double longest = Reach + residual,
            vectors = Space.Metric == Metric.SquaredL2 ? weight * (residual + QueryNorm) * longest : longest * longest;
        double slack = (weight * f * centroidRounding)
            + (1e-5 * (Math.Abs(Base) + Math.Abs(factors.Add)
                + (weight * f * (Math.Abs(queryProduct) + Math.Abs(centroidProduct))) + vectors));
        return new Interval(estimate, shared - (weight * high) - slack, shared - (weight * low) + slack);
    }

    private readonly record struct Interval(double Estimate, double Low, double High)
    {
        public void OfferTo(TopK nearest, uint ordinal) =>
            nearest.Offer((float)Estimate, ordinal, MathF.BitIncrement((float)Math.Max(Estimate - Low, High - Estimate)));
    }
}

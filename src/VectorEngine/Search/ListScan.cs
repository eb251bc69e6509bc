using System.Numerics;
using System.Runtime.CompilerServices;
using VectorEngine.Kernels;
using VectorEngine.Loading;
using VectorEngine.Numerics;
using VectorEngine.Quantization;

namespace VectorEngine.Search;

/// <summary>
/// Scans one posting list (or the directory of centroids) with statistical bounds: FastScan, select by lower bound, refine the survivors.
/// The threshold tightens from block to block.
/// </summary>
internal ref struct ListScan
{
    public required CodeLayout Layout;
    public required QueryScratch Scratch;
    public required SignBlocks Blocks;
    public required SearchStage Stage;

    /// <summary>Where survivors go: the results, or the lists to visit.</summary>
    public required TopK Nearest;

    /// <summary>The list's part of every distance.</summary>
    public required float Base;

    /// <summary>Multiplies a posting's error factor to its bound: w |y| epsilon0 / sqrt(D' - 1).</summary>
    public required float ErrorScale;

    public required float Epsilon0;

    /// <summary>The ex records, or where to read them when the first posting survives.</summary>
    public ReadOnlySpan<byte> ExRecords;
    public Layer? ExLayer;
    public int List;

    public void Run<K>() where K : struct, IKernels
    {
        QuantizedQuery query = Scratch.Quantized;
        bool estimatesOnly = Stage == SearchStage.Sign;
        // rescale is never positive, so adding the rounding to the bias lowers every bound by its share.
        var constants = new BoundConstants(
            Base, query.Step, estimatesOnly ? query.Bias : query.Bias + (Epsilon0 * query.SignRounding), estimatesOnly ? 0 : ErrorScale);
        int blockCount = CodeLayout.BlockCount(Blocks.Count);
        long survivors = 0;
        for (int window = 0; window < blockCount; window += QueryScratch.WindowBlocks)
        {
            int windowBlocks = Math.Min(QueryScratch.WindowBlocks, blockCount - window);
            Span<int> sums = Scratch.Sums.AsSpan(0, windowBlocks * CodeLayout.BlockSize);
            K.FastScan(Blocks.Bytes[(window * Layout.BlockBytes)..], Layout.BlockBytes, query.Table, sums);
            for (int b = 0; b < windowBlocks; b++)
            {
                ReadOnlySpan<int> blockSums = sums.Slice(b * CodeLayout.BlockSize, CodeLayout.BlockSize);
                float threshold = Stage == SearchStage.Exact ? Scratch.Uppers.Threshold : Nearest.Threshold;
                uint selected = K.SelectBelow(blockSums, Blocks.Factors(window + b), constants, threshold) & Blocks.Occupied(window + b);
                survivors += BitOperations.PopCount(selected);
                for (; selected != 0; selected &= selected - 1)
                {
                    int slot = BitOperations.TrailingZeroCount(selected);
                    int posting = ((window + b) * CodeLayout.BlockSize) + slot;
                    if (estimatesOnly)
                        OfferSign(posting, blockSums[slot]);
                    else
                        Refine<K>(posting, blockSums[slot]);
                }
            }
        }

        Scratch.Scanned += Blocks.Count;
        Scratch.Pruned += Blocks.Count - survivors;
        Scratch.Refined += estimatesOnly ? 0 : survivors;
    }

    private readonly void OfferSign(int posting, int sum)
    {
        CodeFactors factors = Blocks.FactorsOf(posting);
        float estimate = MathF.FusedMultiplyAdd(factors.Rescale, Scratch.Quantized.SignProduct(sum), factors.Add + Base);
        float rounding = factors.Rescale * Epsilon0 * Scratch.Quantized.SignRounding;
        Nearest.Offer(new Neighbor(estimate, Blocks.Ordinal(posting), (factors.Error * ErrorScale) - rounding));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Refine<K>(int posting, int sum) where K : struct, IKernels
    {
        if (ExRecords.IsEmpty)
            ExRecords = ExLayer!.Read(List).Span;
        ReadOnlySpan<byte> record = ExRecords.Slice(posting * Layout.ExRecordBytes, Layout.ExRecordBytes);
        int dot = K.DotExCode(record[CodeLayout.ExFactorBytes..], Layout.PaddedDimensions, Scratch.Quantized.Bytes);
        CodeFactors factors = ExRecord.ReadFactors(record);
        float estimate = MathF.FusedMultiplyAdd(factors.Rescale, Scratch.Quantized.FullProduct(sum, dot), factors.Add + Base);
        if (Stage == SearchStage.Refined && !(estimate <= Nearest.Threshold))
            return;
        float own = factors.Error * ErrorScale, rounding = factors.Rescale * Epsilon0 * Scratch.Quantized.FullRounding;
        float bound = MathF.Sqrt((own * own) + (rounding * rounding));
        uint ordinal = Blocks.Ordinal(posting);
        if (Stage == SearchStage.Refined)
        {
            Nearest.Offer(new Neighbor(estimate, ordinal, bound));
            return;
        }

        if (estimate - bound <= Scratch.Uppers.Threshold)
        {
            Scratch.Uppers.Offer(new Neighbor(estimate + bound, ordinal, 0));
            Scratch.AddCandidate(new Candidate(estimate - bound, ordinal));
        }
    }
}

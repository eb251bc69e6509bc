using System.Numerics;
using System.Runtime.CompilerServices;
using VectorEngine.Kernels;
using VectorEngine.Numerics;
using VectorEngine.Quantization;

namespace VectorEngine.Search;

/// <summary>
/// Scans one posting list (or the directory of centroids) with statistical bounds: FastScan, select by lower bound, refine the survivors.
/// The threshold tightens with every survivor.
/// </summary>
internal ref struct ListScan
{
    /// <summary>Blocks scanned at a time: their sums and factors stay in the first-level cache until they are selected from.</summary>
    public const int WindowBlocks = 8;

    private readonly QueryScratch _scratch;
    private readonly QuantizedQuery _query;
    private readonly SignBlocks _blocks;
    private readonly ListTerms _terms;
    private readonly CodeLayout _layout;
    private readonly TopK _nearest;
    private readonly SearchStage _stage;
    private readonly ReadOnlySpan<sbyte> _queryBytes;
    private readonly float _signRounding, _fullRounding;
    private readonly ReadOnlySpan<uint> _selected;
    private ExList _ex;
    private long _survivors;

    /// <summary>Prepares to scan a posting list: the selected postings, a word for each block, or all if there are no words.</summary>
    public ListScan(
        QueryScratch scratch, CodeLayout layout, SignBlocks blocks, ReadOnlySpan<uint> selected, in ListTerms terms, SearchStage stage,
        ExList ex)
        : this(scratch, layout, blocks, selected, terms, stage, scratch.Results) => _ex = ex;

    /// <summary>Prepares to scan the directory for the lists to visit, of those selected.</summary>
    public ListScan(
        QueryScratch scratch, CodeLayout layout, SignBlocks blocks, ReadOnlySpan<uint> selected, in ListTerms terms,
        ReadOnlySpan<byte> exRecords)
        : this(scratch, layout, blocks, selected, terms, SearchStage.Refined, scratch.Lists) => _ex = new ExList(exRecords);

    private ListScan(
        QueryScratch scratch, CodeLayout layout, SignBlocks blocks, ReadOnlySpan<uint> selected, in ListTerms terms, SearchStage stage,
        TopK nearest)
    {
        _selected = selected;
        _scratch = scratch;
        _query = scratch.Quantized;
        _layout = layout;
        _blocks = blocks;
        _terms = terms;
        _stage = stage;
        _nearest = nearest;
        _queryBytes = _query.Bytes;
        _signRounding = terms.Epsilon0 * _query.SignRounding;
        _fullRounding = terms.Epsilon0 * _query.FullRounding;
    }

    /// <summary>Scans the list.</summary>
    /// <returns>False if its 3-bit codes are needed and not at hand: then nothing has been done.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool TryRun<K>() where K : struct, IKernels
    {
        var estimates = new BoundConstants(_terms.Base, _query.Step, _query.Bias, 0);
        BoundConstants bounds = LowerBounds;
        int blockCount = CodeLayout.BlockCount(_blocks.Count);
        Span<uint> window = stackalloc uint[WindowBlocks];
        for (int first = 0; first < blockCount; first += WindowBlocks)
        {
            int count = Math.Min(WindowBlocks, blockCount - first);
            Span<int> sums = _scratch.Sums.AsSpan(0, count * CodeLayout.BlockSize);
            Span<uint> open = window[..count];
            if (_selected.IsEmpty)
            {
                K.FastScan(_blocks.Bytes[(first * _layout.BlockBytes)..], _layout.BlockBytes, _query.Table, sums);
                for (int b = 0; b < count; b++)
                    open[b] = _blocks.Occupied(first + b);
            }
            else if (!ScanSelected<K>(first, sums, open))
            {
                continue;
            }

            if (_stage == SearchStage.Sign)
            {
                OfferEstimates<K>(_nearest, first, sums, estimates, open, asPositions: false);
                continue;
            }

            if (Threshold == float.MaxValue && _nearest.Capacity <= sums.Length / 4)
            {
                if (!_ex.IsAtHand)
                    return false;
                RefineSeeds<K>(first, sums, estimates, open);
            }

            for (int b = 0; b < count; b++)
            {
                if (open[b] == 0)
                    continue;
                ReadOnlySpan<int> blockSums = sums.Slice(b * CodeLayout.BlockSize, CodeLayout.BlockSize);
                uint selected = K.SelectBelow(blockSums, _blocks.Factors(first + b), bounds, Threshold) & open[b];
                if (selected != 0 && !_ex.IsAtHand)
                    return false;
                _survivors += BitOperations.PopCount(selected);
                for (; selected != 0; selected &= selected - 1)
                {
                    int slot = BitOperations.TrailingZeroCount(selected);
                    Refine<K>(((first + b) * CodeLayout.BlockSize) + slot, blockSums[slot]);
                }
            }
        }

        // The receipt counts the lists' postings, not the centroids.
        if (!_ex.IsDirectory)
            _scratch.Refined += _survivors;
        return true;
    }

    /// <summary>Counts the postings that the 1-bit layer does not exclude.</summary>
    /// <param name="uppers">Has, and receives, upper bounds of the nearest postings; what lies beyond them all is excluded.</param>
    public readonly int CountSurvivors<K>(TopK uppers) where K : struct, IKernels
    {
        BoundConstants bounds = LowerBounds;
        int blockCount = CodeLayout.BlockCount(_blocks.Count), survivors = 0;
        for (int block = 0; block < blockCount; block++)
        {
            uint near = SelectBlock<K>(block, bounds, uppers.Threshold, out ReadOnlySpan<int> sums);
            survivors += BitOperations.PopCount(near);
            for (; near != 0; near &= near - 1)
            {
                int slot = BitOperations.TrailingZeroCount(near), posting = (block * CodeLayout.BlockSize) + slot;
                (float estimate, float bound) = SignEstimate(posting, sums[slot]);
                uppers.Offer(estimate + bound, _blocks.Ordinal(posting), 0);
            }
        }

        return survivors;
    }

    /// <summary>Offers lower bounds of the list's postings.</summary>
    /// <param name="lowers">The lowest of the bounds so far.</param>
    /// <param name="known">Lower bounds that are known better, by ordinal.</param>
    public void OfferLowerBounds<K>(TopK lowers, Dictionary<uint, float> known) where K : struct, IKernels
    {
        BoundConstants bounds = LowerBounds;
        int blockCount = CodeLayout.BlockCount(_blocks.Count);
        for (int block = 0; block < blockCount; block++)
        {
            uint near = SelectBlock<K>(block, bounds, lowers.Threshold, out ReadOnlySpan<int> sums);
            for (; near != 0; near &= near - 1)
            {
                int slot = BitOperations.TrailingZeroCount(near), posting = (block * CodeLayout.BlockSize) + slot;
                uint ordinal = _blocks.Ordinal(posting);
                (float estimate, float bound) = SignEstimate(posting, sums[slot]);
                float lower = estimate - bound;
                if (known.TryGetValue(ordinal, out float better))
                    lower = better;
                else if (_ex.IsAtHand)
                    lower = MathF.Max(lower, FullEstimate<K>(posting, sums[slot], out CodeFactors factors) - FullBound(factors));
                lowers.Offer(lower, ordinal, 0);
            }
        }
    }

    /// <summary>Selects the postings of a block whose lower bound does not exceed a threshold.</summary>
    /// <param name="block">The block.</param>
    /// <param name="bounds">Make lower bounds.</param>
    /// <param name="threshold">The threshold.</param>
    /// <param name="sums">Receives the sums of the block's table entries, if any posting may be selected.</param>
    private readonly uint SelectBlock<K>(int block, in BoundConstants bounds, float threshold, out ReadOnlySpan<int> sums)
        where K : struct, IKernels
    {
        Span<int> own = _scratch.Sums.AsSpan(0, CodeLayout.BlockSize);
        sums = own;
        uint open = _selected.IsEmpty ? _blocks.Occupied(block) : _selected[block];
        if (open == 0)
            return 0;
        K.FastScan(_blocks.Bytes[(block * _layout.BlockBytes)..], _layout.BlockBytes, _query.Table, own);
        return K.SelectBelow(own, _blocks.Factors(block), bounds, threshold) & open;
    }

    /// <summary>Rescale is never positive, so adding the rounding to the bias lowers every bound by its share.</summary>
    private readonly BoundConstants LowerBounds =>
        new(_terms.Base, _query.Step, _query.Bias + _signRounding, _terms.ErrorScale);

    private readonly float FullBound(in CodeFactors factors)
    {
        float own = factors.Error * _terms.ErrorScale, rounding = factors.Rescale * _fullRounding;
        return MathF.Sqrt((own * own) + (rounding * rounding));
    }

    /// <summary>Sums a window's table entries, but for blocks without a selected posting; false if there are no others.</summary>
    /// <param name="firstBlock">The window's first block.</param>
    /// <param name="sums">Receives the sums; those of blocks left out are undefined.</param>
    /// <param name="open">Receives each block's postings that may be selected.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly bool ScanSelected<K>(int firstBlock, Span<int> sums, scoped Span<uint> open) where K : struct, IKernels
    {
        _selected.Slice(firstBlock, open.Length).CopyTo(open);
        for (int b = 0; b < open.Length; b++)
        {
            int start = b;
            while (b < open.Length && open[b] != 0)
                b++;
            if (start < b)
                K.FastScan(
                    _blocks.Bytes[((firstBlock + start) * _layout.BlockBytes)..], _layout.BlockBytes, _query.Table,
                    sums[(start * CodeLayout.BlockSize)..(b * CodeLayout.BlockSize)]);
        }

        return open.ContainsAnyExcept(0u);
    }

    private readonly float Threshold => _stage == SearchStage.Exact ? _scratch.Uppers.Threshold : _nearest.Threshold;

    /// <summary>
    /// Before there is a threshold every posting would be refined. Refining the k nearest by estimate first sets one that is tight already.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RefineSeeds<K>(int firstBlock, ReadOnlySpan<int> sums, in BoundConstants estimates, scoped Span<uint> open)
        where K : struct, IKernels
    {
        TopK seeds = _scratch.Seeds;
        seeds.Reset(_nearest.Capacity);
        OfferEstimates<K>(seeds, firstBlock, sums, estimates, open, asPositions: true);
        for (int i = 0; i < seeds.Count; i++)
        {
            int within = (int)seeds.Ordinal(i);
            open[within / CodeLayout.BlockSize] &= ~(1u << (within % CodeLayout.BlockSize));
            Refine<K>((firstBlock * CodeLayout.BlockSize) + within, sums[within]);
        }

        _survivors += seeds.Count;
    }

    /// <summary>Offers what the 1-bit layer alone estimates: by ordinal, or by position in the window.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void OfferEstimates<K>(
        TopK nearest, int firstBlock, ReadOnlySpan<int> sums, in BoundConstants estimates, scoped ReadOnlySpan<uint> open,
        bool asPositions)
        where K : struct, IKernels
    {
        for (int b = 0; b < open.Length; b++)
        {
            if (open[b] == 0)
                continue;
            ReadOnlySpan<int> blockSums = sums.Slice(b * CodeLayout.BlockSize, CodeLayout.BlockSize);
            uint selected = K.SelectBelow(blockSums, _blocks.Factors(firstBlock + b), estimates, nearest.Threshold) & open[b];
            for (; selected != 0; selected &= selected - 1)
            {
                int slot = BitOperations.TrailingZeroCount(selected);
                int position = (b * CodeLayout.BlockSize) + slot, posting = (firstBlock * CodeLayout.BlockSize) + position;
                (float estimate, float bound) = SignEstimate(posting, blockSums[slot]);
                nearest.Offer(estimate, asPositions ? (uint)position : _blocks.Ordinal(posting), bound);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly (float Estimate, float Bound) SignEstimate(int posting, int sum)
    {
        CodeFactors factors = _blocks.FactorsOf(posting);
        float estimate = MathF.FusedMultiplyAdd(factors.Rescale, _query.SignProduct(sum), factors.Add + _terms.Base);
        return (estimate, (factors.Error * _terms.ErrorScale) - (factors.Rescale * _signRounding));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly float FullEstimate<K>(int posting, int sum, out CodeFactors factors) where K : struct, IKernels
    {
        ReadOnlySpan<byte> record = _ex.Records.Slice(posting * _layout.ExRecordBytes, _layout.ExRecordBytes);
        int dot = K.DotExCode(record[CodeLayout.ExFactorBytes..], _layout.PaddedDimensions, _queryBytes);
        factors = ExRecord.ReadFactors(record);
        return MathF.FusedMultiplyAdd(factors.Rescale, _query.FullProduct(sum, dot), factors.Add + _terms.Base);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Refine<K>(int posting, int sum) where K : struct, IKernels
    {
        float estimate = FullEstimate<K>(posting, sum, out CodeFactors factors);
        if (_stage == SearchStage.Exact || estimate <= _nearest.Threshold)
            Keep(posting, estimate, factors);
    }

    private readonly void Keep(int posting, float estimate, in CodeFactors factors)
    {
        float bound = FullBound(factors);
        uint ordinal = _blocks.Ordinal(posting);
        if (_stage == SearchStage.Refined)
        {
            _nearest.Offer(estimate, ordinal, bound);
        }
        else if (estimate - bound <= _scratch.Uppers.Threshold)
        {
            _scratch.Uppers.Offer(estimate + bound, ordinal, 0);
            _scratch.AddCandidate(new Candidate(estimate - bound, ordinal, bound));
        }
    }
}

/// <summary>What the query and one posting list contribute to the distances of its postings and their bounds.</summary>
/// <param name="Base">The list's part of every distance.</param>
/// <param name="ErrorScale">Multiplies a posting's error factor to its bound: w |y| epsilon0 / sqrt(D' - 1).</param>
/// <param name="Epsilon0">Half-width of the bound in standard deviations.</param>
internal readonly record struct ListTerms(float Base, float ErrorScale, float Epsilon0);

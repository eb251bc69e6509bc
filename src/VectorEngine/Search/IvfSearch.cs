using VectorEngine.Clustering;
using VectorEngine.Format;
using VectorEngine.Kernels;
using VectorEngine.Loading;
using VectorEngine.Numerics;
using VectorEngine.Quantization;

namespace VectorEngine.Search;

/// <summary>The steps of a search over clusters: choose the lists, scan them nearest first, rescore what is left.</summary>
internal static class IvfSearch
{
    /// <summary>
    /// The directory is always searched at three standard deviations: it holds few postings, and a list missed is a list of answers missed.
    /// </summary>
    private const float DirectoryEpsilon0 = 3;

    /// <summary>Bytes of the next list to fetch while a list is scanned: its centroid and where its first block begins.</summary>
    private const int PrefetchBytes = 4096;

    /// <summary>
    /// Chooses the lists whose centroids are nearest, nearest first, as <see cref="QueryScratch.Lists"/>. The directory holds the centroids
    /// as 1+3-bit codes of one list whose own centroid is 0, so it is searched like any list.
    /// </summary>
    /// <param name="segment">The segment.</param>
    /// <param name="scratch">The search.</param>
    /// <param name="isFirst">Whether the query was not rotated yet.</param>
    public static void ChooseLists<K>(Segment segment, QueryScratch scratch, bool isFirst) where K : struct, IKernels
    {
        SegmentRoot root = segment.Root;
        CodeSpace space = root.Space!;
        int listCount = root.Description.ListCount;
        scratch.Lists.Reset(Math.Min(scratch.Rounds.Next, listCount));
        if (scratch.Lists.Capacity == 0)
            return;
        float commonLength = space.Metric == Metric.InnerProduct ? root.Description.CommonLength : 0;
        float queryNorm = MathF.Sqrt(K.Dot(scratch.Query, scratch.Query)), scale = 1;
        if (commonLength > 0)
            scale = scratch.Scale(commonLength / queryNorm);
        if (isFirst || scale != 1)
            scratch.Rotate<K>(space);
        scratch.Rounds.SetReach(new ListReach(space.Metric, commonLength, scale, queryNorm));
        float directoryBase = space.Metric == Metric.InnerProduct
            ? scratch.SharedBase
            : space.Weight / 2 * scratch.RotatedNorm * scratch.RotatedNorm;
        var directory = new ListScan(
            scratch, space.Layout, new SignBlocks(space.Layout, root.DirectorySign.Span, listCount), scratch.Rounds.Remaining,
            Terms(space, directoryBase, scratch.RotatedNorm, DirectoryEpsilon0), root.DirectoryEx.Span);
        directory.TryRun<K>();
        scratch.Lists.Sort();
        if (scale != 1)
        {
            scratch.RestoreQuery();
            scratch.Rotate<K>(space);
        }
    }

    /// <summary>Scans the chosen lists, and chooses those of the next round, if there is one.</summary>
    /// <returns>False if a list has to be read first: that of the rank <see cref="QueryScratch.NextList"/>.</returns>
    public static bool ScanLists<K>(Segment segment, QueryScratch scratch) where K : struct, IKernels
    {
        // With a filter, most of a list may remain unread.
        int prefetch = scratch.Plan.Filter is null ? PrefetchBytes : segment.Root.Space!.Layout.CentroidBytes;
        Span<ReadOnlyMemory<byte>> signs = scratch.SignLists;
        for (int rank = scratch.NextList; rank < signs.Length; rank++)
        {
            int list = (int)scratch.Lists.Ordinal(rank), count = segment.Root.Lists!.Count(list);
            if (count == 0 || (scratch.Rounds.Active && !scratch.Rounds.Admits(scratch.Lists[rank])))
                continue;
            scratch.NextList = rank;
            if (rank >= scratch.ListLimit && !IsAtHand(segment, scratch, rank, list))
            {
                scratch.GivenUp++;
                continue;
            }

            if (signs[rank].IsEmpty)
                return false;
            if (rank + 1 < signs.Length)
                K.Prefetch(signs[rank + 1].Span[..Math.Min(signs[rank + 1].Length, prefetch)]);
            int scanned = ScanList<K>(segment, scratch, list, signs[rank].Span, scratch.ExLists[rank].Span);
            if (scanned < 0)
                return false;
            if (scanned > 0 && scratch.Rounds.Active)
                scratch.Rounds.Visited(count, scanned, scratch.Found.Threshold);
        }

        scratch.Rounds.EndRound(scratch.Lists, scratch.Found.Count);
        if (scratch.Rounds.Next > 0)
            ChooseLists<K>(segment, scratch, isFirst: false);
        return true;
    }

    private static bool IsAtHand(Segment segment, QueryScratch scratch, int rank, int list) =>
        !scratch.SignLists[rank].IsEmpty
        && (scratch.Plan.Stage == SearchStage.Sign || segment.Ex!.TryRead(list, out scratch.ExLists[rank]));

    /// <summary>Scans one list that is not empty.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="scratch">The search.</param>
    /// <param name="list">The list.</param>
    /// <param name="sign">Its bytes in the 1-bit layer.</param>
    /// <param name="ex">Its bytes in the 3-bit layer; empty if they are to be taken from what is at hand.</param>
    /// <returns>Its postings that may be results; -1 if the 3-bit layer is needed and not at hand: then nothing has been done.</returns>
    public static int ScanList<K>(
        Segment segment, QueryScratch scratch, int list, ReadOnlySpan<byte> sign, ReadOnlySpan<byte> ex) where K : struct, IKernels
    {
        CodeSpace space = segment.Root.Space!;
        SearchPlan plan = scratch.Plan;
        SeenList seen = See<K>(segment, scratch, list, sign);
        if (seen.Scanned == 0)
            return 0;
        var own = new ExList(segment.Ex!, list, ex);
        bool isScanned = plan.Bound == ErrorBound.Hard
            ? HardScan<K>(space, scratch, sign, seen, own)
            : new ListScan(
                scratch, space.Layout, seen.Blocks, seen.Selected, Terms(space, seen.Base, seen.QueryNorm, plan.Epsilon0), plan.Stage, own)
                .TryRun<K>();
        if (!isScanned)
            return -1;
        scratch.Probed++;
        scratch.Scanned += seen.Scanned;
        return seen.Scanned;
    }

    /// <summary>Counts the postings of a list that the 1-bit layer does not exclude.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="scratch">The search.</param>
    /// <param name="list">The list.</param>
    /// <param name="sign">Its bytes in the 1-bit layer.</param>
    /// <param name="uppers">Has, and receives, upper bounds of the nearest postings.</param>
    public static int CountSurvivors<K>(
        Segment segment, QueryScratch scratch, int list, ReadOnlySpan<byte> sign, TopK uppers) where K : struct, IKernels
    {
        CodeSpace space = segment.Root.Space!;
        SeenList seen = See<K>(segment, scratch, list, sign);
        return seen.Scanned == 0 ? 0 : new ListScan(
            scratch, space.Layout, seen.Blocks, seen.Selected, Terms(space, seen.Base, seen.QueryNorm, scratch.Plan.Epsilon0),
            SearchStage.Sign, default).CountSurvivors<K>(uppers);
    }

    /// <summary>Offers lower bounds of a list's postings, at another half-width than the search's own.</summary>
    public static void OfferLowerBounds<K>(
        Segment segment, QueryScratch scratch, int list, ReadOnlySpan<byte> sign, float epsilon0, TopK lowers, Dictionary<uint, float> known)
        where K : struct, IKernels
    {
        CodeSpace space = segment.Root.Space!;
        SeenList seen = See<K>(segment, scratch, list, sign);
        if (seen.Scanned > 0)
            new ListScan(
                scratch, space.Layout, seen.Blocks, seen.Selected, Terms(space, seen.Base, seen.QueryNorm, epsilon0),
                SearchStage.Refined, new ExList(segment.Ex!, list, [])).OfferLowerBounds<K>(lowers, known);
    }

    /// <summary>Looks at a list from the query: with a filter, it may have nothing to scan.</summary>
    private static SeenList See<K>(Segment segment, QueryScratch scratch, int list, ReadOnlySpan<byte> sign) where K : struct, IKernels
    {
        CodeSpace space = segment.Root.Space!;
        var blocks = new SignBlocks(space.Layout, sign[space.Layout.CentroidBytes..], segment.Root.Lists!.Count(list));
        ReadOnlySpan<uint> selected = [];
        int scanned = blocks.Count;
        if (scratch.Plan.Filter is { } filter)
            selected = filter.Postings<K>(list, blocks, out scanned);
        if (scanned == 0)
            return default;
        (float listBase, float queryNorm) = Place<K>(space, scratch, SignBlocks.Centroid(space.Layout, sign));
        return new SeenList { Blocks = blocks, Selected = selected, Scanned = scanned, Base = listBase, QueryNorm = queryNorm };
    }

    /// <summary>Where a query is as a list's centroid sees it: the list's part of every distance, and |y|.</summary>
    private static (float Base, float QueryNorm) Place<K>(CodeSpace space, QueryScratch scratch, ReadOnlySpan<Half> centroid)
        where K : struct, IKernels
    {
        float inverseScale = 1 / space.Transform.CentroidScale;
        float squaredNorm = K.SquaredL2(scratch.Scaled, centroid) * inverseScale * inverseScale;
        float listBase = space.Metric == Metric.InnerProduct
            ? scratch.SharedBase - (K.Dot(scratch.MeanPlusQuery, centroid) * inverseScale)
            : space.Weight / 2 * squaredNorm;
        return (listBase, MathF.Sqrt(squaredNorm));
    }

    private static bool HardScan<K>(CodeSpace space, QueryScratch scratch, ReadOnlySpan<byte> sign, in SeenList seen, ExList ex)
        where K : struct, IKernels
    {
        double longest = seen.QueryNorm * (1 + 2e-5);
        double shared = space.Metric switch
        {
            Metric.SquaredL2 => 0,
            Metric.InnerProduct => Math.Sqrt(K.Dot(space.RotatedMean, space.RotatedMean)),
            _ => 1,
        };
        var scan = new HardListScan
        {
            Space = space,
            Scratch = scratch,
            Centroid = scratch.QuantizeCentroid(space, SignBlocks.Centroid(space.Layout, sign)),
            Blocks = seen.Blocks,
            Selected = seen.Selected,
            Stage = scratch.Plan.Stage,
            Ex = ex,
            Base = seen.Base,
            QueryNorm = longest,
            Reach = shared + scratch.RotatedNorm + longest,
        };
        return scan.TryRun<K>();
    }

    /// <summary>Compares the candidates with their stored vectors, lowest bound first, until no bound is below the k-th distance.</summary>
    /// <returns>False if vectors have to be read first: those from <see cref="QueryScratch.NextCandidate"/> on.</returns>
    public static bool Rescore<K>(Segment segment, QueryScratch scratch) where K : struct, IKernels
    {
        SegmentDescription description = segment.Root.Description;
        Span<Candidate> candidates = scratch.Candidates;
        Span<ReadOnlyMemory<byte>> rows = scratch.Rows.Span;
        for (int i = scratch.NextCandidate; i < candidates.Length && candidates[i].LowerBound <= scratch.Results.Threshold; i++)
        {
            scratch.NextCandidate = i;
            uint ordinal = candidates[i].Ordinal;
            if (rows[i].IsEmpty && !segment.Vectors!.TryRead((int)ordinal, out rows[i]))
                return false;
            float distance = ExactDistance.Compute<K>(
                description.Metric, description.StoredVectors, scratch.Query, rows[i].Span);
            scratch.Results.Offer(distance, ordinal, 0);
            scratch.Rescored++;
        }

        return true;
    }

    private static ListTerms Terms(CodeSpace space, float listBase, float queryNorm, float epsilon0) =>
        new(listBase, space.Weight * queryNorm * epsilon0 / MathF.Sqrt(space.Layout.PaddedDimensions - 1), epsilon0);

    /// <summary>A posting list as a query sees it.</summary>
    private readonly ref struct SeenList
    {
        public SignBlocks Blocks { get; init; }

        /// <summary>The postings that may be results, a word for each block; empty if all may.</summary>
        public ReadOnlySpan<uint> Selected { get; init; }

        /// <summary>How many may be.</summary>
        public int Scanned { get; init; }

        /// <summary>The list's part of every distance.</summary>
        public float Base { get; init; }

        /// <summary>|y|.</summary>
        public float QueryNorm { get; init; }
    }
}

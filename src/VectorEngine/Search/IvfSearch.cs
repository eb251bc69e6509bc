using VectorEngine.Clustering;
using VectorEngine.Format;
using VectorEngine.Kernels;
using VectorEngine.Loading;
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
        directory.Run<K>();
        scratch.Lists.Sort();
        if (scale != 1)
        {
            scratch.RestoreQuery();
            scratch.Rotate<K>(space);
        }
    }

    /// <summary>Scans the chosen lists, and chooses those of the next round, if there is one.</summary>
    public static void ScanLists<K>(Segment segment, QueryScratch scratch) where K : struct, IKernels
    {
        // With a filter, most of a list may remain unread.
        int prefetch = scratch.Plan.Filter is null ? PrefetchBytes : segment.Root.Space!.Layout.CentroidBytes;
        ReadOnlyMemory<byte> next = ReadSign(segment, scratch, 0);
        for (int i = 0; i < scratch.Lists.Count; i++)
        {
            ReadOnlyMemory<byte> sign = next;
            next = ReadSign(segment, scratch, i + 1);
            K.Prefetch(next.Span[..Math.Min(next.Length, prefetch)]);
            int list = (int)scratch.Lists.Ordinal(i);
            if (!sign.IsEmpty && ScanList<K>(segment, scratch, list, sign.Span) is var scanned and not 0 && scratch.Rounds.Active)
                scratch.Rounds.Visited(segment.Root.Lists!.Count(list), scanned, scratch.Found.Threshold);
        }

        scratch.Rounds.EndRound(scratch.Lists, scratch.Found.Count);
        if (scratch.Rounds.Next > 0)
            ChooseLists<K>(segment, scratch, isFirst: false);
    }

    /// <summary>
    /// The sign list of a rank among the chosen lists; empty beyond the last, where the list is, and where it is not worth a visit.
    /// </summary>
    private static ReadOnlyMemory<byte> ReadSign(Segment segment, QueryScratch scratch, int rank)
    {
        if (rank >= scratch.Lists.Count || (scratch.Rounds.Active && !scratch.Rounds.Admits(scratch.Lists[rank])))
            return default;
        int list = (int)scratch.Lists.Ordinal(rank);
        if (scratch.Plan.Filter is null)
            scratch.Probed++;
        return segment.Root.Lists!.Count(list) == 0 ? default : segment.Sign!.Read(list);
    }

    /// <summary>Scans one list that is not empty.</summary>
    /// <returns>Its postings that may be results.</returns>
    public static int ScanList<K>(Segment segment, QueryScratch scratch, int list, ReadOnlySpan<byte> sign) where K : struct, IKernels
    {
        CodeSpace space = segment.Root.Space!;
        SearchPlan plan = scratch.Plan;
        int count = segment.Root.Lists!.Count(list);
        var blocks = new SignBlocks(space.Layout, sign[space.Layout.CentroidBytes..], count);
        ReadOnlySpan<uint> selected = [];
        int scanned = count;
        if (plan.Filter is { } filter)
            selected = filter.Postings<K>(list, blocks, out scanned);
        if (scanned == 0)
            return 0;
        if (plan.Filter is not null)
            scratch.Probed++;
        scratch.Scanned += scanned;
        ReadOnlySpan<Half> centroid = SignBlocks.Centroid(space.Layout, sign);
        float inverseScale = 1 / space.Transform.CentroidScale;
        float squaredNorm = K.SquaredL2(scratch.Scaled, centroid) * inverseScale * inverseScale;
        float listBase = space.Metric == Metric.InnerProduct
            ? scratch.SharedBase - (K.Dot(scratch.MeanPlusQuery, centroid) * inverseScale)
            : space.Weight / 2 * squaredNorm;
        if (plan.Bound == ErrorBound.Hard)
        {
            double queryNorm = Math.Sqrt(squaredNorm) * (1 + 1e-5);
            double shared = space.Metric switch
            {
                Metric.SquaredL2 => 0,
                Metric.InnerProduct => Math.Sqrt(K.Dot(space.RotatedMean, space.RotatedMean)),
                _ => 1,
            };
            new HardListScan
            {
                Space = space,
                Scratch = scratch,
                Centroid = scratch.QuantizeCentroid(space, centroid),
                Blocks = blocks,
                Selected = selected,
                Stage = plan.Stage,
                ExLayer = segment.Ex!,
                List = list,
                Base = listBase,
                QueryNorm = queryNorm,
                Reach = shared + scratch.RotatedNorm + queryNorm,
            }.Run<K>();
            return scanned;
        }

        new ListScan(
            scratch, space.Layout, blocks, selected, Terms(space, listBase, MathF.Sqrt(squaredNorm), plan.Epsilon0),
            plan.Stage, segment.Ex!, list).Run<K>();
        return scanned;
    }

    /// <summary>Compares the candidates with their stored vectors, lowest bound first, until no bound is below the k-th distance.</summary>
    public static void Rescore<K>(Segment segment, QueryScratch scratch) where K : struct, IKernels
    {
        SegmentDescription description = segment.Root.Description;
        Span<Candidate> candidates = scratch.Candidates;
        candidates.Sort(
            static (a, b) => a.LowerBound != b.LowerBound ? a.LowerBound.CompareTo(b.LowerBound) : a.Ordinal.CompareTo(b.Ordinal));
        foreach (Candidate candidate in candidates)
        {
            if (candidate.LowerBound > scratch.Results.Threshold)
                break;
            ReadOnlySpan<byte> row = segment.Vectors!.Row(candidate.Ordinal);
            float distance = ExactDistance.Compute<K>(description.Metric, description.StoredVectors, scratch.Query, row);
            scratch.Results.Offer(distance, candidate.Ordinal, 0);
            scratch.Rescored++;
        }
    }

    private static ListTerms Terms(CodeSpace space, float listBase, float queryNorm, float epsilon0) =>
        new(listBase, space.Weight * queryNorm * epsilon0 / MathF.Sqrt(space.Layout.PaddedDimensions - 1), epsilon0);
}

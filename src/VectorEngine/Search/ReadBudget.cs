using VectorEngine.Format;
using VectorEngine.Loading;

namespace VectorEngine.Search;

/// <summary>What a search may read for a segment: so many of the nearest lists are visited as certainly fit.</summary>
/// <param name="Bytes">Bytes.</param>
/// <param name="Requests">Requests.</param>
internal readonly record struct ReadBudget(long Bytes, int Requests)
{
    /// <summary>Stored vectors that are compared, per neighbour wanted, where no bound excludes them earlier: about as many as usual.</summary>
    private const int RowsPerNeighbor = 3;

    /// <summary>Limits the lists of a round to what fits, and lowers the stage where otherwise none would.</summary>
    public void Limit(Segment segment, QueryScratch scratch)
    {
        ReadBudget left = Left(scratch);
        // The first of two searches leaves room for the second.
        for (SearchStage stage = scratch.Plan.LooksAhead ? SearchStage.Refined : scratch.Plan.Stage; ; stage--)
        {
            int fits = left.Fitting(segment, scratch, stage);
            if (fits == 0 && stage > SearchStage.Sign)
                continue;
            scratch.ListLimit = Math.Max(fits, scratch.Probed == 0 ? 1 : 0);
            if (stage < scratch.Plan.Stage || stage == SearchStage.Sign)
                scratch.LowerStage(stage);
            return;
        }
    }

    /// <summary>Whether not even one stored vector can be read any more.</summary>
    public bool IsSpent(Segment segment, QueryScratch scratch) => Rows(segment, scratch) == 0;

    /// <summary>Stored vectors that can still be read, each with a page of checksums.</summary>
    public int Rows(Segment segment, QueryScratch scratch)
    {
        ReadBudget left = Left(scratch);
        long byBytes = left.Bytes / RowBytes(segment);
        return (int)Math.Clamp(Math.Min(byBytes, left.Requests / 2), 0, int.MaxValue);
    }

    private ReadBudget Left(QueryScratch scratch)
    {
        ReadScope? before = scratch.Earlier?.Reads, own = scratch.Reads;
        return new(
            Bytes - (before?.Bytes ?? 0) - (own?.Bytes ?? 0), Requests - (before?.Requests ?? 0) - (own?.Requests ?? 0));
    }

    /// <summary>Bytes of a stored vector with the page of its checksum.</summary>
    private static long RowBytes(Segment segment) =>
        segment.Root.Description.RowBytes + RangePlan.Most(RowChecksums.PageLength, RangeLimits.Lists);

    /// <summary>How many of the nearest lists fit with all that may have to be read of them.</summary>
    private int Fitting(Segment segment, QueryScratch scratch, SearchStage stage)
    {
        int low = 0, high = scratch.SignLists.Length;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (Fits(segment, scratch, stage, middle))
                low = middle;
            else
                high = middle - 1;
        }

        return low;
    }

    private bool Fits(Segment segment, QueryScratch scratch, SearchStage stage, int count)
    {
        ListTable lists = segment.Root.Lists!;
        var missing = new List<int>();
        long bytes = 0, requests = 0;
        for (int rank = 0; rank < count; rank++)
        {
            int list = (int)scratch.Lists.Ordinal(rank);
            if (scratch.SignLists[rank].IsEmpty && lists.Count(list) > 0)
                missing.Add(list);
            if (stage == SearchStage.Sign || segment.Ex!.Contains(list))
                continue;
            bytes += RangePlan.Most(lists.Ex(list).Length, RangeLimits.Lists);
            requests++;
        }

        missing.Sort();
        var plan = new List<(int First, int Last)>();
        RangePlan.Make([.. missing], list => (lists.Sign(list).Offset, lists.Sign(list).Length), RangeLimits.Lists, plan);
        foreach ((int first, int last) in plan)
            bytes += lists.Sign(last).End - lists.Sign(first).Offset;
        requests += plan.Count;
        // Where no list has to be read, neither may a vector have to be; and if one has, that is seen then.
        if (stage == SearchStage.Exact && requests > 0)
        {
            int rows = RowsPerNeighbor * scratch.Plan.Count;
            bytes += rows * RowBytes(segment);
            requests += 2 * rows;
        }

        return bytes <= Bytes && requests <= Requests;
    }
}

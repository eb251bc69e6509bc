using System.Collections.Concurrent;
using VectorEngine.Format;
using VectorEngine.Kernels;
using VectorEngine.Loading;

namespace VectorEngine.Search;

/// <summary>
/// Searches one segment in steps: <see cref="Begin"/> chooses the lists, <see cref="CompleteAsync(QueryScratch, CancellationToken)"/> reads
/// and scans them, and may choose more, which are read and scanned in turn, and gives the answer, <see cref="Return"/> ends the search.
/// What is in memory is scanned without waiting. Safe for concurrent use.
/// </summary>
internal sealed class SegmentSearcher(Segment segment)
{
    /// <summary>
    /// Up to so many selected rows are compared exactly, if that is wanted: that takes less time than the lists they are spread over.
    /// </summary>
    private const int FewRows = 1000;

    private readonly ConcurrentQueue<QueryScratch> _idle = [];

    /// <summary>Whether a search compares every vector: of a flat segment, or by brute force.</summary>
    public bool ComparesAll(in SearchPlan plan) =>
        plan.Filter is null && (segment.Root.Description.Kind == SegmentKind.Flat || plan.Stage == SearchStage.BruteForce);

    /// <summary>Checks and prepares a query and chooses the lists to visit.</summary>
    /// <returns>The state of the search, which has to be returned.</returns>
    /// <exception cref="InvalidVectorException">The query is not finite, too long, or zero under cosine.</exception>
    public QueryScratch Begin(ReadOnlySpan<float> query, in SearchPlan plan)
    {
        if (!_idle.TryDequeue(out QueryScratch? scratch))
            scratch = new QueryScratch(segment.Root.Description.Dimensions, segment.Root.Space);
        try
        {
            var action = new BeginAction { Segment = segment, Scratch = scratch, Query = query, Plan = plan };
            KernelDispatch.Run(ref action);
            return scratch;
        }
        catch
        {
            Return(scratch);
            throw;
        }
    }

    /// <summary>Runs a search to its end: the answer is then in <see cref="QueryScratch.Answer"/>.</summary>
    public async ValueTask CompleteAsync(QueryScratch scratch, CancellationToken cancellationToken)
    {
        await ScanAsync(scratch, cancellationToken).ConfigureAwait(false);
        await FinishAsync(scratch, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads and scans what a search visits, with nothing left to do but to compare candidates with their stored vectors.</summary>
    public ValueTask ScanAsync(QueryScratch scratch, CancellationToken cancellationToken) =>
        // All vectors of a segment are not brought into memory at once.
        ComparesAll(scratch.Plan) ? new BatchScan(segment, 0).CompareAllAsync(scratch.Alone, cancellationToken)
            : ReadsSelected(scratch.Plan) ? CompareSelectedAsync(scratch, cancellationToken)
            : ScanListsAsync(scratch, cancellationToken);

    /// <summary>Runs searches with the same options to their end, together where they can share what is read.</summary>
    /// <param name="searches">Their states.</param>
    /// <param name="own">Which of a search's states is this segment's.</param>
    /// <param name="cancellationToken">Cancels the searches between two lists or chunks.</param>
    public async ValueTask CompleteAsync(ReadOnlyMemory<QueryScratch[]> searches, int own, CancellationToken cancellationToken)
    {
        SearchPlan plan = searches.Span[0][own].Plan;
        var scan = new BatchScan(segment, own);
        bool isShared = true;
        if (ComparesAll(plan))
            await scan.CompareAllAsync(searches, cancellationToken).ConfigureAwait(false);
        else if (plan.Filter is null && plan.Radius is null)
            await scan.ScanListsAsync(searches, cancellationToken).ConfigureAwait(false);
        else
            isShared = false; // each decides by itself how many lists it visits
        List<Task>? waiting = null;
        for (int i = 0; i < searches.Length; i++)
        {
            QueryScratch scratch = searches.Span[i][own];
            ValueTask completion = isShared ? FinishAsync(scratch, cancellationToken) : CompleteAsync(scratch, cancellationToken);
            if (!completion.IsCompletedSuccessfully)
                (waiting ??= []).Add(completion.AsTask());
        }

        if (waiting is not null)
            await Task.WhenAll(waiting).ConfigureAwait(false);
    }

    /// <summary>Gives back the state of a search.</summary>
    public void Return(QueryScratch scratch)
    {
        scratch.Release();
        _idle.Enqueue(scratch);
    }

    /// <summary>Whether the selected rows are compared directly, without codes.</summary>
    private static bool ReadsSelected(in SearchPlan plan) =>
        plan.Filter is { } filter
        && (plan.Stage == SearchStage.BruteForce || (plan.Stage == SearchStage.Exact && (filter.IsFlat || filter.Count <= FewRows)));

    /// <summary>Reads and scans the chosen lists, round by round, until a round chooses no more.</summary>
    private async ValueTask ScanListsAsync(QueryScratch scratch, CancellationToken cancellationToken)
    {
        do
        {
            cancellationToken.ThrowIfCancellationRequested();
            bool hasSign = ListReads.TakeAtHand(segment, scratch);
            if (scratch.Plan.Budget is { } budget)
                budget.Limit(segment, scratch);
            if (hasSign && Scan(scratch))
                continue;
            var reads = new ListReads(segment, scratch);
            scratch.ReadAhead?.Dispose();
            scratch.ReadAhead = reads;
            do
            {
                int rank = scratch.NextList;
                // All that is missing of the 1-bit layer comes first, though the nearest list may be at hand.
                if (!hasSign || scratch.SignLists[rank].IsEmpty)
                    await reads.ReadSignAsync(rank, cancellationToken).ConfigureAwait(false);
                else
                    await reads.ReadExAsync(cancellationToken).ConfigureAwait(false);
                hasSign = true;
            }
            while (!Scan(scratch));
            // What is still on its way is not needed, unless by the search after this one.
            if (!scratch.Plan.LooksAhead)
                reads.Dispose();
        }
        while (scratch.Rounds.Next > 0);
    }

    /// <summary>Scans the chosen lists as far as they are at hand.</summary>
    /// <returns>Whether all have been scanned.</returns>
    private bool Scan(QueryScratch scratch)
    {
        var action = new ScanAction { Segment = segment, Scratch = scratch };
        KernelDispatch.Run(ref action);
        return action.IsComplete;
    }

    /// <summary>Compares the query with the rows that a filter selects, and no others.</summary>
    private async ValueTask CompareSelectedAsync(QueryScratch scratch, CancellationToken cancellationToken)
    {
        SegmentFilter filter = scratch.Plan.Filter!;
        int end = segment.Root.Description.Count, next = filter.Next(0, end);
        (int[] rows, ReadOnlyMemory<byte>[] bytes) = scratch.SelectedRows;
        int most = Math.Min(rows.Length, segment.Vectors!.RowsAtATime);
        while (next >= 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = 0;
            for (; next >= 0 && count < most; next = filter.Next(next + 1, end))
                rows[count++] = next;
            if (!segment.Vectors.TryRead(rows.AsSpan(0, count), bytes))
                await segment.Vectors.ReadAsync(
                    rows.AsMemory(0, count), bytes.AsMemory(0, count), scratch.BeginRead(), cancellationToken).ConfigureAwait(false);
            var action = new CompareAction { Segment = segment, Scratch = scratch, Rows = rows.AsSpan(0, count), Bytes = bytes };
            KernelDispatch.Run(ref action);
        }
    }

    /// <summary>Completes the answer: compares what has to be with the stored vectors, and sorts.</summary>
    public async ValueTask FinishAsync(QueryScratch scratch, CancellationToken cancellationToken)
    {
        if (scratch.Plan.Stage == SearchStage.Exact)
        {
            scratch.SortCandidates();
            while (!Rescore(scratch))
            {
                if (scratch.Plan.Budget is { } budget && budget.IsSpent(segment, scratch))
                {
                    scratch.SortEstimates();
                    scratch.LowerStage(SearchStage.Refined);
                    return;
                }

                await ReadCandidatesAsync(scratch, cancellationToken).ConfigureAwait(false);
            }
        }

        scratch.SortResults();
    }

    private bool Rescore(QueryScratch scratch)
    {
        var action = new RescoreAction { Segment = segment, Scratch = scratch };
        KernelDispatch.Run(ref action);
        return action.IsComplete;
    }

    /// <summary>Reads the vectors of the candidates that will be rescored unless one of them excludes others.</summary>
    private async ValueTask ReadCandidatesAsync(QueryScratch scratch, CancellationToken cancellationToken)
    {
        int first = scratch.NextCandidate, end = first + 1;
        float horizon = MathF.Min(scratch.Results.Threshold, scratch.Uppers.Threshold);
        int most = Math.Min(segment.Vectors!.RowsAtATime, scratch.Plan.Budget?.Rows(segment, scratch) ?? int.MaxValue);
        while (end < scratch.CandidateCount && end - first < most && scratch.Candidates[end].LowerBound <= horizon)
            end++;
        int[] rows = new int[end - first], places = new int[end - first];
        for (int i = 0; i < rows.Length; i++)
            (rows[i], places[i]) = ((int)scratch.Candidates[first + i].Ordinal, first + i);
        Array.Sort(rows, places);
        var bytes = new ReadOnlyMemory<byte>[rows.Length];
        ReadScope scope = scratch.BeginRead();
        scope.NextRound();
        await segment.Vectors.ReadAsync(rows, bytes, scope, cancellationToken).ConfigureAwait(false);
        for (int i = 0; i < rows.Length; i++)
            scratch.Rows.Span[places[i]] = bytes[i];
    }

    private ref struct BeginAction : IKernelAction
    {
        public required Segment Segment;
        public required QueryScratch Scratch;
        public required ReadOnlySpan<float> Query;
        public required SearchPlan Plan;

        public readonly void Run<K>() where K : struct, IKernels
        {
            Scratch.Load<K>(Query, Segment.Root.Description.Metric, Plan);
            bool scansLists = Segment.Root.Description.Kind == SegmentKind.Ivf && Plan.Stage != SearchStage.BruteForce
                && !ReadsSelected(Plan);
            Scratch.Rounds.Begin(Segment.Root, scansLists ? Plan : default);
            if (!scansLists)
                return;
            if (Plan.Filter is { } filter)
                Scratch.Excluded = Segment.Root.Description.ListCount - filter.ListCount;
            IvfSearch.ChooseLists<K>(Segment, Scratch, isFirst: true);
        }
    }

    private struct ScanAction : IKernelAction
    {
        public required Segment Segment;
        public required QueryScratch Scratch;
        public bool IsComplete;

        public void Run<K>() where K : struct, IKernels => IsComplete = IvfSearch.ScanLists<K>(Segment, Scratch);
    }

    private ref struct CompareAction : IKernelAction
    {
        public required Segment Segment;
        public required QueryScratch Scratch;
        public required ReadOnlySpan<int> Rows;
        public required ReadOnlySpan<ReadOnlyMemory<byte>> Bytes;

        public readonly void Run<K>() where K : struct, IKernels => FlatSearch.Run<K>(Segment, Scratch, Rows, Bytes);
    }

    private struct RescoreAction : IKernelAction
    {
        public required Segment Segment;
        public required QueryScratch Scratch;
        public bool IsComplete;

        public void Run<K>() where K : struct, IKernels => IsComplete = IvfSearch.Rescore<K>(Segment, Scratch);
    }
}

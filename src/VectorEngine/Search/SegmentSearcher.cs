using System.Collections.Concurrent;
using VectorEngine.Format;
using VectorEngine.Kernels;
using VectorEngine.Loading;

namespace VectorEngine.Search;

/// <summary>
/// Searches one segment in steps: <see cref="Begin"/> chooses the lists, <see cref="LoadAsync"/> brings them into memory where that may
/// take time, <see cref="Scan"/> scans them and may choose more, which are loaded and scanned in turn,
/// <see cref="Finish"/> gives the answer, <see cref="Return"/> ends the search. Safe for concurrent use.
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

    /// <summary>Brings what <see cref="Scan"/> reads in any case into memory, so that it need not wait for it.</summary>
    public async ValueTask LoadAsync(QueryScratch scratch, CancellationToken cancellationToken)
    {
        if (ReadsSelected(scratch.Plan))
        {
            SegmentFilter filter = scratch.Plan.Filter!;
            int end = segment.Root.Description.Count, chunkRows = segment.Vectors!.ChunkRows;
            for (int row = filter.Next(0, end); row >= 0; row = filter.Next(((row / chunkRows) + 1) * chunkRows, end))
                await segment.Vectors.LoadAsync(row / chunkRows, cancellationToken).ConfigureAwait(false);
            return;
        }

        for (int i = 0; i < scratch.Lists.Count; i++)
        {
            int list = (int)scratch.Lists.Ordinal(i);
            if (segment.Root.Lists!.Count(list) == 0 || !scratch.Rounds.Admits(scratch.Lists[i]))
                continue;
            await segment.Sign!.LoadAsync(list, cancellationToken).ConfigureAwait(false);
            if (scratch.Plan.Stage != SearchStage.Sign)
                await segment.Ex!.LoadAsync(list, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Scans the chosen lists, reading those that are not in memory.</summary>
    /// <returns>True if more lists have been chosen, which are to be scanned, too.</returns>
    public bool Scan(QueryScratch scratch)
    {
        var action = new ScanAction { Segment = segment, Scratch = scratch };
        KernelDispatch.Run(ref action);
        return scratch.Rounds.Next > 0;
    }

    /// <summary>Completes the answer, which is then in <see cref="QueryScratch.Results"/>, in order.</summary>
    public void Finish(QueryScratch scratch)
    {
        var action = new RescoreAction { Segment = segment, Scratch = scratch };
        KernelDispatch.Run(ref action);
        scratch.Results.Sort();
    }

    /// <summary>Runs a search to its end; what is not in memory is waited for asynchronously.</summary>
    public async ValueTask CompleteAsync(QueryScratch scratch, CancellationToken cancellationToken)
    {
        do
        {
            cancellationToken.ThrowIfCancellationRequested();
            await LoadAsync(scratch, cancellationToken).ConfigureAwait(false);
        }
        while (Scan(scratch));
        Finish(scratch);
    }

    /// <summary>Runs searches with the same options to their end, together where they can share what is read.</summary>
    /// <param name="searches">Their states.</param>
    /// <param name="own">Which of a search's states is this segment's.</param>
    /// <param name="cancellationToken">Cancels the searches between two lists or chunks.</param>
    public async ValueTask CompleteAsync(ReadOnlyMemory<QueryScratch[]> searches, int own, CancellationToken cancellationToken)
    {
        SearchPlan plan = searches.Span[0][own].Plan;
        var scan = new BatchScan(segment, own);
        if (ComparesAll(plan))
        {
            await scan.CompareAllAsync(searches, cancellationToken).ConfigureAwait(false);
        }
        else if (plan.Filter is null && plan.Radius is null)
        {
            await scan.ScanListsAsync(searches, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            // Each decides by itself how many lists it visits.
            for (int i = 0; i < searches.Length; i++)
                await CompleteAsync(searches.Span[i][own], cancellationToken).ConfigureAwait(false);
            return;
        }

        foreach (QueryScratch[] search in searches.Span)
            Finish(search[own]);
    }

    /// <summary>Gives back the state of a search.</summary>
    public void Return(QueryScratch scratch) => _idle.Enqueue(scratch);

    /// <summary>Whether the selected rows are compared directly, without codes.</summary>
    private static bool ReadsSelected(in SearchPlan plan) =>
        plan.Filter is { } filter
        && (plan.Stage == SearchStage.BruteForce || (plan.Stage == SearchStage.Exact && (filter.IsFlat || filter.Count <= FewRows)));

    /// <summary>Whether a search goes by lists and their codes.</summary>
    private static bool ScansLists(Segment segment, in SearchPlan plan) =>
        segment.Root.Description.Kind == SegmentKind.Ivf && plan.Stage != SearchStage.BruteForce && !ReadsSelected(plan);

    private ref struct BeginAction : IKernelAction
    {
        public required Segment Segment;
        public required QueryScratch Scratch;
        public required ReadOnlySpan<float> Query;
        public required SearchPlan Plan;

        public readonly void Run<K>() where K : struct, IKernels
        {
            Scratch.Load<K>(Query, Segment.Root.Description.Metric, Plan);
            bool scansLists = ScansLists(Segment, Plan);
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

        public readonly void Run<K>() where K : struct, IKernels
        {
            if (ScansLists(Segment, Scratch.Plan))
            {
                IvfSearch.ScanLists<K>(Segment, Scratch);
                return;
            }

            if (ReadsSelected(Scratch.Plan))
            {
                FlatSearch.RunSelected<K>(Segment, Scratch);
                return;
            }

            for (int chunk = 0; chunk < Segment.Vectors!.ChunkCount; chunk++)
                FlatSearch.Run<K>(Segment, Scratch, chunk);
        }
    }

    private struct RescoreAction : IKernelAction
    {
        public required Segment Segment;
        public required QueryScratch Scratch;

        public readonly void Run<K>() where K : struct, IKernels
        {
            if (Scratch.Plan.Stage == SearchStage.Exact)
                IvfSearch.Rescore<K>(Segment, Scratch);
        }
    }
}

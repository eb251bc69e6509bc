using System.Collections.Concurrent;
using VectorEngine.Format;
using VectorEngine.Kernels;
using VectorEngine.Loading;

namespace VectorEngine.Search;

/// <summary>A search's settings with all defaults resolved.</summary>
/// <param name="Count">k.</param>
/// <param name="ProbeCount">Lists to visit.</param>
/// <param name="Stage">How far to go.</param>
/// <param name="Bound">What the bounds promise.</param>
/// <param name="Epsilon0">Half-width of the statistical bound.</param>
internal readonly record struct SearchPlan(int Count, int ProbeCount, SearchStage Stage, ErrorBound Bound, float Epsilon0)
{
    /// <summary>The rows that may be returned; null for all.</summary>
    public SegmentFilter? Filter { get; init; }

    /// <summary>All rows up to this distance are wanted; null where the nearest are.</summary>
    public float? Radius { get; init; }
}

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

        if (segment.Root.Description.Kind == SegmentKind.Flat)
        {
            for (int chunk = 0; chunk < segment.Vectors!.ChunkCount; chunk++)
                await segment.Vectors.LoadAsync(chunk, cancellationToken).ConfigureAwait(false);
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

    /// <summary>Gives back the state of a search.</summary>
    public void Return(QueryScratch scratch) => _idle.Enqueue(scratch);

    /// <summary>Whether the selected rows are compared directly, without codes.</summary>
    private static bool ReadsSelected(in SearchPlan plan) =>
        plan.Filter is { } filter && plan.Stage == SearchStage.Exact && (filter.IsFlat || filter.Count <= FewRows);

    private ref struct BeginAction : IKernelAction
    {
        public required Segment Segment;
        public required QueryScratch Scratch;
        public required ReadOnlySpan<float> Query;
        public required SearchPlan Plan;

        public readonly void Run<K>() where K : struct, IKernels
        {
            Scratch.Load<K>(Query, Segment.Root.Description.Metric, Plan);
            bool exact = Segment.Root.Description.Kind == SegmentKind.Flat || ReadsSelected(Plan);
            Scratch.Rounds.Begin(Segment.Root, exact ? default : Plan);
            if (exact)
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
            if (ReadsSelected(Scratch.Plan))
                FlatSearch.RunSelected<K>(Segment, Scratch);
            else if (Segment.Root.Description.Kind == SegmentKind.Flat)
                FlatSearch.Run<K>(Segment, Scratch);
            else
                IvfSearch.ScanLists<K>(Segment, Scratch);
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

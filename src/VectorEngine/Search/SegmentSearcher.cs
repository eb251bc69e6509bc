using System.Collections.Concurrent;
using VectorEngine.Format;
using VectorEngine.Kernels;
using VectorEngine.Loading;

namespace VectorEngine.Search;

/// <summary>
/// Searches one segment in steps: <see cref="Begin"/> chooses the lists, <see cref="LoadAsync"/> brings them into memory where that may
/// take time, <see cref="Finish"/> scans them, <see cref="Return"/> ends the search. Safe for concurrent use.
/// </summary>
internal sealed class SegmentSearcher(Segment segment)
{
    private readonly ConcurrentQueue<QueryScratch> _idle = [];

    /// <summary>Whether a search compares every vector: of a flat segment, or by brute force.</summary>
    public bool ComparesAll(in SearchPlan plan) =>
        segment.Root.Description.Kind == SegmentKind.Flat || plan.Stage == SearchStage.BruteForce;

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

    /// <summary>Brings the chosen lists into memory, so that <see cref="Finish"/> need not wait for them.</summary>
    public async ValueTask LoadAsync(QueryScratch scratch, CancellationToken cancellationToken)
    {
        for (int i = 0; i < scratch.Lists.Count; i++)
        {
            int list = (int)scratch.Lists.Ordinal(i);
            if (segment.Root.Lists!.Count(list) == 0)
                continue;
            await segment.Sign!.LoadAsync(list, cancellationToken).ConfigureAwait(false);
            if (scratch.Plan.Stage != SearchStage.Sign)
                await segment.Ex!.LoadAsync(list, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Scans the chosen lists, reading those that are not in memory; the answer is then in <see cref="QueryScratch.Results"/>, in order.
    /// </summary>
    public void Finish(QueryScratch scratch)
    {
        var action = new FinishAction { Segment = segment, Scratch = scratch };
        KernelDispatch.Run(ref action);
        scratch.Results.Sort();
    }

    /// <summary>Finishes searches with the same options together; what is not in memory is waited for asynchronously.</summary>
    /// <param name="searches">Their states.</param>
    /// <param name="own">Which of a search's states is this segment's.</param>
    /// <param name="cancellationToken">Cancels the searches between two lists or chunks.</param>
    public async ValueTask FinishAsync(ReadOnlyMemory<QueryScratch[]> searches, int own, CancellationToken cancellationToken)
    {
        var scan = new BatchScan(segment, own);
        if (ComparesAll(searches.Span[0][own].Plan))
            await scan.CompareAllAsync(searches, cancellationToken).ConfigureAwait(false);
        else
            await scan.ScanListsAsync(searches, cancellationToken).ConfigureAwait(false);
        foreach (QueryScratch[] search in searches.Span)
            search[own].Results.Sort();
    }

    /// <summary>Gives back the state of a search.</summary>
    public void Return(QueryScratch scratch) => _idle.Enqueue(scratch);

    private ref struct BeginAction : IKernelAction
    {
        public required Segment Segment;
        public required QueryScratch Scratch;
        public required ReadOnlySpan<float> Query;
        public required SearchPlan Plan;

        public readonly void Run<K>() where K : struct, IKernels
        {
            Scratch.Load<K>(Query, Segment.Root.Description.Metric, Plan);
            if (Segment.Root.Description.Kind == SegmentKind.Ivf && Plan.Stage != SearchStage.BruteForce)
                IvfSearch.ChooseLists<K>(Segment, Scratch);
        }
    }

    private struct FinishAction : IKernelAction
    {
        public required Segment Segment;
        public required QueryScratch Scratch;

        public readonly void Run<K>() where K : struct, IKernels
        {
            if (Segment.Root.Description.Kind == SegmentKind.Flat || Scratch.Plan.Stage == SearchStage.BruteForce)
            {
                for (int chunk = 0; chunk < Segment.Vectors!.ChunkCount; chunk++)
                    FlatSearch.Run<K>(Segment, Scratch, chunk);
                return;
            }

            IvfSearch.ScanLists<K>(Segment, Scratch);
            if (Scratch.Plan.Stage == SearchStage.Exact)
                IvfSearch.Rescore<K>(Segment, Scratch);
        }
    }
}

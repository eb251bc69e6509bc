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
internal readonly record struct SearchPlan(int Count, int ProbeCount, SearchStage Stage, ErrorBound Bound, float Epsilon0);

/// <summary>
/// Searches one segment in steps: <see cref="Begin"/> chooses the lists, <see cref="LoadAsync"/> brings them into memory where that may
/// take time, <see cref="Finish"/> scans them, <see cref="Return"/> ends the search. Safe for concurrent use.
/// </summary>
internal sealed class SegmentSearcher(Segment segment)
{
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

    /// <summary>Brings what the search reads in any case into memory, so that <see cref="Finish"/> need not wait for it.</summary>
    public async ValueTask LoadAsync(QueryScratch scratch, CancellationToken cancellationToken)
    {
        if (segment.Root.Description.Kind == SegmentKind.Flat)
        {
            for (int chunk = 0; chunk < segment.Vectors!.ChunkCount; chunk++)
                await segment.Vectors.LoadAsync(chunk, cancellationToken).ConfigureAwait(false);
            return;
        }

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
            if (Segment.Root.Description.Kind == SegmentKind.Ivf)
                IvfSearch.ChooseLists<K>(Segment, Scratch);
        }
    }

    private struct FinishAction : IKernelAction
    {
        public required Segment Segment;
        public required QueryScratch Scratch;

        public readonly void Run<K>() where K : struct, IKernels
        {
            if (Segment.Root.Description.Kind == SegmentKind.Flat)
            {
                FlatSearch.Run<K>(Segment, Scratch);
                return;
            }

            IvfSearch.ScanLists<K>(Segment, Scratch);
            if (Scratch.Plan.Stage == SearchStage.Exact)
                IvfSearch.Rescore<K>(Segment, Scratch);
        }
    }
}

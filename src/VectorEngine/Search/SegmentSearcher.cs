using System.Collections.Concurrent;
using VectorEngine.Format;
using VectorEngine.Kernels;
using VectorEngine.Loading;
using VectorEngine.Numerics;

namespace VectorEngine.Search;

/// <summary>A search's settings with all defaults resolved.</summary>
/// <param name="Count">k.</param>
/// <param name="ProbeCount">Lists to visit.</param>
/// <param name="Stage">How far to go.</param>
/// <param name="Bound">What the bounds promise.</param>
/// <param name="Epsilon0">Half-width of the statistical bound.</param>
internal readonly record struct SearchPlan(int Count, int ProbeCount, SearchStage Stage, ErrorBound Bound, float Epsilon0);

/// <summary>Receives the answer of a search while the memory that it lies in is still reserved for it.</summary>
internal delegate TResult SearchReader<TState, TResult>(TState state, ReadOnlySpan<Neighbor> neighbors, in SearchReceipt receipt);

/// <summary>Searches one segment. Safe for concurrent use.</summary>
internal sealed class SegmentSearcher(Segment segment)
{
    private readonly ConcurrentBag<QueryScratch> _scratch = [];

    /// <summary>Searches, and hands the answer to <paramref name="read"/>.</summary>
    public TResult Search<TState, TResult>(ReadOnlySpan<float> query, in SearchPlan plan, TState state, SearchReader<TState, TResult> read)
    {
        QueryScratch scratch = Rent();
        try
        {
            var action = new SearchAction { Segment = segment, Scratch = scratch, Query = query, Plan = plan };
            KernelDispatch.Run(ref action);
            return read(state, scratch.Results.Sort(), action.Receipt);
        }
        finally
        {
            _scratch.Add(scratch);
        }
    }

    /// <summary>Brings the lists that a query visits into memory.</summary>
    public async ValueTask LoadAsync(ReadOnlyMemory<float> query, SearchPlan plan, CancellationToken cancellationToken)
    {
        if (segment.Sign is not { } sign)
            return;
        foreach (int list in ChooseLists(query.Span, plan))
        {
            if (segment.Root.Lists!.Count(list) == 0)
                continue;
            await sign.LoadAsync(list, cancellationToken).ConfigureAwait(false);
            if (plan.Stage != SearchStage.Sign)
                await segment.Ex!.LoadAsync(list, cancellationToken).ConfigureAwait(false);
        }
    }

    private int[] ChooseLists(ReadOnlySpan<float> query, in SearchPlan plan)
    {
        QueryScratch scratch = Rent();
        try
        {
            var action = new ChooseAction { Segment = segment, Scratch = scratch, Query = query, Plan = plan };
            KernelDispatch.Run(ref action);
            return action.Lists!;
        }
        finally
        {
            _scratch.Add(scratch);
        }
    }

    private QueryScratch Rent() =>
        _scratch.TryTake(out QueryScratch? scratch) ? scratch : new QueryScratch(segment.Root.Description.Dimensions, segment.Root.Space);

    private ref struct SearchAction : IKernelAction
    {
        public required Segment Segment;
        public required QueryScratch Scratch;
        public required ReadOnlySpan<float> Query;
        public required SearchPlan Plan;
        public SearchReceipt Receipt;

        public void Run<K>() where K : struct, IKernels
        {
            Scratch.Load<K>(Query, Segment.Root.Description.Metric);
            Scratch.Results.Reset(Plan.Count);
            int probed = 0;
            if (Segment.Root.Description.Kind == SegmentKind.Flat)
            {
                FlatSearch.Run<K>(Segment, Scratch);
            }
            else
            {
                ReadOnlySpan<Neighbor> lists = IvfSearch.ChooseLists<K>(Segment, Scratch, Plan.ProbeCount);
                probed = lists.Length;
                Scratch.Uppers.Reset(Plan.Count);
                foreach (Neighbor list in lists)
                    IvfSearch.ScanList<K>(Segment, Scratch, Plan, (int)list.Ordinal);
                if (Plan.Stage == SearchStage.Exact)
                    IvfSearch.Rescore<K>(Segment, Scratch);
            }

            Receipt = new SearchReceipt
            {
                ListsProbed = probed,
                PostingsScanned = Scratch.Scanned,
                PostingsPruned = Scratch.Pruned,
                PostingsRefined = Scratch.Refined,
                PostingsRescored = Scratch.Rescored,
            };
        }
    }

    private ref struct ChooseAction : IKernelAction
    {
        public required Segment Segment;
        public required QueryScratch Scratch;
        public required ReadOnlySpan<float> Query;
        public required SearchPlan Plan;
        public int[]? Lists;

        public void Run<K>() where K : struct, IKernels
        {
            Scratch.Load<K>(Query, Segment.Root.Description.Metric);
            ReadOnlySpan<Neighbor> chosen = IvfSearch.ChooseLists<K>(Segment, Scratch, Plan.ProbeCount);
            Lists = new int[chosen.Length];
            for (int i = 0; i < chosen.Length; i++)
                Lists[i] = (int)chosen[i].Ordinal;
        }
    }
}

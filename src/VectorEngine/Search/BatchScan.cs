using VectorEngine.Kernels;
using VectorEngine.Loading;

namespace VectorEngine.Search;

/// <summary>
/// Scans for many searches of one segment together: what they read is read once, and scanned for all that want it while it is in the cache.
/// </summary>
/// <param name="segment">The segment.</param>
/// <param name="own">Which of a search's states is this segment's.</param>
internal sealed class BatchScan(Segment segment, int own)
{
    /// <summary>Compares every vector, chunk by chunk; the answers are those of searching alone.</summary>
    public async ValueTask CompareAllAsync(ReadOnlyMemory<QueryScratch[]> searches, CancellationToken cancellationToken)
    {
        for (int chunk = 0; chunk < segment.Vectors!.ChunkCount; chunk++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await segment.Vectors.LoadAsync(chunk, cancellationToken).ConfigureAwait(false);
            var action = new CompareAction { Segment = segment, Searches = searches.Span, Own = own, Chunk = chunk };
            KernelDispatch.Run(ref action);
        }
    }

    /// <summary>
    /// Scans the chosen lists, list by list: first those that are the nearest of a query, so that its threshold is tight when the others
    /// follow, in the order of the file. The order in which the lists of one query are scanned does not depend on the other queries.
    /// </summary>
    public async ValueTask ScanListsAsync(ReadOnlyMemory<QueryScratch[]> searches, CancellationToken cancellationToken)
    {
        ulong[] visits = OrderVisits(searches.Span);
        for (int start = 0, end; start < visits.Length; start = end)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int list = ListOf(visits[start]);
            for (end = start + 1; end < visits.Length && ListOf(visits[end]) == list;)
                end++;
            if (segment.Root.Lists!.Count(list) == 0)
                continue;
            await segment.Sign!.LoadAsync(list, cancellationToken).ConfigureAwait(false);
            if (searches.Span[0][own].Plan.Stage != SearchStage.Sign)
                await segment.Ex!.LoadAsync(list, cancellationToken).ConfigureAwait(false);
            var scan = new ScanAction
            {
                Segment = segment, Searches = searches.Span, Own = own, List = list, Visits = visits.AsSpan(start, end - start),
            };
            KernelDispatch.Run(ref scan);
        }
    }

    /// <summary>Visits of lists by queries, in order: a bit for any but the query's nearest list, the list, the query's number.</summary>
    private ulong[] OrderVisits(ReadOnlySpan<QueryScratch[]> searches)
    {
        int count = 0;
        foreach (QueryScratch[] search in searches)
            count += search[own].Lists.Count;
        ulong[] visits = new ulong[count];
        count = 0;
        for (int query = 0; query < searches.Length; query++)
        {
            QueryScratch scratch = searches[query][own];
            for (int rank = 0; rank < scratch.Lists.Count; rank++)
                visits[count++] = (rank == 0 ? 0 : 1UL << 63) | ((ulong)scratch.Lists.Ordinal(rank) << 32) | (uint)query;
        }

        Array.Sort(visits);
        return visits;
    }

    private static int ListOf(ulong visit) => (int)(visit >> 32) & int.MaxValue;

    private ref struct CompareAction : IKernelAction
    {
        public required Segment Segment;
        public required ReadOnlySpan<QueryScratch[]> Searches;
        public required int Own, Chunk;

        public readonly void Run<K>() where K : struct, IKernels
        {
            foreach (QueryScratch[] search in Searches)
                FlatSearch.Run<K>(Segment, search[Own], Chunk);
        }
    }

    private ref struct ScanAction : IKernelAction
    {
        public required Segment Segment;
        public required ReadOnlySpan<QueryScratch[]> Searches;
        public required ReadOnlySpan<ulong> Visits;
        public required int Own, List;

        public readonly void Run<K>() where K : struct, IKernels
        {
            ReadOnlySpan<byte> sign = Segment.Sign!.Read(List).Span;
            foreach (ulong visit in Visits)
            {
                QueryScratch scratch = Searches[(int)(uint)visit][Own];
                scratch.Probed++;
                IvfSearch.ScanList<K>(Segment, scratch, List, sign);
            }
        }
    }
}

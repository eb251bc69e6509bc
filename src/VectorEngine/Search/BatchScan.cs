using VectorEngine.Kernels;
using VectorEngine.Loading;

namespace VectorEngine.Search;

/// <summary>
/// Scans for many searches of one segment together: what they read is read once, and scanned for all that want it while it is in the cache.
/// </summary>
/// <param name="segment">The segment.</param>
/// <param name="own">Which of a search's states is this segment's.</param>
internal readonly struct BatchScan(Segment segment, int own)
{
    /// <summary>Bytes of chunks, or lists, that are read at a time, while those before are scanned.</summary>
    private const int ReadAhead = 4 << 20;

    /// <summary>Compares every vector, chunk by chunk; the answers are those of searching alone.</summary>
    public async ValueTask CompareAllAsync(ReadOnlyMemory<QueryScratch[]> searches, CancellationToken cancellationToken)
    {
        VectorRows vectors = segment.Vectors!;
        int chunkBytes = vectors.ChunkRows * segment.Root.Description.RowBytes;
        ExtentStream? chunks = null;
        try
        {
            for (int chunk = 0; chunk < vectors.ChunkCount; chunk++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                ReadOnlyMemory<byte> bytes = default;
                if (chunks is not null || !vectors.Chunks.TryRead(chunk, out bytes))
                {
                    chunks ??= new ExtentStream(
                        vectors.Chunks, Enumerable.Range(chunk, vectors.ChunkCount - chunk), Math.Max(1, ReadAhead / chunkBytes),
                        searches.Span[0][own].BeginRead());
                    bytes = await chunks.NextAsync(cancellationToken).ConfigureAwait(false);
                }

                var action = new CompareAction
                {
                    Segment = segment, Searches = searches.Span, Own = own, First = chunk * vectors.ChunkRows, Bytes = bytes.Span,
                };
                KernelDispatch.Run(ref action);
            }
        }
        finally
        {
            chunks?.Dispose();
        }
    }

    /// <summary>
    /// Scans the chosen lists, list by list: first those that are the nearest of a query, so that its threshold is tight when the others
    /// follow, in the order of the file. The order in which the lists of one query are scanned does not depend on the other queries.
    /// </summary>
    public async ValueTask ScanListsAsync(ReadOnlyMemory<QueryScratch[]> searches, CancellationToken cancellationToken)
    {
        ulong[] visits = OrderVisits(searches.Span);
        QueryScratch first = searches.Span[0][own];
        bool refines = first.Plan.Stage != SearchStage.Sign;
        List<int> lists = Distinct(visits);
        int ahead = (int)Math.Max(1, ReadAhead / (segment.Root.Description.SignLength / segment.Root.Description.ListCount));
        ReadScope scope = first.BeginRead();
        using var signs = new ExtentStream(segment.Sign!, lists, ahead, scope);
        using var exs = new ExtentStream(segment.Ex!, refines ? lists : [], ahead, scope);
        int start = 0;
        foreach (int list in lists)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int end = start + 1;
            while (end < visits.Length && ListOf(visits[end]) == list)
                end++;
            ReadOnlyMemory<byte> sign = await signs.NextAsync(cancellationToken).ConfigureAwait(false);
            ReadOnlyMemory<byte> ex = refines ? await exs.NextAsync(cancellationToken).ConfigureAwait(false) : default;
            var scan = new ScanAction
            {
                Segment = segment, Searches = searches.Span, Own = own, List = list, Visits = visits.AsSpan(start, end - start),
                Sign = sign.Span, Ex = ex.Span,
            };
            KernelDispatch.Run(ref scan);
            start = end;
        }
    }

    /// <summary>The lists that are visited, each as often as it comes up after another.</summary>
    private static List<int> Distinct(ulong[] visits)
    {
        var lists = new List<int>();
        foreach (ulong visit in visits)
        {
            if (lists.Count == 0 || lists[^1] != ListOf(visit))
                lists.Add(ListOf(visit));
        }

        return lists;
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
        public required ReadOnlySpan<byte> Bytes;
        public required int Own, First;

        public readonly void Run<K>() where K : struct, IKernels
        {
            foreach (QueryScratch[] search in Searches)
                FlatSearch.Run<K>(Segment, search[Own], First, Bytes);
        }
    }

    private ref struct ScanAction : IKernelAction
    {
        public required Segment Segment;
        public required ReadOnlySpan<QueryScratch[]> Searches;
        public required ReadOnlySpan<ulong> Visits;
        public required ReadOnlySpan<byte> Sign, Ex;
        public required int Own, List;

        public readonly void Run<K>() where K : struct, IKernels
        {
            foreach (ulong visit in Visits)
            {
                IvfSearch.ScanList<K>(Segment, Searches[(int)(uint)visit][Own], List, Sign, Ex);
            }
        }
    }
}

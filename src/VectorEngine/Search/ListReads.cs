using System.Runtime.InteropServices;
using VectorEngine.Kernels;
using VectorEngine.Loading;

namespace VectorEngine.Search;

/// <summary>
/// Reads the lists of one round of a search: the 1-bit layer of all of them; behind it the 3-bit layer of the nearest, which will be needed,
/// and then of those that have survivors. What is still on its way when the round is over is not needed and is cancelled.
/// </summary>
internal sealed class ListReads(Segment segment, QueryScratch scratch) : IDisposable
{
    /// <summary>Of the lists of a round, the share whose 3-bit layer is asked for before anything is known of their postings.</summary>
    private const int NearestShare = 8;

    private readonly List<ExtentReads> _ex = [];

    /// <summary>Takes the 1-bit layer of the chosen lists from what is at hand.</summary>
    /// <returns>Whether all are.</returns>
    public static bool TakeAtHand(Segment segment, QueryScratch scratch)
    {
        scratch.ResetLists();
        Span<ReadOnlyMemory<byte>> lists = scratch.SignLists;
        bool all = true;
        for (int rank = 0; rank < lists.Length; rank++)
        {
            uint list = scratch.Lists.Ordinal(rank);
            if (!IsWanted(segment, scratch, rank) || segment.Sign!.TryRead((int)list, out lists[rank]))
                continue;
            lists[rank] = scratch.Earlier?.SignList(rank, list) ?? default;
            all &= !lists[rank].IsEmpty;
        }

        return all;
    }

    /// <summary>Reads the 1-bit layer of the lists from a rank on that are not at hand, and starts with the 3-bit layer.</summary>
    public async ValueTask ReadSignAsync(int firstRank, CancellationToken cancellationToken)
    {
        ReadScope scope = scratch.BeginRead();
        scope.NextRound();
        using ExtentReads reads = segment.Sign!.Start(Missing(firstRank), scope);
        if (scratch.Plan.Stage != SearchStage.Sign || scratch.Plan.LooksAhead)
        {
            // Not at once: what arrives together arrives later.
            await reads.AnyAsync(cancellationToken).ConfigureAwait(false);
            StartEx(firstRank, firstRank + ((scratch.SignLists.Length - firstRank + NearestShare - 1) / NearestShare));
        }

        await reads.AllAsync(cancellationToken).ConfigureAwait(false);
        for (int rank = firstRank; rank < scratch.SignLists.Length; rank++)
        {
            int list = (int)scratch.Lists.Ordinal(rank);
            if (reads.Contains(list))
                scratch.SignLists[rank] = reads.Get(list);
        }
    }

    /// <summary>Reads the 3-bit layer of the list that is scanned next, and starts with those that will be needed behind it.</summary>
    public async ValueTask ReadExAsync(CancellationToken cancellationToken)
    {
        int rank = scratch.NextList, list = (int)scratch.Lists.Ordinal(rank);
        if (Find(list) is null)
        {
            scratch.BeginRead().NextRound();
            StartEx(rank, scratch.SignLists.Length, Survivors(rank));
        }

        // Otherwise another search has read it meanwhile.
        if (Find(list) is { } reads)
        {
            ReadOnlyMemory<byte> bytes = await reads.GetAsync(list, cancellationToken).ConfigureAwait(false);
            scratch.ExLists[rank] = bytes;
        }
    }

    public void Dispose()
    {
        foreach (ExtentReads reads in _ex)
            reads.Dispose();
    }

    private static bool IsWanted(Segment segment, QueryScratch scratch, int rank) =>
        rank < scratch.ListLimit
        && segment.Root.Lists!.Count((int)scratch.Lists.Ordinal(rank)) > 0
        && (!scratch.Rounds.Active || scratch.Rounds.Admits(scratch.Lists[rank]));

    private int[] Missing(int firstRank)
    {
        var missing = new List<int>();
        for (int rank = firstRank; rank < scratch.SignLists.Length; rank++)
        {
            if (scratch.SignLists[rank].IsEmpty && IsWanted(segment, scratch, rank))
                missing.Add((int)scratch.Lists.Ordinal(rank));
        }

        missing.Sort();
        return [.. missing];
    }

    private ExtentReads? Find(int list) => _ex.Find(reads => reads.Contains(list));

    /// <summary>Starts to read the 3-bit layer of the lists of some ranks, of those that have survivors if that is known.</summary>
    private void StartEx(int firstRank, int endRank, int[]? survivors = null)
    {
        var missing = new List<int>();
        for (int rank = firstRank; rank < endRank; rank++)
        {
            int list = (int)scratch.Lists.Ordinal(rank);
            bool isWanted = survivors is null ? IsWanted(segment, scratch, rank) : survivors[rank] > 0;
            if (isWanted && scratch.ExLists[rank].IsEmpty && Find(list) is null && !segment.Ex!.TryRead(list, out scratch.ExLists[rank]))
                missing.Add(list);
        }

        missing.Sort();
        if (missing.Count > 0)
            _ex.Add(segment.Ex!.Start(CollectionsMarshal.AsSpan(missing), scratch.BeginRead()));
    }

    /// <summary>How many postings of each list may have to be refined; under the hard bound, all.</summary>
    private int[] Survivors(int firstRank)
    {
        int[] survivors = new int[scratch.SignLists.Length];
        if (scratch.Plan.Bound == ErrorBound.Hard)
        {
            Array.Fill(survivors, 1);
            return survivors;
        }

        var action = new SurvivorAction { Segment = segment, Scratch = scratch, Survivors = survivors };
        KernelDispatch.Run(ref action);
        // The list that waits has some by the threshold that it is scanned with.
        survivors[firstRank] = 1;
        return survivors;
    }

    private struct SurvivorAction : IKernelAction
    {
        public required Segment Segment;
        public required QueryScratch Scratch;
        public required int[] Survivors;

        public readonly void Run<K>() where K : struct, IKernels
        {
            // The seeds are not in use between two lists.
            Scratch.ResetSeeds();
            for (int rank = 0; rank < Survivors.Length; rank++)
            {
                ReadOnlyMemory<byte> sign = Scratch.SignLists[rank];
                if (!sign.IsEmpty)
                    Survivors[rank] = IvfSearch.CountSurvivors<K>(
                        Segment, Scratch, (int)Scratch.Lists.Ordinal(rank), sign.Span, Scratch.Seeds);
            }
        }
    }
}

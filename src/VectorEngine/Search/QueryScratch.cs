using System.Diagnostics;
using VectorEngine.Kernels;
using VectorEngine.Loading;
using VectorEngine.Numerics;
using VectorEngine.Quantization;

namespace VectorEngine.Search;

/// <summary>A refined posting that may have to be compared with its stored vector.</summary>
/// <param name="LowerBound">The least that its distance can be.</param>
/// <param name="Ordinal">Its row.</param>
/// <param name="ErrorBound">Half-width of the interval around the estimate, which is by so much above the lower bound.</param>
internal readonly record struct Candidate(float LowerBound, uint Ordinal, float ErrorBound);

/// <summary>
/// Everything a query needs while it runs, reused by later queries, so that a search allocates nothing but its result.
/// </summary>
internal sealed class QueryScratch
{
    private readonly AlignedBuffer<float> _query, _unscaled, _rotated, _scaled, _meanPlusQuery;
    private QueryScratch[][]? _alone;
    private Candidate[] _candidates = new Candidate[256];
    private QuantizedQuery? _centroid;
    private float[]? _centroidValues;
    private long _start;
    private ReadOnlyMemory<byte>[] _signLists = [], _exLists = [], _rows = [];

    public QueryScratch(int dimensions, CodeSpace? space)
    {
        _query = new AlignedBuffer<float>(dimensions);
        _unscaled = new AlignedBuffer<float>(dimensions);
        int padded = space?.Layout.PaddedDimensions ?? 0;
        _rotated = new AlignedBuffer<float>(padded);
        _scaled = new AlignedBuffer<float>(padded);
        _meanPlusQuery = new AlignedBuffer<float>(space?.Metric == Metric.InnerProduct ? padded : 0);
        Answer = Results;
        Quantized = space is null ? null! : new QuantizedQuery(space.Layout);
    }

    /// <summary>The search as a batch of one.</summary>
    public QueryScratch[][] Alone => _alone ??= [[this]];

    /// <summary>The query, of unit length under cosine.</summary>
    public Span<float> Query => _query.Span;

    /// <summary>q' = P(q - mean).</summary>
    public Span<float> Rotated => _rotated.Span;

    /// <summary>q' in the unit of the stored centroids.</summary>
    public Span<float> Scaled => _scaled.Span;

    /// <summary>P(mean) + q', for the inner product.</summary>
    public Span<float> MeanPlusQuery => _meanPlusQuery.Span;

    /// <summary>q' as tables and bytes; null if flat.</summary>
    public QuantizedQuery Quantized { get; }

    /// <summary>Sums of a window of blocks.</summary>
    public int[] Sums { get; } = new int[ListScan.WindowBlocks * CodeLayout.BlockSize];

    /// <summary>Distances of a chunk of rows.</summary>
    public float[] Distances { get; } = new float[1024];

    /// <summary>The lists to visit.</summary>
    public TopK Lists { get; } = new();

    /// <summary>The answer so far.</summary>
    public TopK Results { get; } = new();

    /// <summary>What the search answers, in order.</summary>
    public TopK Answer { get; private set; }

    /// <summary>The first postings to refine.</summary>
    public TopK Seeds { get; } = new();

    /// <summary>Upper bounds of the nearest postings so far.</summary>
    public TopK Uppers { get; } = new();

    /// <summary>Postings that may have to be rescored.</summary>
    public Span<Candidate> Candidates => _candidates.AsSpan(0, CandidateCount);

    public int CandidateCount { get; private set; }

    /// <summary>The bytes of <see cref="Lists"/>, by rank: their 1-bit layer. Empty where they were not read.</summary>
    public Span<ReadOnlyMemory<byte>> SignLists => _signLists.AsSpan(0, Lists.Count);

    /// <summary>The same of the 3-bit layer.</summary>
    public Span<ReadOnlyMemory<byte>> ExLists => _exLists.AsSpan(0, Lists.Count);

    /// <summary>Lists from this rank on are visited only if they are at hand.</summary>
    public int ListLimit { get; set; }

    /// <summary>Lists that the budget has cost.</summary>
    public int GivenUp { get; set; }

    /// <summary>The rank of the list that is scanned next.</summary>
    public int NextList { get; set; }

    /// <summary>The stored vectors of the candidates from the first on, as far as they were asked for.</summary>
    public Memory<ReadOnlyMemory<byte>> Rows => _rows.AsMemory(0, CandidateCount);

    /// <summary>Numbers of selected rows, and their stored vectors, as many as are compared at a time.</summary>
    public (int[] Numbers, ReadOnlyMemory<byte>[] Bytes) SelectedRows { get; } = (new int[1024], new ReadOnlyMemory<byte>[1024]);

    /// <summary>The candidate that is rescored next.</summary>
    public int NextCandidate { get; set; }

    /// <summary>An earlier search of the same query, whose lists this one may use; null if there is none.</summary>
    public QueryScratch? Earlier { get; set; }

    /// <summary>What is being read for the search after this one; null if nothing is.</summary>
    public ListReads? ReadAhead { get; set; }

    /// <summary>What the search has read from the store; null if nothing yet.</summary>
    public ReadScope? Reads { get; private set; }

    /// <summary>|q'|.</summary>
    public float RotatedNorm { get; private set; }

    /// <summary>-&lt;mean, q&gt;: the part of the inner-product distance that all lists share.</summary>
    public float SharedBase { get; private set; }

    /// <summary>How to search.</summary>
    public SearchPlan Plan { get; private set; }

    /// <summary>Which lists are still to be visited, where that is not settled by their number.</summary>
    public ListRounds Rounds { get; } = new();

    public int Probed { get; set; }

    public int Excluded { get; set; }

    public long Scanned { get; set; }

    public long Refined { get; set; }

    public long Rescored { get; set; }

    /// <summary>What the search did. Of the postings scanned, those are pruned that might have been refined and were not.</summary>
    public SearchReceipt Receipt => new()
    {
        ListsProbed = Probed,
        ListsExcluded = Excluded,
        ListsGivenUp = GivenUp,
        PostingsScanned = Scanned,
        PostingsPruned = Probed > 0 && Plan.Stage != SearchStage.Sign ? Scanned - Refined : 0,
        PostingsRefined = Refined,
        PostingsRescored = Rescored,
        Requests = Reads?.Requests ?? 0,
        BytesRead = Reads?.Bytes ?? 0,
        CachedBytesRead = Reads?.CachedBytes ?? 0,
        Rounds = Reads?.Rounds ?? 0,
        Elapsed = Stopwatch.GetElapsedTime(_start),
    };

    /// <summary>Starts a search: checks the query, copies it, and forgets the search before.</summary>
    /// <exception cref="InvalidVectorException">It is not finite, too long, or zero under cosine.</exception>
    public void Load<K>(ReadOnlySpan<float> query, Metric metric, in SearchPlan plan) where K : struct, IKernels
    {
        float squaredNorm = K.Dot(query, query);
        if (!(squaredNorm <= VectorCheck.LargestSquaredNorm))
            throw new InvalidVectorException(0, VectorCheck.Describe(query));
        query.CopyTo(Query);
        if (metric == Metric.Cosine)
            VectorCheck.Normalise<K>(Query, squaredNorm, 0);
        Plan = plan;
        _start = Stopwatch.GetTimestamp();
        Lists.Reset(0);
        Answer = Results;
        Reset(Results, plan);
        Reset(Uppers, plan);
        CandidateCount = 0;
        Probed = Excluded = 0;
        Scanned = Refined = Rescored = 0;
        NextCandidate = GivenUp = 0;
        Reads = null;
    }

    /// <summary>Goes less far than was planned.</summary>
    public void LowerStage(SearchStage stage) => Plan = Plan with { Stage = stage, LooksAhead = false };

    /// <summary>What the search reads from the store.</summary>
    public ReadScope BeginRead() => Reads ??= new ReadScope();

    /// <summary>Makes room for the bytes of the chosen lists, and forgets those of other lists.</summary>
    public void ResetLists()
    {
        NextList = 0;
        ListLimit = int.MaxValue;
        Array.Clear(_signLists);
        Array.Clear(_exLists);
        if (_signLists.Length >= Lists.Count)
            return;
        _signLists = new ReadOnlyMemory<byte>[Lists.Count];
        _exLists = new ReadOnlyMemory<byte>[Lists.Count];
    }

    /// <summary>Sorts the candidates, lowest bound first, and makes room for their vectors.</summary>
    public void SortCandidates()
    {
        Candidates.Sort(
            static (a, b) => a.LowerBound != b.LowerBound ? a.LowerBound.CompareTo(b.LowerBound) : a.Ordinal.CompareTo(b.Ordinal));
        if (_rows.Length < CandidateCount)
            _rows = new ReadOnlyMemory<byte>[_candidates.Length];
    }

    /// <summary>The 1-bit layer of a list, if the search has it at a rank; otherwise empty.</summary>
    public ReadOnlyMemory<byte> SignList(int rank, uint list) =>
        rank < Lists.Count && Lists.Ordinal(rank) == list ? _signLists[rank] : default;

    /// <summary>Makes the answer of what is known before candidates are compared with their vectors.</summary>
    public void SortEstimates()
    {
        if (CandidateCount > 0)
        {
            Answer = Seeds;
            ResetSeeds();
            foreach (Candidate candidate in Candidates)
                Seeds.Offer(candidate.LowerBound + candidate.ErrorBound, candidate.Ordinal, candidate.ErrorBound);
        }

        Answer.Sort();
    }

    /// <summary>Makes the answer of what the search has found in the end.</summary>
    public void SortResults()
    {
        Answer = Results;
        Answer.Sort();
    }

    /// <summary>Lets go of what was read, which may be long dropped from memory otherwise.</summary>
    public void Release()
    {
        ReadAhead?.Dispose();
        ReadAhead = null;
        Earlier = null;
        Array.Clear(_signLists);
        Array.Clear(_exLists);
        Array.Clear(_rows);
        Array.Clear(SelectedRows.Bytes);
        Reads = null;
    }

    /// <summary>Empties the seeds, for as many as the search answers.</summary>
    public void ResetSeeds() => Reset(Seeds, Plan);

    /// <summary>Empties a heap, for as many as a search answers.</summary>
    private static void Reset(TopK nearest, in SearchPlan plan)
    {
        if (plan.Radius is { } radius)
            nearest.ResetWithin(radius);
        else
            nearest.Reset(plan.Count);
    }

    /// <summary>
    /// Multiplies the query, unless that would change it by little: under the inner product lists are ranked for a query of the length that
    /// all vectors have.
    /// </summary>
    /// <returns>By how much it was multiplied.</returns>
    public float Scale(float factor)
    {
        if (!float.IsNormal(factor) || MathF.Abs(factor - 1) < 1e-3f)
            return 1;
        Query.CopyTo(_unscaled.Span);
        SpanMath.Scale(Query, factor, Query);
        return factor;
    }

    /// <summary>Undoes <see cref="Scale"/>.</summary>
    public void RestoreQuery() => _unscaled.Span.CopyTo(Query);

    /// <summary>The heap that decides what is still to be found.</summary>
    public TopK Found => Plan.Stage == SearchStage.Exact ? Uppers : Results;

    /// <summary>Rotates and quantizes the loaded query.</summary>
    public void Rotate<K>(CodeSpace space) where K : struct, IKernels
    {
        space.Transform.Apply<K>(Query, Rotated);
        Quantized.Prepare(Rotated);
        RotatedNorm = MathF.Sqrt(K.Dot(Rotated, Rotated));
        SpanMath.Scale(Rotated, space.Transform.CentroidScale, Scaled);
        if (space.Metric != Metric.InnerProduct)
            return;
        SharedBase = -K.Dot(Query, space.Transform.Mean.Span);
        SpanMath.Add(space.RotatedMean, Rotated, MeanPlusQuery);
    }

    /// <summary>Quantizes a list's centroid, for the hard bound.</summary>
    public QuantizedQuery QuantizeCentroid(CodeSpace space, ReadOnlySpan<Half> centroid)
    {
        _centroid ??= new QuantizedQuery(space.Layout);
        _centroidValues ??= new float[centroid.Length];
        for (int i = 0; i < centroid.Length; i++)
            _centroidValues[i] = (float)centroid[i] / space.Transform.CentroidScale;
        _centroid.Prepare(_centroidValues);
        return _centroid;
    }

    public void AddCandidate(in Candidate candidate)
    {
        if (CandidateCount == _candidates.Length)
            Array.Resize(ref _candidates, 2 * CandidateCount);
        _candidates[CandidateCount++] = candidate;
    }
}

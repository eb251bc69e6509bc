using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Kernels;
using VectorEngine.Loading;
using VectorEngine.Numerics;
using VectorEngine.Search;
using VectorEngine.Storage;

namespace VectorEngine;

/// <summary>One version of an index, opened for searching. Safe for concurrent use; later versions do not affect it.</summary>
public sealed partial class VectorIndex : IDisposable
{
    private const int Disposed = int.MinValue;

    /// <summary>Queries of a batch that one work item answers: a query may take as little as handing out a work item.</summary>
    private const int BatchBlock = 16;

    // Chosen from the recall that pruning loses against the postings that it leaves; the curve is in bench/VectorEngine.AnnBench/results.
    private const float RefinedEpsilon0 = 1.9f, ExactEpsilon0 = 2.5f;

    private readonly Segment _segment;
    private readonly SegmentSearcher _searcher;
    private readonly FilterSource _filters;

    // Searches under way; Disposed is added when the index is disposed, and the last search to end releases the segment.
    private int _searches;

    private VectorIndex(Segment segment, Manifest manifest)
    {
        _segment = segment;
        _searcher = new SegmentSearcher(segment);
        _filters = new FilterSource(segment, firstRow: 0, Count);
        Version = manifest.Version;
    }

    /// <summary>The version: 1 for the first that was built under this name, then one more each time.</summary>
    public long Version { get; }

    /// <summary>Number of vectors.</summary>
    public int Count => _segment.Root.Description.Count;

    /// <summary>Dimensions of every vector.</summary>
    public int Dimensions => _segment.Root.Description.Dimensions;

    /// <summary>How distances are measured.</summary>
    public Metric Metric => _segment.Root.Description.Metric;

    /// <summary>Number of clusters; 0 if the index is searched exactly.</summary>
    public int ClusterCount => _segment.Root.Description.ListCount;

    /// <summary>Whether the vectors themselves are stored.</summary>
    public StoredVectors StoredVectors => _segment.Root.Description.StoredVectors;

    /// <summary>The columns of the metadata; null if there is none.</summary>
    public ArrowSchema? Metadata => _segment.Metadata?.Schema;

    /// <summary>Lengths of the index's objects in the store.</summary>
    public IndexSize Size => new()
    {
        RootBytes = _segment.RootLength,
        SignBytes = _segment.Root.Description.SignLength,
        ExBytes = _segment.Root.Description.ExLength,
        VectorBytes = _segment.Root.Description.VectorsLength + _segment.Root.Description.ChecksumsLength,
        MetadataBytes = _segment.Root.Description.MetadataLength + (_segment.Root.Zones?.Length ?? 0),
    };

    /// <summary>Bytes of posting lists, vectors and metadata that are in memory now.</summary>
    public long ResidentBytes => _segment.ResidentBytes;

    /// <summary>Opens the newest version: reads the pointer and the root; everything else is read when it is needed.</summary>
    /// <param name="store">Where the index is; it has to outlive the opened index.</param>
    /// <param name="name">Its name.</param>
    /// <param name="options">How to open it; null for the defaults.</param>
    /// <param name="cancellationToken">Cancels the opening.</param>
    /// <exception cref="ObjectNotFoundException">There is no such index.</exception>
    /// <exception cref="CorruptDataException">Its objects are damaged.</exception>
    /// <exception cref="PlatformNotSupportedException">VECTORENGINE_ISA names an instruction set that this machine lacks.</exception>
    /// <exception cref="NotSupportedException">Memory-mapping was asked of a store other than <see cref="FileObjectStore"/>.</exception>
    public static async ValueTask<VectorIndex> OpenAsync(
        IObjectStore store, string name, OpenOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentException.ThrowIfNullOrEmpty(name);
        _ = InstructionSets.FromEnvironment();
        options ??= new OpenOptions();
        long budget = options.MemoryBudget ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;
        ArgumentOutOfRangeException.ThrowIfNegative(budget, nameof(options));
        string key = IndexKeys.Pointer(name);
        ObjectContent pointer = await store.TryReadAsync(key, cancellationToken).ConfigureAwait(false)
            ?? throw new ObjectNotFoundException(key);
        Manifest manifest = Manifest.ReadPointer(key, pointer.Content);
        Segment segment = await Segment.OpenAsync(
            store, name, manifest, budget, options.MemoryMap, cancellationToken).ConfigureAwait(false);
        return new VectorIndex(segment, manifest);
    }

    /// <summary>Finds the nearest vectors. Posting lists that are not in memory yet are read on the calling thread.</summary>
    /// <param name="query"><see cref="Dimensions"/> finite floats.</param>
    /// <param name="k">Number of hits wanted, from 1.</param>
    /// <param name="options">How to search; null for the defaults.</param>
    /// <exception cref="ArgumentException">The query has another number of dimensions, or an option is out of range.</exception>
    /// <exception cref="InvalidVectorException">The query is not finite, too long, or zero under cosine.</exception>
    /// <exception cref="CorruptDataException">What was read from the store is damaged.</exception>
    /// <exception cref="ObjectNotFoundException">An object of the index is missing from the store.</exception>
    /// <exception cref="ObjectDisposedException">The index is disposed.</exception>
    public SearchResult Search(ReadOnlySpan<float> query, int k, SearchOptions? options = null)
    {
        SearchPlan plan = Plan(query.Length, k, options);
        using var search = new ActiveSearch(this);
        if (options?.Filter is { } filter)
            plan = plan with { Filter = Select(filter) };
        SearchResult result = Search(query, plan);
        ValueTask rows = ReadRowsAsync(result, options, CancellationToken.None);
        if (!rows.IsCompletedSuccessfully)
            rows.AsTask().GetAwaiter().GetResult();
        return result;
    }

    /// <summary>Finds the nearest vectors; what is not in memory yet is read asynchronously.</summary>
    /// <inheritdoc cref="Search(ReadOnlySpan{float}, int, SearchOptions?)"/>
    /// <param name="query"><see cref="Dimensions"/> finite floats; copied before the call returns.</param>
    /// <param name="k">Number of hits wanted, from 1.</param>
    /// <param name="options">How to search; null for the defaults.</param>
    /// <param name="cancellationToken">Cancels the search.</param>
    public ValueTask<SearchResult> SearchAsync(
        ReadOnlySpan<float> query, int k, SearchOptions? options = null, CancellationToken cancellationToken = default)
    {
        return SearchAsync(query, Plan(query.Length, k, options), options, cancellationToken);
    }

    /// <summary>Finds the nearest vectors of many queries on all cores.</summary>
    /// <param name="queries">The queries.</param>
    /// <param name="k">Number of hits wanted for each, from 1.</param>
    /// <param name="options">How to search; null for the defaults.</param>
    /// <param name="maxDegreeOfParallelism">Threads to use; -1 for all cores.</param>
    /// <param name="cancellationToken">Cancels the searches.</param>
    /// <returns>A result for each query, in the same order.</returns>
    /// <exception cref="InvalidVectorException">
    /// A query is not finite, too long, or zero under cosine; the exception names its row.
    /// </exception>
    /// <inheritdoc cref="Search(ReadOnlySpan{float}, int, SearchOptions?)"/>
    public async Task<SearchResult[]> SearchBatchAsync(
        VectorMatrix queries, int k, SearchOptions? options = null, int maxDegreeOfParallelism = -1,
        CancellationToken cancellationToken = default)
    {
        SearchPlan plan = Plan(queries.Dimensions, k, options);
        using var search = new ActiveSearch(this);
        plan = await SelectAsync(plan, options, cancellationToken).ConfigureAwait(false);
        var results = new SearchResult[queries.Count];
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = maxDegreeOfParallelism, CancellationToken = cancellationToken };
        int blocks = (queries.Count + BatchBlock - 1) / BatchBlock;
        await Task.Run(() => ParallelLoop.Run(blocks, parallel, block => SearchBlock(queries, block, plan, results)), cancellationToken)
            .ConfigureAwait(false);
        foreach (SearchResult result in results)
            await ReadRowsAsync(result, options, cancellationToken).ConfigureAwait(false);
        return results;
    }

    /// <summary>Ends the use of the index; searches under way finish first.</summary>
    public void Dispose()
    {
        int searches = Volatile.Read(ref _searches);
        while (searches >= 0)
        {
            int seen = Interlocked.CompareExchange(ref _searches, searches + Disposed, searches);
            if (seen == searches)
            {
                if (searches == 0)
                    _segment.Dispose();
                return;
            }

            searches = seen;
        }
    }

    private void SearchBlock(VectorMatrix queries, int block, SearchPlan plan, SearchResult[] results)
    {
        for (int row = block * BatchBlock; row < Math.Min(queries.Count, (block + 1) * BatchBlock); row++)
        {
            try
            {
                results[row] = Search(queries[row], plan);
            }
            catch (InvalidVectorException invalid)
            {
                throw new InvalidVectorException(row, invalid.Reason);
            }
        }
    }

    private SearchResult Search(ReadOnlySpan<float> query, in SearchPlan plan)
    {
        QueryScratch scratch = _searcher.Begin(query, plan);
        try
        {
            while (_searcher.Scan(scratch))
            {
            }

            _searcher.Finish(scratch);
            return new SearchResult(scratch.Results, Metric, plan.Stage, scratch.Receipt);
        }
        finally
        {
            _searcher.Return(scratch);
        }
    }

    private async ValueTask<SearchResult> FinishAsync(
        QueryScratch scratch, ActiveSearch search, SearchOptions? options, CancellationToken cancellationToken)
    {
        using (search)
        {
            SearchResult result;
            try
            {
                do
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    await _searcher.LoadAsync(scratch, cancellationToken).ConfigureAwait(false);
                }
                while (_searcher.Scan(scratch));
                _searcher.Finish(scratch);
                result = new SearchResult(scratch.Results, Metric, scratch.Plan.Stage, scratch.Receipt);
            }
            finally
            {
                _searcher.Return(scratch);
            }

            await ReadRowsAsync(result, options, cancellationToken).ConfigureAwait(false);
            return result;
        }
    }

    private async ValueTask ReadRowsAsync(SearchResult result, SearchOptions? options, CancellationToken cancellationToken)
    {
        if (options is { Columns.Count: > 0 })
            result.Rows = await _segment.Metadata!.TakeAsync(result.Ordinals(), options.Columns, cancellationToken).ConfigureAwait(false);
    }

    private SearchPlan Plan(int dimensions, int k, SearchOptions? options)
    {
        options ??= SearchOptions.Default;
        SegmentDescription description = _segment.Root.Description;
        if (dimensions != description.Dimensions)
            throw new ArgumentException($"The query has {dimensions} dimensions, the index {description.Dimensions}.", nameof(dimensions));
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        bool stored = description.StoredVectors != StoredVectors.None, flat = description.Kind == SegmentKind.Flat;
        SearchStage stage = flat ? SearchStage.Exact : options.Stage ?? (stored ? SearchStage.Exact : SearchStage.Refined);
        if (options.ProbeCount < 1)
            throw new ArgumentException($"A probe count of {options.ProbeCount}.", nameof(options));
        if (options.RecallTarget is { } target && (options.ProbeCount is not null || !(target > 0 && target <= 1)))
            throw new ArgumentException($"A recall target of {target}, or beside a probe count.", nameof(options));
        float epsilon0 = options.Epsilon0 ?? (stage == SearchStage.Exact ? ExactEpsilon0 : RefinedEpsilon0);
        if (!(epsilon0 > 0 && float.IsFinite(epsilon0)))
            throw new ArgumentException($"An epsilon0 of {epsilon0}.", nameof(options));
        if (!Enum.IsDefined(stage) || !Enum.IsDefined(options.Bound))
            throw new ArgumentException("Unknown stage or bound.", nameof(options));
        if (stage == SearchStage.Exact && !stored)
            throw new ArgumentException("Exact distances need stored vectors, which this index was built without.", nameof(options));
        foreach (string column in options.Columns)
        {
            if (_segment.Metadata is null || _segment.Metadata.Schema.IndexOf(column) < 0)
                throw new ArgumentException($"The index has no metadata column '{column}'.", nameof(options));
        }

        int probes = options.ProbeCount ?? ProbesFor(options.RecallTarget, k);
        return new SearchPlan(Math.Min(k, description.Count), probes, stage, options.Bound, epsilon0);
    }

    /// <summary>Counts a search as under way, so that the segment outlives it.</summary>
    private readonly struct ActiveSearch : IDisposable
    {
        private readonly VectorIndex _index;

        public ActiveSearch(VectorIndex index)
        {
            _index = index;
            if (Interlocked.Increment(ref index._searches) > 0)
                return;
            Dispose();
            throw new ObjectDisposedException(nameof(VectorIndex));
        }

        public void Dispose()
        {
            if (Interlocked.Decrement(ref _index._searches) == VectorIndex.Disposed)
                _index._segment.Dispose();
        }
    }
}

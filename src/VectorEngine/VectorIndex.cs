using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Kernels;
using VectorEngine.Loading;
using VectorEngine.Search;
using VectorEngine.Storage;

namespace VectorEngine;

/// <summary>One version of an index, opened for searching. Safe for concurrent use; later versions do not affect it.</summary>
public sealed partial class VectorIndex : IDisposable
{
    private const int Disposed = int.MinValue;

    private readonly IndexSegments _segments;
    private readonly IndexSearcher _searcher;
    private readonly IndexFilters _filters;
    private readonly string[] _defaultColumns;

    // Searches under way; Disposed is added when the index is disposed, and the last search to end releases the segments.
    private int _searches;

    private VectorIndex(IndexSegments segments, Manifest manifest)
    {
        _segments = segments;
        _searcher = new IndexSearcher(segments);
        _filters = new IndexFilters(segments);
        _defaultColumns = IdColumn is null ? [] : [IdColumn];
        Version = manifest.Version;
    }

    /// <summary>The version: 1 for the first that was built under this name, then one more each time.</summary>
    public long Version { get; }

    /// <summary>Number of vectors.</summary>
    public long Count => _segments.Count;

    /// <summary>Number of segments: 1, and one more for each time that vectors were appended.</summary>
    public int SegmentCount => _segments.Items.Count;

    /// <summary>Dimensions of every vector.</summary>
    public int Dimensions => _segments.Items[0].Root.Description.Dimensions;

    /// <summary>How distances are measured.</summary>
    public Metric Metric => _segments.Items[0].Root.Description.Metric;

    /// <summary>Number of clusters of all segments; 0 if the index is searched exactly.</summary>
    public int ClusterCount => _segments.Items.Sum(segment => segment.Root.Description.ListCount);

    /// <summary>Whether the vectors themselves are stored; where segments differ, the least exact: none, then float16.</summary>
    public StoredVectors StoredVectors
    {
        get
        {
            IEnumerable<StoredVectors> all = _segments.Items.Select(segment => segment.Root.Description.StoredVectors);
            return all.Contains(StoredVectors.None) ? StoredVectors.None : all.Max();
        }
    }

    /// <summary>The columns of the metadata; null if there is none.</summary>
    public ArrowSchema? Metadata => _segments.Metadata;

    /// <summary>The metadata column that has the caller's ids; null if there are none.</summary>
    public string? IdColumn => _segments.IdColumn;

    /// <summary>Lengths of the index's objects in the store.</summary>
    public IndexSize Size => new()
    {
        RootBytes = _segments.Items.Sum(segment => segment.RootLength),
        SignBytes = _segments.Items.Sum(segment => segment.Root.Description.SignLength),
        ExBytes = _segments.Items.Sum(segment => segment.Root.Description.ExLength),
        VectorBytes = _segments.Items.Sum(segment =>
            (segment.Root.VectorsKey is null ? segment.Root.Description.VectorsLength : 0) + segment.Root.Description.ChecksumsLength),
        MetadataBytes = _segments.Items.Sum(segment => segment.Root.Description.MetadataLength + (segment.Root.Zones?.Length ?? 0)),
        IdBytes = IdColumn is null ? 0 : _segments.Items.Sum(segment => IdPages.ObjectLength(segment.Root.Description.Count)),
    };

    /// <summary>Bytes of posting lists, vectors, metadata and ids that are in memory now.</summary>
    public long ResidentBytes => _segments.ResidentBytes;

    /// <summary>Opens the newest version: reads the pointer and the roots; everything else is read when it is needed.</summary>
    /// <param name="store">Where the index is; it has to outlive the opened index.</param>
    /// <param name="name">Its name.</param>
    /// <param name="options">How to open it; null for the defaults.</param>
    /// <param name="cancellationToken">Cancels the opening.</param>
    /// <exception cref="ObjectNotFoundException">There is no such index.</exception>
    /// <exception cref="CorruptDataException">Its objects are damaged.</exception>
    /// <exception cref="PlatformNotSupportedException">VECTORENGINE_ISA names an instruction set that this machine lacks.</exception>
    /// <exception cref="NotSupportedException">
    /// The index is of another version of the format, or memory-mapping was asked of a store other than <see cref="FileObjectStore"/>.
    /// </exception>
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
        IndexSegments segments = await IndexSegments.OpenAsync(
            store, name, manifest, budget, options.MemoryMap, cancellationToken).ConfigureAwait(false);
        return new VectorIndex(segments, manifest);
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
                    _segments.Dispose();
                return;
            }

            searches = seen;
        }
    }

    /// <summary>Counts a search as under way, so that the segments outlive it.</summary>
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
                _index._segments.Dispose();
        }
    }
}

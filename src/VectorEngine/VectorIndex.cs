using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Loading;
using VectorEngine.Publishing;
using VectorEngine.Search;

namespace VectorEngine;

/// <summary>One version of an index, opened for searching. Safe for concurrent use; later versions do not affect it.</summary>
public sealed partial class VectorIndex : IDisposable, IAsyncDisposable
{
    private const int Disposed = int.MinValue;

    private readonly IndexSegments _segments;
    private readonly Manifest _manifest;
    private readonly IndexSearcher _searcher;
    private readonly IndexFilters _filters;
    private readonly string[] _defaultColumns;

    // Searches under way; Disposed is added when the index is disposed, and the last search to end releases the segments.
    private int _searches;

    private VectorIndex(string name, IndexSegments segments, Manifest manifest, OpenOptions options, Lease? lease)
    {
        Name = name;
        _segments = segments;
        _manifest = manifest;
        _searcher = new IndexSearcher(segments, options.DollarsPerThousandRequests / 1000);
        _filters = new IndexFilters(segments);
        _defaultColumns = IdColumn is null ? [] : [IdColumn];
        _lease = lease;
    }

    /// <summary>The index's name in the store.</summary>
    public string Name { get; }

    /// <summary>The version: 1 for the first that was built under this name, then one more each time.</summary>
    public long Version => _manifest.Id.Number;

    /// <summary>
    /// The version as text, of about a hundred characters and 43 more for each segment but the first: with it another process opens the
    /// same version, without reading the pointer (<see cref="OpenOptions.Token"/>).
    /// </summary>
    public string Token => _manifest.ToToken();

    /// <summary>What tells the version from every other.</summary>
    internal VersionId Id => _manifest.Id;

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
    public long ResidentBytes => _segments.Budget.Used;

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
                _ = _index.ReleaseAsync();
        }
    }
}

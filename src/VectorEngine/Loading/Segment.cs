using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Numerics;
using VectorEngine.Quantization;
using VectorEngine.Storage;

namespace VectorEngine.Loading;

/// <summary>One immutable set of objects of an index: its root, and layers that read the rest by range when it is needed.</summary>
internal sealed class Segment : IDisposable
{
    private readonly List<Layer> _layers = [];
    private readonly StoreReader _reader;
    private readonly MemoryBudget _budget;
    private readonly FileObjectStore? _mappable;
    private MetadataSource? _metadata;
    private Layer? _zones;

    private Segment(StoreReader reader, SegmentKeys keys, SegmentRoot root, long rootLength, MemoryBudget budget, bool memoryMap)
    {
        RootLength = rootLength;
        _reader = reader;
        _budget = budget;
        _mappable = memoryMap
            ? reader.Store as FileObjectStore ?? throw new NotSupportedException("Only files can be memory-mapped.")
            : null;
        Keys = keys = WithVectors(keys, root, rootLength);
        Root = root;
        try
        {
            OpenLayers(keys, root);
        }
        catch
        {
            Dispose(); // of what was mapped before a file was missing or too short
            throw;
        }

        if (root.IdColumn is { } column)
        {
            if (Metadata is null || Metadata.Schema.IndexOf(column) < 0 || !IdKey.IsSupported(Metadata.Schema[column].Type))
                throw new CorruptDataException(keys.Root, 0, rootLength, $"there is no column of ids '{column}'");
            Ids = new IdTable(keys.Ids, root.Description.Count, OpenLayer);
        }
    }

    public SegmentRoot Root { get; }

    /// <summary>What the layers read: everything but the root.</summary>
    public IEnumerable<LayerSource> Sources => _layers.Select(layer => layer.Source).DistinctBy(source => source.Key);

    /// <summary>The keys of its objects.</summary>
    public SegmentKeys Keys { get; }

    /// <summary>Length of the root object.</summary>
    public long RootLength { get; }

    /// <summary>The 1-bit layer, an extent per list; null if flat.</summary>
    public Layer? Sign { get; private set; }

    /// <summary>The 3-bit layer, an extent per list; null if flat.</summary>
    public Layer? Ex { get; private set; }

    /// <summary>The stored vectors; null if there are none.</summary>
    public VectorRows? Vectors { get; private set; }

    /// <summary>The metadata; null if there is none.</summary>
    public ArrowFileReader? Metadata { get; private set; }

    /// <summary>The rows by id; null if there are no ids.</summary>
    public IdTable? Ids { get; }

    /// <summary>Opens the segment that a manifest names.</summary>
    /// <param name="reader">Reads the store.</param>
    /// <param name="keys">Its keys.</param>
    /// <param name="reference">What the manifest says of it.</param>
    /// <param name="budget">What may be kept in memory besides the root.</param>
    /// <param name="memoryMap">Map the files instead of reading them.</param>
    /// <param name="scope">What opens it.</param>
    /// <param name="cancellationToken">Cancels the opening.</param>
    public static async ValueTask<Segment> OpenAsync(
        StoreReader reader, SegmentKeys keys, SegmentReference reference, MemoryBudget budget, bool memoryMap, ReadScope scope,
        CancellationToken cancellationToken)
    {
        AlignedBuffer<byte>? root = TryReadCached(reader, keys.Root, reference);
        for (int attempt = 1; root is null; attempt++)
        {
            try
            {
                AlignedBuffer<byte> read = await ClaimedRange.ReadAsync(
                    reader, keys.Root, 0, (int)reference.RootLength, ClaimedRange.Trusted, scope, cancellationToken).ConfigureAwait(false);
                if (Crc32C.Compute(read.Span) != reference.RootChecksum)
                    throw new CorruptDataException(keys.Root, 0, read.Length, "not the root that the pointer names");
                reader.Cache?.Add(keys.Root, 0, read.Memory);
                root = read;
            }
            catch (CorruptDataException) when (attempt == 1)
            {
                // The damage may have happened on the way.
            }
        }

        return new Segment(reader, keys, SegmentRoot.Read(keys.Root, root.Memory), root.Length, budget, memoryMap);
    }

    public void Dispose()
    {
        foreach (MappedLayer layer in _layers.OfType<MappedLayer>())
            layer.Dispose();
    }

    /// <summary>Verifies the copies that a small segment's root has.</summary>
    /// <exception cref="CorruptDataException">One is not what was written.</exception>
    public void VerifyCopies()
    {
        foreach (CopiedLayer layer in _layers.OfType<CopiedLayer>())
            layer.Verify();
    }

    /// <summary>The keys, with that of the caller's object that has the vectors, if one has.</summary>
    private static SegmentKeys WithVectors(SegmentKeys keys, SegmentRoot root, long rootLength)
    {
        if (root.VectorsKey is not { } elsewhere)
            return keys;
        if (!ObjectKey.IsValid(elsewhere))
            throw new CorruptDataException(keys.Root, 0, rootLength, "the key of the object that has the vectors is no key");
        return keys with { Vectors = elsewhere };
    }

    /// <summary>
    /// The root, if the cache on disk has it: as kernels scan the directory in it, aligned, and readable past the last code.
    /// </summary>
    private static AlignedBuffer<byte>? TryReadCached(StoreReader reader, string key, SegmentReference reference)
    {
        if (reference.RootLength > ClaimedRange.Trusted || reader.Cache is not { } cache)
            return null;
        var root = new AlignedBuffer<byte>((int)reference.RootLength);
        if (!cache.TryRead(key, 0, root.Span))
            return null;
        if (Crc32C.Compute(root.Span) == reference.RootChecksum)
            return root;
        cache.Remove(key, 0, root.Length);
        return null;
    }

    private void OpenLayers(SegmentKeys keys, SegmentRoot root)
    {
        if (root.Lists is { } lists)
        {
            Sign = OpenLists(LayerKind.Sign, keys.Sign, lists.SignLength, lists, lists.Sign, CheckOrdinals);
            Ex = OpenLists(LayerKind.Ex, keys.Ex, lists.ExLength, lists, lists.Ex, static (_, _) => { });
        }

        if (root.Vectors is { } batches)
            Vectors = new VectorRows(root.Description, batches, keys, OpenLayer);
        if (root.Description.MetadataLength > 0)
        {
            _metadata = new MetadataSource(keys.Metadata, root, OpenLayer);
            Metadata = ArrowFileReader.Open(keys.Metadata, _metadata, root.MetadataFooter, root.MetadataRows, root.MetadataMessages);
        }

        if (root.Zones is { } zones)
            _zones = OpenZones(keys.Zones, zones);
    }

    private Layer OpenLists(
        LayerKind kind, string key, long length, ListTable lists, Func<int, Extent> extent, ExtentCheck check)
    {
        return OpenLayer(new LayerSource(
            kind, key, length, lists.ListCount, list => (extent(list).Offset, extent(list).Length), Check));

        void Check(int list, ReadOnlyMemory<byte> bytes)
        {
            if (Crc32C.Compute(bytes.Span) != extent(list).Checksum)
                throw new CorruptDataException(key, extent(list).Offset, bytes.Length, $"posting list {list} has a wrong checksum");
            check(list, bytes);
        }
    }

    /// <summary>Reads a record batch of the metadata.</summary>
    /// <inheritdoc cref="ArrowFileReader.ReadBatchAsync(int, IReadOnlyList{string}?, CancellationToken)"/>
    public ValueTask<RecordBatch> ReadBatchAsync(
        int batch, IReadOnlyList<string>? columns, ReadScope scope, CancellationToken cancellationToken) =>
        Metadata!.ReadBatchAsync(batch, columns, _metadata!.For(scope), cancellationToken);

    /// <summary>Reads rows of the metadata.</summary>
    /// <inheritdoc cref="ArrowFileReader.TakeAsync(ReadOnlyMemory{long}, IReadOnlyList{string}?, CancellationToken)"/>
    public ValueTask<RecordBatch> TakeAsync(
        ReadOnlyMemory<long> rows, IReadOnlyList<string>? columns, ReadScope scope, CancellationToken cancellationToken) =>
        Metadata!.TakeAsync(rows, columns, _metadata!.For(scope), cancellationToken);

    /// <summary>Reads the zones of some columns of the metadata.</summary>
    /// <exception cref="CorruptDataException">They are damaged.</exception>
    public async ValueTask<ZoneMaps> ReadZonesAsync(IEnumerable<string> columns, ReadScope scope, CancellationToken cancellationToken)
    {
        var zones = new Dictionary<string, ZoneColumn>(StringComparer.Ordinal);
        foreach (string column in columns)
        {
            int index = Metadata!.Schema.IndexOf(column);
            if (Root.Zones is not { } table || index >= table.Count || table.Kind(index) == ZoneKind.None)
                continue;
            scope.NextRound();
            ReadOnlyMemory<byte> bytes = await _zones!.ReadAsync(index, scope, cancellationToken).ConfigureAwait(false);
            try
            {
                zones[column] = ZoneColumn.Read(table.Kind(index), bytes.Span, Root.Lists!);
            }
            catch (FormatException wrong)
            {
                Extent extent = table.Extent(index);
                throw new CorruptDataException(Keys.Zones, extent.Offset, extent.Length, wrong.Message, wrong);
            }
        }

        return new ZoneMaps(zones);
    }

    private Layer OpenZones(string key, ZoneTable zones)
    {
        return OpenLayer(new LayerSource(
            LayerKind.Metadata, key, zones.Length, zones.Count, column => (zones.Extent(column).Offset, zones.Extent(column).Length),
            Check));

        void Check(int column, ReadOnlyMemory<byte> bytes)
        {
            if (Crc32C.Compute(bytes.Span) != zones.Extent(column).Checksum)
                throw new CorruptDataException(key, zones.Extent(column).Offset, bytes.Length, "wrong checksum");
        }
    }

    /// <summary>Searches use ordinals as rows without asking again.</summary>
    private void CheckOrdinals(int list, ReadOnlyMemory<byte> bytes)
    {
        CodeLayout layout = Root.Space!.Layout;
        var blocks = new SignBlocks(layout, bytes.Span[layout.CentroidBytes..], Root.Lists!.Count(list));
        if (!blocks.AreOrdinalsBelow(Root.Description.Count))
            throw new CorruptDataException(
                Keys.Sign, Root.Lists.Sign(list).Offset, bytes.Length, $"posting list {list} names vectors behind the last");
    }

    private Layer OpenLayer(LayerSource source)
    {
        Layer layer = _mappable is not null ? new MappedLayer(source, _mappable.GetFullPath(source.Key))
            : Root.Copies.Length == 0 ? new ResidentLayer(source, _reader, _budget)
            : new CopiedLayer(source, Root.Copies[Array.IndexOf(Keys.BesideRoot, source.Key)], Keys.Root, RootLength);
        _layers.Add(layer);
        return layer;
    }
}

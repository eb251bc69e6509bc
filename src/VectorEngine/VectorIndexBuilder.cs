using VectorEngine.Arrow;
using VectorEngine.Building;
using VectorEngine.Format;
using VectorEngine.Input;
using VectorEngine.Kernels;
using VectorEngine.Loading;
using VectorEngine.Publishing;
using VectorEngine.Quantization;
using VectorEngine.Storage;
using VectorEngine.Telemetry;

namespace VectorEngine;

/// <summary>Builds indexes.</summary>
public static class VectorIndexBuilder
{
    private const long SmallestMemoryLimit = 128 << 20;

    /// <summary>Bytes of id pages kept in memory while a segment is added to others.</summary>
    private const long AppendBudget = 64 << 20;

    /// <summary>
    /// Builds an index of vectors in memory and publishes it as the newest version: readers see the old version until the last moment,
    /// then the new one, never a mixture. What a failed or cancelled build has written is deleted, unless it failed so late that nobody
    /// knows whether it was published: then <see cref="VectorIndexVersions.CollectAsync"/> deletes it if it was not.
    /// </summary>
    /// <param name="store">Where the index goes.</param>
    /// <param name="name">Its name: a key prefix, such as "docs".</param>
    /// <param name="vectors">At least one vector of 1 to 8,192 finite dimensions; a vector's row is its ordinal in results.</param>
    /// <param name="options">How to build; null for the defaults.</param>
    /// <param name="metadata">A table with a row for each vector, whose columns searches can return; null for none.</param>
    /// <param name="progress">Told what the build is doing.</param>
    /// <param name="cancellationToken">Cancels the build.</param>
    /// <exception cref="ArgumentException">
    /// There are no vectors, the metadata has another number of rows, or an option is out of range.
    /// </exception>
    /// <exception cref="InvalidVectorException">A vector is not finite, too long, zero under cosine, or without an id.</exception>
    /// <exception cref="PlatformNotSupportedException">VECTORENGINE_ISA names an instruction set that this machine lacks.</exception>
    /// <exception cref="CorruptDataException">
    /// There is an index of this name, and its pointer is damaged: <see cref="DeleteAsync"/> makes room.
    /// </exception>
    /// <exception cref="NotSupportedException">There is an index of this name, of another version of the format.</exception>
    /// <exception cref="WriteConflictException">Another build of the same index was published meanwhile.</exception>
    /// <exception cref="ConditionalWritesNotSupportedException">
    /// The store does not keep the conditions of writes, and <see cref="VectorIndexOptions.SingleWriter"/> is not set.
    /// </exception>
    /// <exception cref="DuplicateIdException">Two rows have the same id.</exception>
    public static Task<BuildReport> BuildAsync(
        IObjectStore store, string name, VectorMatrix vectors, VectorIndexOptions? options = null, RecordBatch? metadata = null,
        IProgress<BuildProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        Check(vectors, options);
        return BuildAsync(store, name, VectorSource.FromMatrix(vectors, metadata), options, progress, cancellationToken);
    }

    /// <summary>
    /// Builds an index of any size from a stream or a file, within <see cref="VectorIndexOptions.MemoryLimit"/>, and publishes it as the
    /// newest version.
    /// </summary>
    /// <inheritdoc cref="BuildAsync(IObjectStore, string, VectorMatrix, VectorIndexOptions?, RecordBatch?, IProgress{BuildProgress}?, CancellationToken)"/>
    /// <param name="store">Where the index goes.</param>
    /// <param name="name">Its name: a key prefix, such as "docs".</param>
    /// <param name="source">The vectors; a vector's row is its ordinal in results.</param>
    /// <param name="options">How to build; null for the defaults.</param>
    /// <param name="progress">Told what the build is doing.</param>
    /// <param name="cancellationToken">Cancels the build.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="InvalidInputException">The input is malformed, empty, or has fewer vectors than clusters were asked for.</exception>
    public static Task<BuildReport> BuildAsync(
        IObjectStore store, string name, VectorSource source, VectorIndexOptions? options = null,
        IProgress<BuildProgress>? progress = null, CancellationToken cancellationToken = default) =>
        PublishAsync(store, name, source, options, append: false, progress, cancellationToken);

    /// <summary>
    /// Adds vectors to the newest version of an index, as one more segment, and publishes both as the next version. Their ordinals follow
    /// those of the vectors that are there. Each segment is searched, so an index of few large segments is faster than one of many small.
    /// </summary>
    /// <param name="store">Where the index is.</param>
    /// <param name="name">Its name.</param>
    /// <param name="source">At least one vector, of the same dimensions as those in the index, with the same columns of metadata.</param>
    /// <param name="options">
    /// How to build the segment; metric and id column are those of the index. Null for the defaults.
    /// </param>
    /// <param name="progress">Told what the build is doing.</param>
    /// <param name="cancellationToken">Cancels the build.</param>
    /// <exception cref="ArgumentException">
    /// An option is out of range, or dimensions, metric, columns or id column differ from those of the index.
    /// </exception>
    /// <exception cref="InvalidInputException">The input is malformed, empty, or has fewer vectors than clusters were asked for.</exception>
    /// <exception cref="InvalidVectorException">A vector is not finite, too long, zero under cosine, or without an id.</exception>
    /// <exception cref="DuplicateIdException">Two rows have the same id, or one has the id of a vector in the index.</exception>
    /// <exception cref="ObjectNotFoundException">There is no such index.</exception>
    /// <exception cref="CorruptDataException">What is there is damaged.</exception>
    /// <exception cref="NotSupportedException">The index has 1,024 segments, the most there can be.</exception>
    /// <exception cref="PlatformNotSupportedException">VECTORENGINE_ISA names an instruction set that this machine lacks.</exception>
    /// <exception cref="WriteConflictException">Another build of the same index was published meanwhile.</exception>
    /// <exception cref="ConditionalWritesNotSupportedException">
    /// The store does not keep the conditions of writes, and <see cref="VectorIndexOptions.SingleWriter"/> is not set.
    /// </exception>
    public static Task<BuildReport> AppendAsync(
        IObjectStore store, string name, VectorSource source, VectorIndexOptions? options = null,
        IProgress<BuildProgress>? progress = null, CancellationToken cancellationToken = default) =>
        PublishAsync(store, name, source, options, append: true, progress, cancellationToken);

    /// <summary>Adds vectors in memory to the newest version of an index, as one more segment, and publishes both as the next version.</summary>
    /// <inheritdoc cref="AppendAsync(IObjectStore, string, VectorSource, VectorIndexOptions?, IProgress{BuildProgress}?, CancellationToken)"/>
    /// <param name="store">Where the index is.</param>
    /// <param name="name">Its name.</param>
    /// <param name="vectors">At least one vector, of the same dimensions as those in the index.</param>
    /// <param name="options">
    /// How to build the segment; metric and id column are those of the index. Null for the defaults.
    /// </param>
    /// <param name="metadata">A table with a row for each vector and the same columns as the index; null if that has none.</param>
    /// <param name="progress">Told what the build is doing.</param>
    /// <param name="cancellationToken">Cancels the build.</param>
    public static Task<BuildReport> AppendAsync(
        IObjectStore store, string name, VectorMatrix vectors, VectorIndexOptions? options = null, RecordBatch? metadata = null,
        IProgress<BuildProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        Check(vectors, options);
        return AppendAsync(store, name, VectorSource.FromMatrix(vectors, metadata), options, progress, cancellationToken);
    }

    /// <summary>
    /// Deletes an index: all its versions, and what builds of it left behind. Nobody may build or read it meanwhile. Deleting a missing one
    /// does nothing.
    /// </summary>
    /// <param name="store">Where the index is.</param>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">
    /// Cancels the deletion; the index then can no longer be opened, and the next call deletes the rest.
    /// </param>
    public static async Task DeleteAsync(IObjectStore store, string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentException.ThrowIfNullOrEmpty(name);
        var retrying = new RetryingStore(store);
        await retrying.DeleteAsync(IndexKeys.Pointer(name), cancellationToken).ConfigureAwait(false);
        foreach (string prefix in new[] { IndexKeys.Versions(name), IndexKeys.Leases(name), IndexKeys.Segments(name) })
            await IndexObjects.DeleteAllAsync(retrying, prefix, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<BuildReport> PublishAsync(
        IObjectStore store, string name, VectorSource source, VectorIndexOptions? options, bool append,
        IProgress<BuildProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(source);
        InstructionSets.CheckEnvironment();
        options ??= new VectorIndexOptions();
        Check(options);
        return await EngineActivities.RunAsync(EngineActivities.Build, name, async activity =>
        {
            BuildReport report = await BuildAsync(
                new RetryingStore(store), name, source, options, append, progress, cancellationToken).ConfigureAwait(false);
            activity?.SetTag(TelemetryNames.IndexVersion, report.Version).SetTag("vectorengine.build.vectors", report.Count);
            return report;
        }).ConfigureAwait(false);
    }

    private static async Task<BuildReport> BuildAsync(
        RetryingStore store, string name, VectorSource source, VectorIndexOptions options, bool append,
        IProgress<BuildProgress>? progress, CancellationToken cancellationToken)
    {
        Pointer? newest = append
            ? await Pointer.ReadAsync(store, name, cancellationToken).ConfigureAwait(false)
            : await Pointer.TryReadAsync(store, name, cancellationToken).ConfigureAwait(false);
        if (!options.SingleWriter)
            await ConditionalWrites.RequireAsync(store, IndexKeys.Probe(name, Guid.NewGuid()), cancellationToken).ConfigureAwait(false);
        using IndexSegments? before = append
            ? await OpenToAppendAsync(store, name, newest!.Newest, options, cancellationToken).ConfigureAwait(false)
            : null;
        var segment = Guid.NewGuid();
        var publication = new Publication(store, name, newest);
        long version, count;
        var tracker = new BuildTracker(progress);
        var build = new SegmentBuild(store, IndexKeys.Segment(name, segment), source, options, before, tracker, cancellationToken);
        try
        {
            (byte[] root, count) = await Task.Run(build.WriteAsync, cancellationToken).ConfigureAwait(false);
            var added = new SegmentReference(segment, root.Length, Crc32C.Compute(root));
            Manifest published = await publication.PublishAsync(
                append ? [.. newest!.Newest.Segments, added] : [added], source: null, cancellationToken).ConfigureAwait(false);
            version = published.Id.Number;
        }
        catch
        {
            if (!publication.MayAppear)
                await IndexObjects.TryDeleteAllAsync(store, IndexKeys.Segment(name, segment).Prefix + "/").ConfigureAwait(false);
            throw;
        }

        tracker.AdvanceTo(1);
        return new BuildReport(version, count, build.Skipped.Count, build.Skipped.First);
    }

    /// <summary>Opens the segments of a version that another is to be added to.</summary>
    private static async Task<IndexSegments> OpenToAppendAsync(
        RetryingStore store, string name, Manifest newest, VectorIndexOptions options, CancellationToken cancellationToken)
    {
        if (newest.Segments.Count == Manifest.MaxSegments)
            throw new NotSupportedException($"'{name}' has {Manifest.MaxSegments} segments, the most there can be: build it anew.");
        IndexSegments segments = await IndexSegments.OpenAsync(
            new StoreReader(store.Inner), name, newest, AppendBudget, memoryMap: false, new ReadScope(), cancellationToken)
            .ConfigureAwait(false);
        SegmentDescription like = segments.Items[0].Root.Description;
        if (options.Metric == like.Metric && options.IdColumn == segments.IdColumn)
            return segments;
        string idColumn = segments.IdColumn ?? "no column";
        segments.Dispose();
        throw new ArgumentException($"The index has the metric {like.Metric} and {idColumn} as ids.", nameof(options));
    }

    private static void Check(VectorMatrix vectors, VectorIndexOptions? options)
    {
        if (vectors.Count == 0)
            throw new ArgumentException("There are no vectors.", nameof(vectors));
        if (vectors.Dimensions > CodeLayout.MaxDimensions)
            throw new ArgumentException(
                $"{vectors.Dimensions} dimensions; at most {CodeLayout.MaxDimensions} are supported.", nameof(vectors));
        if (options?.ClusterCount > vectors.Count)
            throw new ArgumentException($"{options.ClusterCount} clusters for {vectors.Count} vectors.", nameof(options));
    }

    private static void Check(VectorIndexOptions options)
    {
        if (options.ClusterCount < 1)
            throw new ArgumentException($"{options.ClusterCount} clusters.", nameof(options));
        if (options.MaxDegreeOfParallelism is 0 or < -1)
            throw new ArgumentException($"{options.MaxDegreeOfParallelism} threads.", nameof(options));
        if (options.MemoryLimit < SmallestMemoryLimit)
            throw new ArgumentException($"A build takes more than {options.MemoryLimit} bytes of memory.", nameof(options));
        if (!Enum.IsDefined(options.Metric) || !Enum.IsDefined(options.StoredVectors))
            throw new ArgumentException("Unknown metric or type of stored vectors.", nameof(options));
        if (options is { StoredVectors: StoredVectors.InPlace, SkipInvalidRows: true })
            throw new ArgumentException("Where rows are left out, vectors cannot stay in place.", nameof(options));
    }
}

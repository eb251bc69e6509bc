using VectorEngine.Telemetry;

namespace VectorEngine.Loading;

/// <summary>
/// Brings whole layers into memory and into the cache on disk, in ranges of about a MiB that are asked for while no search waits for the
/// store. Nothing is dropped for it: what does not fit into memory goes into the cache on disk only, if there is one, or stays where it is.
/// </summary>
internal sealed class Prefetch(IndexSegments segments, IProgress<PrefetchProgress>? progress)
{
    private const int RangeBytes = (1 << 20) - 1, MaxRanges = 4;

    /// <summary>So long at most does a range wait for searches: where they never pause, some are read nevertheless.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);

    private readonly Lock _changing = new();
    private readonly ReadScope _scope = new() { IsBackground = true };
    private PrefetchReport _report;
    private SearchStage _stage;
    private long _done, _total, _diskSpace;
    private bool _isFull;

    /// <summary>Requests made of the store.</summary>
    public int Requests => _scope.Requests;

    /// <summary>Brings the layers that searches up to a stage need, first all that the first stage needs.</summary>
    public async Task<PrefetchReport> RunAsync(SearchStage upTo, CancellationToken cancellationToken)
    {
        (SearchStage Stage, Layer Layer)[] layers = [.. Layers(upTo)];
        foreach ((_, Layer layer) in layers)
        {
            for (int extent = 0; extent < layer.Source.Count; extent++)
                _total += layer.Source.Extent(extent).Length;
        }

        var parallel = new ParallelOptions { MaxDegreeOfParallelism = MaxRanges, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(layers.SelectMany(Stretches), parallel, BringAsync).ConfigureAwait(false);
        return _report;
    }

    private IEnumerable<(SearchStage, Layer)> Layers(SearchStage upTo)
    {
        // What a segment without lists compares is its vectors.
        foreach (Segment segment in segments.Items)
        {
            if ((segment.Sign ?? segment.Vectors?.Chunks) is { } first)
                yield return (SearchStage.Sign, first);
        }

        foreach (Segment segment in segments.Items)
        {
            if (upTo >= SearchStage.Refined && segment.Ex is { } ex)
                yield return (SearchStage.Refined, ex);
        }

        foreach (Segment segment in segments.Items)
        {
            if (upTo >= SearchStage.Exact && segment.Sign is not null && segment.Vectors is { } vectors)
                yield return (SearchStage.Exact, vectors.Chunks);
        }
    }

    /// <summary>The extents of a layer that are not in memory, neighbours together.</summary>
    private IEnumerable<Stretch> Stretches((SearchStage Stage, Layer Layer) part)
    {
        LayerSource source = part.Layer.Source;
        var extents = new List<int>();
        long bytes = 0, present = 0;
        for (int extent = 0; extent < source.Count; extent++)
        {
            int length = source.Extent(extent).Length;
            bool isPresent = length == 0 || part.Layer.Contains(extent);
            present += isPresent ? length : 0;
            if (extents.Count > 0 && (isPresent || bytes + length > RangeBytes))
            {
                yield return new Stretch(part.Stage, part.Layer, [.. extents]);
                extents.Clear();
                bytes = 0;
            }

            if (isPresent)
                continue;
            extents.Add(extent);
            bytes += length;
        }

        if (extents.Count > 0)
            yield return new Stretch(part.Stage, part.Layer, [.. extents]);
        Report(part.Stage, present);
    }

    private async ValueTask BringAsync(Stretch stretch, CancellationToken cancellationToken)
    {
        await segments.Reader.Gate.QuietAsync(Patience, cancellationToken).ConfigureAwait(false);
        int[] missing = Missing(stretch);
        if (missing.Length > 0)
        {
            using ExtentReads reads = stretch.Layer.Start(missing, _scope);
            await reads.AllAsync(cancellationToken).ConfigureAwait(false);
            if (segments.Reader.Cache is { } cache)
                await cache.FlushAsync().WaitAsync(cancellationToken).ConfigureAwait(false); // it drops what comes too fast
        }

        Account(stretch, missing);
    }

    /// <summary>What is to be read of a range now, which may have become less while it waited.</summary>
    private int[] Missing(Stretch stretch)
    {
        LayerSource source = stretch.Layer.Source;
        int[] missing = [.. stretch.Extents.Where(extent => !stretch.Layer.Contains(extent))];
        lock (_changing)
        {
            _isFull |= segments.Budget.Free < missing.Sum(extent => (long)source.Extent(extent).Length);
            if (segments.Reader.Cache is null)
                return _isFull ? [] : missing;
            long space = stretch.Extents.Sum(extent => ExtentFolder.SpaceOf(source.Extent(extent).Length));
            if (_diskSpace + space > segments.Reader.Cache.Capacity)
                return _isFull ? [] : missing;
            _diskSpace += space;
            return _isFull ? [.. missing.Where(extent => !IsOnDisk(source, extent))] : missing;
        }
    }

    /// <summary>Says where the extents of a range are now.</summary>
    private void Account(Stretch stretch, int[] read)
    {
        long loaded = 0, present = 0, onDisk = 0, left = 0;
        foreach (int extent in stretch.Extents)
        {
            int length = stretch.Layer.Source.Extent(extent).Length;
            if (stretch.Layer.Contains(extent))
                (loaded, present) = Array.BinarySearch(read, extent) >= 0 ? (loaded + length, present) : (loaded, present + length);
            else if (IsOnDisk(stretch.Layer.Source, extent))
                onDisk += length;
            else
                left += length;
        }

        EngineMetrics.PrefetchedBytes.Add(
            loaded + onDisk, new KeyValuePair<string, object?>(TelemetryNames.Layer, TelemetryNames.Of(stretch.Layer.Source.Kind)));
        lock (_changing)
        {
            _report = new PrefetchReport(_report.BytesLoaded + loaded, _report.BytesOnDisk + onDisk, _report.BytesLeft + left);
        }

        Report(stretch.Stage, loaded + present + onDisk);
    }

    private bool IsOnDisk(LayerSource source, int extent)
    {
        (long offset, int length) = source.Extent(extent);
        return segments.Reader.Cache?.Contains(source.Key, offset, length) ?? false;
    }

    private void Report(SearchStage stage, long bytes)
    {
        lock (_changing)
        {
            // The last ranges of a layer may come after the first of the next.
            _stage = stage > _stage ? stage : _stage;
            progress?.Report(new PrefetchProgress(_stage, _done += bytes, _total));
        }
    }

    /// <summary>Neighbouring extents of a layer, or a single one that is long.</summary>
    private sealed record Stretch(SearchStage Stage, Layer Layer, int[] Extents);
}

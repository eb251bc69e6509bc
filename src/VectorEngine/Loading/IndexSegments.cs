using VectorEngine.Arrow;
using VectorEngine.Format;

namespace VectorEngine.Loading;

/// <summary>The opened segments of one version. Its ordinals count through them: rows of the segments before, plus the row.</summary>
internal sealed class IndexSegments : IDisposable
{
    private readonly Segment[] _segments;
    private readonly long[] _starts;
    private readonly MemoryBudget _budget;
    private readonly StoreReader _reader;

    private IndexSegments(Segment[] segments, MemoryBudget budget, StoreReader reader)
    {
        _reader = reader;
        _segments = segments;
        _budget = budget;
        _starts = new long[segments.Length + 1];
        for (int i = 0; i < segments.Length; i++)
            _starts[i + 1] = _starts[i] + segments[i].Root.Description.Count;
    }

    /// <summary>The segments, in the order of their ordinals.</summary>
    public IReadOnlyList<Segment> Items => _segments;

    /// <summary>Vectors of all segments.</summary>
    public long Count => _starts[^1];

    /// <summary>Reads the store.</summary>
    public StoreReader Reader => _reader;

    /// <summary>What is kept in memory; the roots do not count against it.</summary>
    public MemoryBudget Budget => _budget;

    /// <summary>The columns of the metadata; null if there is none.</summary>
    public ArrowSchema? Metadata => _segments[0].Metadata?.Schema;

    /// <summary>The metadata column that has the ids; null if there are none.</summary>
    public string? IdColumn => _segments[0].Root.IdColumn;

    /// <summary>Opens the segments that a manifest names, their roots in parallel.</summary>
    /// <param name="reader">Reads the store; disposed with the segments, or if they cannot be opened.</param>
    /// <param name="index">The index's name.</param>
    /// <param name="manifest">The version.</param>
    /// <param name="memoryBudget">Bytes that may be kept in memory besides the roots.</param>
    /// <param name="memoryMap">Map the files instead of reading them.</param>
    /// <param name="scope">What opens them.</param>
    /// <param name="cancellationToken">Cancels the opening.</param>
    public static async ValueTask<IndexSegments> OpenAsync(
        StoreReader reader, string index, Manifest manifest, long memoryBudget, bool memoryMap, ReadScope scope,
        CancellationToken cancellationToken)
    {
        var budget = new MemoryBudget(memoryBudget);
        var segments = new Segment[manifest.Segments.Count];
        var opening = new Task<Segment>[segments.Length];
        try
        {
            for (int i = 0; i < opening.Length; i++)
            {
                SegmentReference reference = manifest.Segments[i];
                opening[i] = Segment.OpenAsync(
                    reader, IndexKeys.Segment(index, reference.Id), reference, budget, memoryMap, scope, cancellationToken).AsTask();
            }

            for (int i = 0; i < opening.Length; i++)
                segments[i] = await opening[i].ConfigureAwait(false);
            foreach (Segment segment in segments)
            {
                CheckLike(segments[0], segment);
                budget.ByKind.Add(LayerKind.Root, segment.RootLength);
            }

            return new IndexSegments(segments, budget, reader);
        }
        catch
        {
            foreach (Task<Segment>? opened in opening)
            {
                if (opened is null)
                    continue;
                await ((Task)opened).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (opened.IsCompletedSuccessfully)
                    opened.Result.Dispose();
            }

            budget.Dispose();
            reader.Dispose();
            throw;
        }
    }

    /// <summary>The ordinal of a segment's first row.</summary>
    public long Start(int segment) => _starts[segment];

    /// <summary>Where a vector is.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such vector.</exception>
    public (int Segment, int Row) Locate(long ordinal)
    {
        if (ordinal < 0 || ordinal >= Count)
            throw new ArgumentOutOfRangeException(nameof(ordinal), ordinal, $"The index has {Count} vectors.");
        int found = Array.BinarySearch(_starts, ordinal);
        int segment = found < 0 ? ~found - 1 : found; // no segment is empty: no two start at the same ordinal
        return (segment, (int)(ordinal - _starts[segment]));
    }

    /// <summary>The ordinal of the vector whose id has this key, or -1.</summary>
    public async ValueTask<long> FindAsync(UInt128 key, ReadScope scope, CancellationToken cancellationToken)
    {
        for (int i = 0; i < _segments.Length; i++)
        {
            int row = await _segments[i].Ids!.FindAsync(key, scope, cancellationToken).ConfigureAwait(false);
            if (row >= 0)
                return _starts[i] + row;
        }

        return -1;
    }

    public void Dispose()
    {
        foreach (Segment segment in _segments)
            segment.Dispose();
        _budget.Dispose();
        _reader.Dispose();
    }

    /// <summary>What searches take for granted of all segments.</summary>
    private static void CheckLike(Segment first, Segment segment)
    {
        SegmentDescription expected = first.Root.Description, actual = segment.Root.Description;
        if (actual.Dimensions != expected.Dimensions
            || actual.Metric != expected.Metric
            || segment.Root.IdColumn != first.Root.IdColumn
            || !ArrowSchema.AreEqual(segment.Metadata?.Schema, first.Metadata?.Schema))
            throw new CorruptDataException(segment.Keys.Root, 0, segment.RootLength, "not of the kind of the segments before");
    }
}

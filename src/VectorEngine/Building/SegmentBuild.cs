using System.Text;
using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Input;
using VectorEngine.Loading;
using VectorEngine.Numerics;
using VectorEngine.Quantization;
using VectorEngine.Storage;

namespace VectorEngine.Building;

/// <summary>
/// Builds one segment and writes its objects, the root last; publishing it is the caller's. Reads the input twice: first to check and
/// sample it, then to encode it.
/// </summary>
internal sealed class SegmentBuild(
    RetryingStore store, SegmentKeys keys, VectorSource source, VectorIndexOptions options, IndexSegments? appendedTo, BuildTracker tracker,
    CancellationToken cancellationToken)
{
    /// <summary>Up to this many vectors are searched exactly: 4,096 x 768 take about 1 ms on one core.</summary>
    public const int LargestFlat = 4096;

    /// <summary>Segments of an index, all of whose copies are as long as they can be, that have any.</summary>
    private const int CopiedSegments = 8;

    private readonly CopyingStore _copies = new(store.Inner, CopyLimit(options, appendedTo));
    private readonly long _memoryLimit = options.MemoryLimit ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4;
    private readonly ParallelOptions _parallel = new()
    {
        MaxDegreeOfParallelism = options.MaxDegreeOfParallelism,
        CancellationToken = cancellationToken,
    };

    /// <summary>Rows that were left out, once the segment is written.</summary>
    public SkippedRows Skipped { get; } = new();

    /// <summary>Clusters where the caller names no number.</summary>
    public static int DefaultClusterCount(long vectors) => (int)Math.Clamp(4 * Math.Sqrt(vectors), 1, vectors);

    /// <summary>Writes the objects.</summary>
    /// <returns>The bytes of the root, and the number of vectors.</returns>
    public async Task<(byte[] Root, long Count)> WriteAsync()
    {
        VectorsInPlace? inPlace = options.StoredVectors == StoredVectors.InPlace ? await FindInPlaceAsync().ConfigureAwait(false) : null;
        if (inPlace is not null)
            options = options with { StoredVectors = inPlace.Type };
        using var scratch = new ScratchFolder(options.ScratchFolder ?? Path.GetTempPath());
        (InputSurvey survey, InputSummary input, VectorSource rereadable) = await SurveyAsync(scratch).ConfigureAwait(false);
        using InputSurvey surveyed = survey;
        survey.Finish();
        if (inPlace is not null && inPlace.Rows.RowCount != input.Count)
            throw new InvalidInputException(source.Name, null, "its rows were others when they were read again");
        int clusters = ClusterCount(input.Count, input.Dimensions);
        if (clusters > input.Count)
            throw new InvalidInputException(source.Name, null, $"{input.Count} vectors cannot make {clusters} clusters");
        bool flat = (options.ClusterCount is null && input.Count <= LargestFlat) || input.Dimensions < CodeLayout.MinDimensions;
        var coding = new RowCoding(options.Metric, options.StoredVectors, input.Dimensions);
        IvfBuild? lists = null;
        try
        {
            if (!flat)
            {
                tracker.Start(BuildPhase.Training);
                lists = IvfBuild.Train(options, coding, survey, clusters, input, _memoryLimit, scratch, tracker, _parallel);
                survey.Dispose(); // the sample is not needed any more
            }

            var root = new ContainerWriter();
            using IdAccumulator? ids = options.IdColumn is null ? null : new IdAccumulator(scratch, input.Count, _memoryLimit);
            SegmentDescription description = await EncodeAsync(
                rereadable, input, survey, inPlace, lists, ids, root).ConfigureAwait(false);
            if (ids is not null)
                await WriteIdsAsync(ids, rereadable, input, root).ConfigureAwait(false);
            if (lists is not null)
            {
                tracker.Start(BuildPhase.Writing, input.Count);
                description = await lists.WriteAsync(Copied, keys, description, root, tracker, cancellationToken).ConfigureAwait(false);
            }

            tracker.Start(BuildPhase.Publishing);
            root.Add(SectionKind.Description, description.ToBytes());
            if (inPlace is null && _copies.TryGetCopies(keys.BesideRoot) is { } copies)
                root.Add(SectionKind.Copies, ObjectCopies.ToBytes(copies));
            byte[] bytes = root.ToBytes(ObjectKind.Root);
            await store.WriteAsync(keys.Root, bytes, WriteCondition.Absent, cancellationToken).ConfigureAwait(false);
            return (bytes, input.Count);
        }
        finally
        {
            lists?.Dispose();
        }
    }

    /// <summary>Where everything is written but the root, which may have copies of it.</summary>
    private RetryingStore Copied => new(_copies);

    /// <summary>Opening an index reads the roots of all segments: many small ones must not make it long.</summary>
    private static long CopyLimit(VectorIndexOptions options, IndexSegments? before)
    {
        long copied = before?.Items.Sum(segment => segment.Root.Copies.Sum(copy => (long)copy.Length)) ?? 0;
        return Math.Min(options.CopyLimit, (CopiedSegments * options.CopyLimit) - copied);
    }

    private async Task<VectorsInPlace> FindInPlaceAsync()
    {
        VectorsInPlace found = await source.FindInPlaceAsync(store.Inner, cancellationToken).ConfigureAwait(false);
        string segments = keys.Prefix[..(keys.Prefix.LastIndexOf('/') + 1)];
        return found.Key.StartsWith(segments, StringComparison.Ordinal)
            ? throw new ArgumentException($"'{found.Key}' is an object of the index itself, which will delete it.")
            : found;
    }

    /// <summary>The first pass.</summary>
    private async Task<(InputSurvey Survey, InputSummary Input, VectorSource Rereadable)> SurveyAsync(ScratchFolder scratch)
    {
        long? count = await source.CountAsync(cancellationToken).ConfigureAwait(false);
        tracker.Start(BuildPhase.Reading, count);
        using RowSpool? spool = source.CanReread ? null : new RowSpool(scratch);
        InputSurvey? survey = null;
        var reader = new InputReader(source, options, Skipped, _parallel);
        try
        {
            InputSummary input = await reader.ReadAsync(async chunk =>
            {
                if (survey is null)
                {
                    CheckFit(chunk.Rows.Dimensions, chunk.Metadata?.Schema);
                    survey = CreateSurvey(chunk.Rows.Dimensions, count);
                }

                survey.Add(chunk);
                if (spool is not null)
                    await spool.WriteAsync(chunk, cancellationToken).ConfigureAwait(false);
                tracker.Advance(chunk.Count);
            }).ConfigureAwait(false);
            VectorSource rereadable = spool is null ? source : await spool.FinishAsync(cancellationToken).ConfigureAwait(false);
            return (survey!, input, rereadable);
        }
        catch
        {
            survey?.Dispose();
            throw;
        }
    }

    private InputSurvey CreateSurvey(int dimensions, long? count)
    {
        if (options.ClusterCount > Array.MaxLength / new CodeLayout(dimensions).PaddedDimensions)
            throw new NotSupportedException($"{options.ClusterCount} clusters of {dimensions} dimensions do not fit into memory at once.");
        // Where the count is unknown, as many as may be needed; what is too many goes once it is known.
        int most = MostSampled(dimensions), wanted = count is { } known
            ? Math.Min(most, IvfBuild.SampleSize(known, ClusterCount(Math.Max(1, known), dimensions)))
            : most;
        return new InputSurvey(
            new RowCoding(options.Metric, options.StoredVectors, dimensions), Math.Max(wanted, options.ClusterCount ?? 1),
            new SeededRandom(options.Seed ^ 1), _parallel);
    }

    /// <summary>A third of the memory is for the sample, on which the clustering works in place.</summary>
    private int MostSampled(int dimensions) => (int)Math.Min(_memoryLimit / 3 / sizeof(float), Array.MaxLength) / dimensions;

    private int ClusterCount(long vectors, int dimensions) =>
        options.ClusterCount ?? Math.Min(DefaultClusterCount(vectors), MostSampled(dimensions));

    /// <summary>The second pass: stores what is kept as given, and hands all rows to the lists.</summary>
    private async Task<SegmentDescription> EncodeAsync(
        VectorSource rereadable, InputSummary input, InputSurvey survey, VectorsInPlace? inPlace, IvfBuild? lists, IdAccumulator? ids,
        ContainerWriter root)
    {
        tracker.Start(BuildPhase.Encoding, input.Count);
        StoredVectors stored = lists is null && options.StoredVectors == StoredVectors.None ? StoredVectors.Float32 : options.StoredVectors;
        var kept = await StoredRows.CreateAsync(Copied, keys, stored, inPlace, input, cancellationToken).ConfigureAwait(false);
        await using (kept.ConfigureAwait(false))
        {
            await new InputReader(rereadable, options, new SkippedRows(), _parallel, input).ReadAsync(async chunk =>
            {
                await kept.WriteAsync(chunk, cancellationToken).ConfigureAwait(false);
                lists?.Add(chunk);
                ids?.Add(chunk.Metadata!.Column(options.IdColumn!));
                tracker.Advance(chunk.Count);
            }).ConfigureAwait(false);
            var description = new SegmentDescription
            {
                Kind = SegmentKind.Flat,
                Metric = options.Metric,
                Dimensions = input.Dimensions,
                StoredVectors = stored,
                Count = (int)input.Count,
                CommonLength = survey.CommonLength,
            };
            return await kept.CommitAsync(description, root, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Checks that rows are of the kind that the options and the index speak of.</summary>
    private void CheckFit(int dimensions, ArrowSchema? schema)
    {
        if (options.IdColumn is { } column && (schema is null || schema.IndexOf(column) < 0 || !IdKey.IsSupported(schema[column].Type)))
            throw new ArgumentException($"The metadata has no column '{column}' of type int64 or utf8.");
        if (appendedTo is null)
            return;
        int expected = appendedTo.Items[0].Root.Description.Dimensions;
        if (dimensions != expected)
            throw new ArgumentException($"The vectors have {dimensions} dimensions, those of the index {expected}.");
        if (!ArrowSchema.AreEqual(schema, appendedTo.Metadata))
            throw new ArgumentException("The columns of the metadata are not those of the index.");
    }

    private async Task WriteIdsAsync(IdAccumulator ids, VectorSource rereadable, InputSummary input, ContainerWriter root)
    {
        if (await ids.TryWriteAsync(Copied, keys, appendedTo, cancellationToken).ConfigureAwait(false) is { } duplicate)
        {
            // Which id it is only the input can tell.
            string id = "";
            await new InputReader(rereadable, options, new SkippedRows(), _parallel, input).ReadAsync(chunk =>
            {
                if (duplicate.Row >= chunk.FirstOrdinal && duplicate.Row < chunk.FirstOrdinal + chunk.Count)
                    id = IdKey.Describe(chunk.Metadata!.Column(options.IdColumn!), (int)(duplicate.Row - chunk.FirstOrdinal));
                return Task.CompletedTask;
            }).ConfigureAwait(false);
            throw new DuplicateIdException(id, duplicate.Ordinal, duplicate.Row);
        }

        root.Add(SectionKind.IdColumn, Encoding.UTF8.GetBytes(options.IdColumn!));
    }
}

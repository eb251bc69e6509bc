using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using VectorEngine.Clustering;
using VectorEngine.Format;
using VectorEngine.Kernels;
using VectorEngine.Numerics;
using VectorEngine.Quantization;
using VectorEngine.Storage;

namespace VectorEngine.Building;

/// <summary>
/// The clustered part of a segment: train on the sample, then take all rows, assign, encode and spill them, then write the posting lists.
/// </summary>
internal sealed class IvfBuild : IDisposable
{
    private const int MaxFiles = 256, LargestGroup = 256 << 20;

    private readonly VectorIndexOptions _options;
    private readonly RowCoding _coding;
    private readonly CodeSpace _space;
    private readonly Centroids _centroids;
    private readonly PostingSpill _spill;
    private readonly int _groupBytes, _recordLength;
    private readonly ParallelOptions _parallel;
    private readonly ConcurrentBag<PostingEncoder> _encoders = [];
    private readonly RecallCalibration _calibration;
    private readonly ZoneMapBuilder? _zones;
    private float[] _rows = [];
    private int[] _labels = [];
    private byte[] _records = [];

    private IvfBuild(
        VectorIndexOptions options, RowCoding coding, CodeSpace space, Centroids centroids, RecallCalibration calibration,
        InputSummary input, long memoryLimit, ScratchFolder scratch, ParallelOptions parallel)
    {
        (_options, _coding, _space, _centroids, _calibration, _parallel) = (options, coding, space, centroids, calibration, parallel);
        _zones = input.Schema is null ? null : new ZoneMapBuilder(input.Schema, centroids.Count);
        long count = input.Count;
        _recordLength = new PostingRecord(space.Layout).Length;
        // Assembling a group takes twice its bytes; most of the memory is the runtime's, the chunks' and the centroids'.
        _groupBytes = (int)Math.Min(memoryLimit / 16, LargestGroup);
        int files = (int)Math.Clamp(((count * _recordLength) + _groupBytes - 1) / _groupBytes, 1, Math.Min(MaxFiles, centroids.Count));
        int[] fileOfCluster = new int[centroids.Count];
        for (int cluster = 0; cluster < fileOfCluster.Length; cluster++)
            fileOfCluster[cluster] = (int)((long)cluster * files / fileOfCluster.Length);
        _spill = new PostingSpill(scratch, _recordLength, fileOfCluster);
    }

    /// <summary>Rows to sample for the centroids and the recall curve, memory allowing.</summary>
    public static int SampleSize(long count, int clusters) => KMeans.SampleSize(count, clusters) + RecallCalibration.MaxQueries;

    /// <summary>Trains the centroids.</summary>
    public static IvfBuild Train(
        VectorIndexOptions options, RowCoding coding, InputSurvey survey, int clusters, InputSummary input, long memoryLimit,
        ScratchFolder scratch, BuildTracker tracker, ParallelOptions parallel)
    {
        CodeSpace space = CreateSpace(options, survey);
        int dimensions = coding.Dimensions, sampled = Math.Min(survey.SampleCount, SampleSize(input.Count, clusters));
        (Memory<float> sample, int[] ordinals) = survey.TakeSample(sampled);
        // The queries of the calibration are at the end, and not trained on, if there are enough others.
        int queries = Math.Min(RecallCalibration.MaxQueries, sampled);
        int rows = Math.Min(Math.Max(sampled - queries, clusters), KMeans.SampleSize(input.Count, clusters));
        var calibration = new RecallCalibration(
            ordinals.AsSpan(sampled - queries, queries), sample.Span[((sampled - queries) * dimensions)..].ToArray(), survey.Mean,
            options.Metric, (int)input.Count, parallel);
        float[] trained = KMeans.Train(
            sample[..(rows * dimensions)], dimensions, clusters, new SeededRandom(options.Seed), parallel, tracker.AdvanceTo);
        var centroids = new Centroids(trained, space, parallel);
        return new IvfBuild(options, coding, space, centroids, calibration, input, memoryLimit, scratch, parallel);
    }

    /// <summary>Assigns and encodes the next rows.</summary>
    public void Add(RowChunk chunk)
    {
        int dimensions = _coding.Dimensions;
        if (_labels.Length < chunk.Count)
        {
            _rows = new float[chunk.Count * dimensions];
            _labels = new int[chunk.Count];
            _records = new byte[chunk.Count * _recordLength];
        }

        int blocks = (chunk.Count + PostingEncoder.BlockRows - 1) / PostingEncoder.BlockRows;
        ParallelLoop.Run(blocks, _parallel, block =>
        {
            int start = block * PostingEncoder.BlockRows, rows = Math.Min(PostingEncoder.BlockRows, chunk.Count - start);
            if (!_encoders.TryTake(out PostingEncoder? encoder))
                encoder = new PostingEncoder(_coding, _space, _centroids);
            var action = new EncodeRows
            {
                Encoder = encoder,
                Chunk = chunk,
                Start = start,
                Rows = _rows.AsSpan(start * dimensions, rows * dimensions),
                Labels = _labels.AsSpan(start, rows),
                Records = _records.AsSpan(start * _recordLength, rows * _recordLength),
            };
            KernelDispatch.Run(ref action);
            _encoders.Add(encoder);
        });
        _spill.Append(_records.AsSpan(0, chunk.Count * _recordLength));
        _calibration.Observe(chunk.FirstOrdinal, _rows.AsMemory(0, chunk.Count * dimensions), _labels.AsMemory(0, chunk.Count));
        _zones?.Observe(_labels.AsSpan(0, chunk.Count), chunk.Metadata!);
    }

    /// <summary>Writes both layers and adds their sections to the root.</summary>
    /// <returns>The description with what the lists contribute.</returns>
    public async Task<SegmentDescription> WriteAsync(
        RetryingStore store, SegmentKeys keys, SegmentDescription description, ContainerWriter root, BuildTracker tracker,
        CancellationToken cancellationToken)
    {
        var plan = new ListPlan(_space.Layout, _spill.Counts);
        var writer = new ListWriter(_spill, _centroids, _space.Layout, plan, _groupBytes, _parallel);
        ListTable lists = await writer.WriteAsync(store, keys, tracker.Advance, cancellationToken).ConfigureAwait(false);
        var directory = new EncodeDirectory
        {
            Encoder = new DirectoryEncoder(_space),
            Centroids = _centroids,
            Lists = plan.Clusters,
            Spreads = writer.Spreads,
            RankBySpread = _options.Metric == Metric.InnerProduct && description.CommonLength > 0,
        };
        KernelDispatch.Run(ref directory);
        root.Add(SectionKind.Mean, MemoryMarshal.AsBytes(_space.Transform.Mean.Span).ToArray());
        root.Add(SectionKind.RotationSigns, _space.Transform.Signs);
        root.Add(SectionKind.DirectorySign, directory.Result.Sign);
        root.Add(SectionKind.DirectoryEx, directory.Result.Ex);
        root.Add(SectionKind.ListTable, lists.ToBytes());
        RecallCurve recall = _calibration.Finish(_centroids.Trained, plan, writer.Spreads, description.CommonLength);
        root.Add(SectionKind.RecallCurve, recall.ToBytes());
        root.Add(SectionKind.Spreads, MemoryMarshal.AsBytes<float>(Array.ConvertAll(writer.Spreads, spread => (float)spread)).ToArray());
        if (_zones is not null)
        {
            (byte[] content, ZoneTable table) = _zones.Finish(plan, _spill.Counts);
            root.Add(SectionKind.ZoneTable, table.ToBytes());
            await store.WriteAsync(keys.Zones, content, WriteCondition.Absent, cancellationToken).ConfigureAwait(false);
        }

        return description with
        {
            Kind = SegmentKind.Ivf,
            ListCount = lists.ListCount,
            CentroidScale = _space.Transform.CentroidScale,
            SignLength = lists.SignLength,
            ExLength = lists.ExLength,
        };
    }

    public void Dispose() => _spill.Dispose();

    private static CodeSpace CreateSpace(VectorIndexOptions options, InputSurvey survey)
    {
        var layout = new CodeLayout(survey.Mean.Length);
        // A power of two near 1 / (standard deviation of a dimension), so that float16 neither overflows nor loses digits.
        double deviation = Math.Sqrt(survey.Variance / layout.PaddedDimensions);
        float scale = deviation > 0 ? (float)Math.ScaleB(1, Math.Clamp(-Math.ILogB(deviation), -100, 100)) : 1;
        // The clustering draws from the seed itself, the rotation from another stream.
        Rotation rotation = Rotation.Create(layout.PaddedDimensions, new SeededRandom(~options.Seed));
        return new CodeSpace(options.Metric, new VectorTransform(survey.Mean, rotation, scale));
    }

    private ref struct EncodeRows : IKernelAction
    {
        public PostingEncoder Encoder;
        public RowChunk Chunk;
        public int Start;
        public Span<float> Rows;
        public Span<int> Labels;
        public Span<byte> Records;

        public readonly void Run<K>() where K : struct, IKernels => Encoder.Encode<K>(Chunk, Start, Rows, Labels, Records);
    }

    private struct EncodeDirectory : IKernelAction
    {
        public DirectoryEncoder Encoder;
        public Centroids Centroids;
        public int[] Lists;
        public double[] Spreads;
        public bool RankBySpread;
        public (byte[] Sign, byte[] Ex) Result;

        public void Run<K>() where K : struct, IKernels => Result = Encoder.Encode<K>(Centroids, Lists, Spreads, RankBySpread);
    }
}

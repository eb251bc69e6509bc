using System.Runtime.InteropServices;
using VectorEngine.Arrow;
using VectorEngine.Clustering;
using VectorEngine.Format;
using VectorEngine.Kernels;
using VectorEngine.Numerics;
using VectorEngine.Quantization;
using VectorEngine.Storage;

namespace VectorEngine.Building;

/// <summary>Clusters, encodes and writes the posting lists of a segment.</summary>
internal sealed class IvfBuild(
    VectorSource source, VectorIndexOptions options, int clusters, RecordBatch? metadata, ParallelOptions parallel,
    Action<BuildPhase, double> onProgress)
{
    /// <summary>Rows handed to the calibration at a time.</summary>
    private const int CalibrationRows = 4096;

    /// <summary>Writes both layers and adds their sections to the root.</summary>
    /// <returns>The description with what the lists contribute.</returns>
    public async Task<SegmentDescription> WriteAsync(
        IObjectStore store, SegmentKeys keys, SegmentDescription description, float[] mean, double variance, ContainerWriter root,
        CancellationToken cancellationToken)
    {
        CodeSpace space = CreateSpace(mean, variance);
        (float[] centroids, int[] sample) = await Task.Run(() => Train(mean), cancellationToken).ConfigureAwait(false);
        int[] labels = await Task.Run(() => Assign(centroids, mean), cancellationToken).ConfigureAwait(false);
        RecallCalibration calibration = await Task.Run(() => Calibrate(sample, labels, mean), cancellationToken).ConfigureAwait(false);
        int[] members = KMeans.GroupByLabel(labels, clusters, out int[] offsets);
        var grouped = new Clusters(RotateCentroids(space, centroids), members, offsets);
        var writer = new ListWriter(source, space, grouped, parallel);
        ListTable lists = await writer.WriteAsync(
            store, keys, fraction => onProgress(BuildPhase.Encoding, fraction), cancellationToken).ConfigureAwait(false);

        var directory = new EncodeDirectory
        {
            Space = space,
            Centroids = grouped.Centroids,
            Spreads = writer.Spreads,
            RankBySpread = options.Metric == Metric.InnerProduct && description.CommonLength > 0,
        };
        KernelDispatch.Run(ref directory);
        root.Add(SectionKind.Mean, MemoryMarshal.AsBytes<float>(mean).ToArray());
        root.Add(SectionKind.RotationSigns, space.Transform.Signs);
        root.Add(SectionKind.DirectorySign, directory.Result.Sign);
        root.Add(SectionKind.DirectoryEx, directory.Result.Ex);
        root.Add(SectionKind.ListTable, lists.ToBytes());
        root.Add(SectionKind.RecallCurve, calibration.Finish(centroids, writer.Spreads, description.CommonLength).ToBytes());
        float[] spreads = Array.ConvertAll(writer.Spreads, spread => (float)spread);
        root.Add(SectionKind.Spreads, MemoryMarshal.AsBytes<float>(spreads).ToArray());
        if (metadata is not null)
            await WriteZonesAsync(store, keys, metadata, labels, root, cancellationToken).ConfigureAwait(false);
        return description with
        {
            Kind = SegmentKind.Ivf,
            ListCount = clusters,
            CentroidScale = space.Transform.CentroidScale,
            SignLength = lists.SignLength,
            ExLength = lists.ExLength,
        };
    }

    private async Task WriteZonesAsync(
        IObjectStore store, SegmentKeys keys, RecordBatch rows, int[] labels, ContainerWriter root, CancellationToken cancellationToken)
    {
        var zones = new ZoneMapBuilder(rows.Schema, clusters);
        zones.Observe(labels, rows);
        (byte[] content, ZoneTable table) = zones.Finish();
        root.Add(SectionKind.ZoneTable, table.ToBytes());
        await store.WriteAsync(keys.Zones, content, WriteCondition.Absent, cancellationToken).ConfigureAwait(false);
    }

    private RecallCalibration Calibrate(int[] trainedOn, int[] labels, float[] mean)
    {
        // The clustering and the rotation draw from streams of their own.
        int[] queries = RecallCalibration.ChooseQueries(source.Count, trainedOn, options.Seed + 1);
        var calibration = new RecallCalibration(
            queries, source.Gather(queries, mean, parallel), mean, options.Metric, source.Count, parallel);
        int[] rows = new int[CalibrationRows];
        for (int start = 0; start < source.Count; start += CalibrationRows)
        {
            int count = Math.Min(CalibrationRows, source.Count - start);
            for (int i = 0; i < count; i++)
                rows[i] = start + i;
            calibration.Observe(start, source.Gather(rows.AsMemory(0, count), mean, parallel), labels.AsMemory(start, count));
        }

        return calibration;
    }

    private CodeSpace CreateSpace(float[] mean, double variance)
    {
        var layout = new CodeLayout(source.Dimensions);
        // A power of two near 1 / (standard deviation of a dimension), so that float16 neither overflows nor loses digits.
        double deviation = Math.Sqrt(variance / layout.PaddedDimensions);
        float scale = deviation > 0 ? (float)Math.ScaleB(1, Math.Clamp(-Math.ILogB(deviation), -100, 100)) : 1;
        // The clustering draws from the seed itself, the rotation from another stream.
        Rotation rotation = Rotation.Create(layout.PaddedDimensions, new SeededRandom(~options.Seed));
        return new CodeSpace(options.Metric, new VectorTransform(mean, rotation, scale));
    }

    /// <summary>Centroids less the mean, and the rows that they were trained on.</summary>
    private (float[] Centroids, int[] Sample) Train(float[] mean)
    {
        onProgress(BuildPhase.Training, 0);
        var random = new SeededRandom(options.Seed);
        int[] sample = random.Sample(source.Count, KMeans.SampleSize(source.Count, clusters));
        float[] centroids = KMeans.Train(
            source.Gather(sample, mean, parallel), source.Dimensions, clusters, random, parallel,
            fraction => onProgress(BuildPhase.Training, fraction));
        onProgress(BuildPhase.Training, 1);
        return (centroids, sample);
    }

    private int[] Assign(float[] centroids, float[] mean)
    {
        onProgress(BuildPhase.Assigning, 0);
        var nearest = new NearestCentroid(centroids, source.Dimensions);
        int[] labels = new int[source.Count];
        int done = 0;
        VectorSource.ForBlocks(source.Count, parallel, (start, count) =>
        {
            var action = new AssignRows
            {
                Source = source,
                Mean = mean,
                Nearest = nearest,
                Start = start,
                Labels = labels.AsSpan(start, count),
            };
            KernelDispatch.Run(ref action);
            onProgress(BuildPhase.Assigning, Interlocked.Add(ref done, count) / (double)source.Count);
        });
        return labels;
    }

    private static Half[] RotateCentroids(CodeSpace space, float[] centroids)
    {
        int count = centroids.Length / space.Layout.Dimensions;
        var action = new RotateRows { Space = space, Centroids = centroids, Result = new Half[count * space.Layout.PaddedDimensions] };
        KernelDispatch.Run(ref action);
        return action.Result;
    }

    private ref struct AssignRows : IKernelAction
    {
        public VectorSource Source;
        public float[] Mean;
        public NearestCentroid Nearest;
        public int Start;
        public Span<int> Labels;

        public readonly void Run<K>() where K : struct, IKernels
        {
            float[] rows = new float[NearestCentroid.BlockRows * Source.Dimensions];
            for (int first = 0; first < Labels.Length; first += NearestCentroid.BlockRows)
            {
                int count = Math.Min(NearestCentroid.BlockRows, Labels.Length - first);
                for (int i = 0; i < count; i++)
                    Source.ReadCentred<K>(Start + first + i, Mean, rows.AsSpan(i * Source.Dimensions, Source.Dimensions));
                Nearest.Assign<K>(rows.AsSpan(0, count * Source.Dimensions), Labels.Slice(first, count));
            }
        }
    }

    private struct RotateRows : IKernelAction
    {
        public CodeSpace Space;
        public float[] Centroids;
        public Half[] Result;

        public readonly void Run<K>() where K : struct, IKernels
        {
            int dimensions = Space.Layout.Dimensions, padded = Space.Layout.PaddedDimensions;
            float[] rotated = new float[padded];
            for (int c = 0; c < Centroids.Length / dimensions; c++)
            {
                Space.Transform.Rotate<K>(Centroids.AsSpan(c * dimensions, dimensions), rotated);
                for (int i = 0; i < padded; i++)
                    Result[(c * padded) + i] = (Half)Math.Clamp(rotated[i] * Space.Transform.CentroidScale, -65504f, 65504f);
            }
        }
    }

    private struct EncodeDirectory : IKernelAction
    {
        public CodeSpace Space;
        public Half[] Centroids;
        public double[] Spreads;
        public bool RankBySpread;
        public EncodedList Result;

        public void Run<K>()
            where K : struct, IKernels => Result = new ListEncoder(Space).EncodeDirectory<K>(Centroids, Spreads, RankBySpread);
    }
}

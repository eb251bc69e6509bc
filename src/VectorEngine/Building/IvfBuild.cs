using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using VectorEngine.Clustering;
using VectorEngine.Format;
using VectorEngine.Kernels;
using VectorEngine.Numerics;
using VectorEngine.Quantization;
using VectorEngine.Storage;

namespace VectorEngine.Building;

/// <summary>Clusters, encodes and writes the posting lists of a segment.</summary>
internal sealed class IvfBuild(VectorSource source, VectorIndexOptions options, int clusters, ParallelOptions parallel, Action<BuildPhase, double> onProgress)
{
    /// <summary>Lists encoded at a time; they are held in memory until they are written.</summary>
    private const int BatchLists = 64;

    /// <summary>Writes both layers and adds their sections to the root.</summary>
    /// <returns>The description with what the lists contribute.</returns>
    public async Task<SegmentDescription> WriteAsync(
        IObjectStore store, SegmentKeys keys, SegmentDescription description, float[] mean, double variance, ContainerWriter root, CancellationToken cancellationToken)
    {
        CodeSpace space = CreateSpace(mean, variance);
        float[] centroids = await Task.Run(() => Train(mean), cancellationToken).ConfigureAwait(false);
        int[] labels = await Task.Run(() => Assign(centroids, mean), cancellationToken).ConfigureAwait(false);
        int[] members = KMeans.GroupByLabel(labels, clusters, out int[] offsets);
        Half[] stored = RotateCentroids(space, centroids);
        onProgress(BuildPhase.Encoding, 0);
        double[] spreads = new double[clusters];
        ListTable lists = await WriteListsAsync(store, keys, space, stored, members, offsets, spreads, cancellationToken).ConfigureAwait(false);

        var directory = new EncodeDirectory { Space = space, Centroids = stored, Spreads = spreads, RankBySpread = options.Metric == Metric.InnerProduct && description.CommonLength > 0 };
        KernelDispatch.Run(ref directory);
        root.Add(SectionKind.Mean, MemoryMarshal.AsBytes<float>(mean).ToArray());
        root.Add(SectionKind.RotationSigns, space.Transform.Signs);
        root.Add(SectionKind.DirectorySign, directory.Result.Sign);
        root.Add(SectionKind.DirectoryEx, directory.Result.Ex);
        root.Add(SectionKind.ListTable, lists.ToBytes());
        return description with
        {
            Kind = SegmentKind.Ivf,
            ListCount = clusters,
            CentroidScale = space.Transform.CentroidScale,
            SignLength = lists.SignLength,
            ExLength = lists.ExLength,
        };
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

    /// <summary>Centroids less the mean.</summary>
    private float[] Train(float[] mean)
    {
        onProgress(BuildPhase.Training, 0);
        var random = new SeededRandom(options.Seed);
        int[] sample = random.Sample(source.Count, KMeans.SampleSize(source.Count, clusters));
        float[] centroids = KMeans.Train(
            source.Gather(sample, mean, parallel), source.Dimensions, clusters, random, parallel, fraction => onProgress(BuildPhase.Training, fraction));
        onProgress(BuildPhase.Training, 1);
        return centroids;
    }

    private int[] Assign(float[] centroids, float[] mean)
    {
        onProgress(BuildPhase.Assigning, 0);
        var nearest = new NearestCentroid(centroids, source.Dimensions);
        int[] labels = new int[source.Count];
        int done = 0;
        VectorSource.ForBlocks(source.Count, parallel, (start, count) =>
        {
            var action = new AssignRows { Source = source, Mean = mean, Nearest = nearest, Start = start, Labels = labels.AsSpan(start, count) };
            KernelDispatch.Run(ref action);
            onProgress(BuildPhase.Assigning, Interlocked.Add(ref done, count) / (double)source.Count);
        });
        return labels;
    }

    private static Half[] RotateCentroids(CodeSpace space, float[] centroids)
    {
        var action = new RotateRows { Space = space, Centroids = centroids, Result = new Half[centroids.Length / space.Layout.Dimensions * space.Layout.PaddedDimensions] };
        KernelDispatch.Run(ref action);
        return action.Result;
    }

    private async Task<ListTable> WriteListsAsync(
        IObjectStore store, SegmentKeys keys, CodeSpace space, Half[] centroids, int[] members, int[] offsets, double[] spreads, CancellationToken cancellationToken)
    {
        int[] counts = new int[clusters];
        for (int list = 0; list < clusters; list++)
            counts[list] = offsets[list + 1] - offsets[list];
        uint[] signChecksums = new uint[clusters], exChecksums = new uint[clusters];
        var table = new ListTable(space.Layout, counts, signChecksums, exChecksums);
        ObjectWriter sign = await store.CreateAsync(keys.Sign, cancellationToken).ConfigureAwait(false);
        await using (sign.ConfigureAwait(false))
        {
            ObjectWriter ex = await store.CreateAsync(keys.Ex, cancellationToken).ConfigureAwait(false);
            await using (ex.ConfigureAwait(false))
            {
                await sign.WriteAsync(ObjectHeader.Create(ObjectKind.Sign, table.SignLength), cancellationToken).ConfigureAwait(false);
                await ex.WriteAsync(ObjectHeader.Create(ObjectKind.Ex, table.ExLength), cancellationToken).ConfigureAwait(false);
                var encoders = new ConcurrentBag<ListEncoder>();
                var batch = new EncodedList[BatchLists];
                for (int first = 0; first < clusters; first += BatchLists)
                {
                    int count = Math.Min(BatchLists, clusters - first);
                    await Task.Run(() => EncodeBatch(first, count), cancellationToken).ConfigureAwait(false);
                    for (int i = 0; i < count; i++)
                    {
                        signChecksums[first + i] = Crc32C.Compute(batch[i].Sign);
                        exChecksums[first + i] = Crc32C.Compute(batch[i].Ex);
                        spreads[first + i] = batch[i].Spread;
                        await sign.WriteAsync(batch[i].Sign, cancellationToken).ConfigureAwait(false);
                        await ex.WriteAsync(batch[i].Ex, cancellationToken).ConfigureAwait(false);
                    }

                    onProgress(BuildPhase.Encoding, offsets[first + count] / (double)source.Count);
                }

                await ex.WriteAsync(new byte[ListTable.ExPadding], cancellationToken).ConfigureAwait(false);
                await sign.CommitAsync(cancellationToken).ConfigureAwait(false);
                await ex.CommitAsync(cancellationToken).ConfigureAwait(false);

                void EncodeBatch(int first, int count) => ParallelLoop.Run(count, parallel, i =>
                {
                    if (!encoders.TryTake(out ListEncoder? encoder))
                        encoder = new ListEncoder(space);
                    int list = first + i, padded = space.Layout.PaddedDimensions;
                    var action = new EncodeList
                    {
                        Source = source,
                        Encoder = encoder,
                        Members = members.AsSpan(offsets[list], counts[list]),
                        Centroid = centroids.AsSpan(list * padded, padded),
                    };
                    KernelDispatch.Run(ref action);
                    batch[i] = action.Result;
                    encoders.Add(encoder);
                });
            }
        }

        return table;
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

    private ref struct EncodeList : IKernelAction
    {
        public VectorSource Source;
        public ListEncoder Encoder;
        public ReadOnlySpan<int> Members;
        public ReadOnlySpan<Half> Centroid;
        public EncodedList Result;

        public void Run<K>() where K : struct, IKernels => Result = Encoder.Encode<K>(Source, Members, Centroid);
    }

    private struct EncodeDirectory : IKernelAction
    {
        public CodeSpace Space;
        public Half[] Centroids;
        public double[] Spreads;
        public bool RankBySpread;
        public EncodedList Result;

        public void Run<K>() where K : struct, IKernels => Result = new ListEncoder(Space).EncodeDirectory<K>(Centroids, Spreads, RankBySpread);
    }
}

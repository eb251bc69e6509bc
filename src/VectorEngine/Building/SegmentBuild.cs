using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Quantization;
using VectorEngine.Storage;

namespace VectorEngine.Building;

/// <summary>Builds one segment from vectors in memory and writes its objects; publishing it is the caller's.</summary>
internal static class SegmentBuild
{
    /// <summary>Up to this many vectors are searched exactly: 4,096 x 768 take about 1 ms on one core.</summary>
    public const int LargestFlat = 4096;

    /// <summary>Clusters where the caller names no number.</summary>
    public static int DefaultClusterCount(int vectors) => (int)Math.Clamp(4 * Math.Sqrt(vectors), 1, vectors);

    /// <summary>Writes the objects of a segment, the root last.</summary>
    /// <returns>The bytes of the root.</returns>
    public static async Task<byte[]> WriteAsync(
        IObjectStore store, SegmentKeys keys, VectorMatrix vectors, VectorIndexOptions options, RecordBatch? metadata,
        Action<BuildPhase, double> onProgress, CancellationToken cancellationToken)
    {
        var parallel = new ParallelOptions
        {
            MaxDegreeOfParallelism = options.MaxDegreeOfParallelism,
            CancellationToken = cancellationToken,
        };
        bool flat = (options.ClusterCount is null && vectors.Count <= LargestFlat) || vectors.Dimensions < CodeLayout.MinDimensions;
        StoredVectors stored = flat && options.StoredVectors == StoredVectors.None ? StoredVectors.Float32 : options.StoredVectors;
        var source = new VectorSource(vectors, options.Metric, stored);
        onProgress(BuildPhase.Checking, 0);
        (float[] mean, double variance, float commonLength) = await Task.Run(
            () => source.Check(parallel), cancellationToken).ConfigureAwait(false);

        onProgress(BuildPhase.Checking, 1);
        var root = new ContainerWriter();
        var description = new SegmentDescription
        {
            Kind = SegmentKind.Flat,
            Metric = options.Metric,
            Dimensions = vectors.Dimensions,
            StoredVectors = stored,
            Count = vectors.Count,
            CommonLength = commonLength,
        };
        onProgress(BuildPhase.Storing, 0);
        if (stored != StoredVectors.None)
        {
            (RowStride rows, long length, long checksumsLength) = await StoredObjects.WriteVectorsAsync(
                store, keys, vectors, stored, fraction => onProgress(BuildPhase.Storing, fraction),
                cancellationToken).ConfigureAwait(false);
            root.Add(SectionKind.VectorBatches, VectorBatches.ToBytes(rows));
            description = description with { VectorsLength = length, ChecksumsLength = checksumsLength };
        }

        if (metadata is not null)
        {
            long length = await StoredObjects.WriteMetadataAsync(store, keys, metadata, root, cancellationToken).ConfigureAwait(false);
            description = description with { MetadataLength = length };
        }

        onProgress(BuildPhase.Storing, 1);
        if (!flat)
        {
            var build = new IvfBuild(
                source, options, options.ClusterCount ?? DefaultClusterCount(vectors.Count), metadata, parallel, onProgress);
            description = await build.WriteAsync(store, keys, description, mean, variance, root, cancellationToken).ConfigureAwait(false);
        }

        onProgress(BuildPhase.Publishing, 0);
        root.Add(SectionKind.Description, description.ToBytes());
        byte[] bytes = root.ToBytes(ObjectKind.Root);
        await store.WriteAsync(keys.Root, bytes, WriteCondition.Absent, cancellationToken).ConfigureAwait(false);
        return bytes;
    }
}

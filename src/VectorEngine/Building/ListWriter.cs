using System.Collections.Concurrent;
using VectorEngine.Format;
using VectorEngine.Kernels;
using VectorEngine.Numerics;
using VectorEngine.Quantization;
using VectorEngine.Storage;

namespace VectorEngine.Building;

/// <summary>Vectors grouped by cluster.</summary>
/// <param name="Centroids">As they are stored: rotated, scaled, rounded; one after the other.</param>
/// <param name="Members">Rows ordered by cluster, ascending within each.</param>
/// <param name="Offsets">Where each cluster's rows start, and their number at the end.</param>
internal sealed record Clusters(Half[] Centroids, int[] Members, int[] Offsets)
{
    public int Count => Offsets.Length - 1;

    public ReadOnlySpan<int> MembersOf(int cluster) => Members.AsSpan(Offsets[cluster]..Offsets[cluster + 1]);

    public ReadOnlySpan<Half> CentroidOf(int cluster) => Centroids.AsSpan(Centroids.Length / Count * cluster, Centroids.Length / Count);
}

/// <summary>Encodes posting lists in parallel and writes both layers in order.</summary>
internal sealed class ListWriter(VectorSource source, CodeSpace space, Clusters clusters, ParallelOptions parallel)
{
    /// <summary>Lists encoded at a time; they are held in memory until they are written.</summary>
    private const int BatchLists = 64;

    private readonly ConcurrentBag<ListEncoder> _encoders = [];
    private readonly EncodedList[] _batch = new EncodedList[BatchLists];
    private readonly uint[] _signChecksums = new uint[clusters.Count], _exChecksums = new uint[clusters.Count];

    /// <summary>The spread of each list, once it is written.</summary>
    public double[] Spreads { get; } = new double[clusters.Count];

    /// <summary>Writes both objects.</summary>
    /// <returns>Where the lists lie.</returns>
    public async Task<ListTable> WriteAsync(
        IObjectStore store, SegmentKeys keys, Action<double> onProgress, CancellationToken cancellationToken)
    {
        onProgress(0);
        int[] counts = new int[clusters.Count];
        for (int list = 0; list < counts.Length; list++)
            counts[list] = clusters.MembersOf(list).Length;
        var table = new ListTable(space.Layout, counts, _signChecksums, _exChecksums);
        ObjectWriter sign = await store.CreateAsync(keys.Sign, cancellationToken).ConfigureAwait(false);
        await using (sign.ConfigureAwait(false))
        {
            ObjectWriter ex = await store.CreateAsync(keys.Ex, cancellationToken).ConfigureAwait(false);
            await using (ex.ConfigureAwait(false))
            {
                await sign.WriteAsync(ObjectHeader.Create(ObjectKind.Sign, table.SignLength), cancellationToken).ConfigureAwait(false);
                await ex.WriteAsync(ObjectHeader.Create(ObjectKind.Ex, table.ExLength), cancellationToken).ConfigureAwait(false);
                for (int first = 0; first < clusters.Count; first += BatchLists)
                {
                    await WriteBatchAsync(
                        sign, ex, first, Math.Min(BatchLists, clusters.Count - first), cancellationToken).ConfigureAwait(false);
                    onProgress(clusters.Offsets[Math.Min(clusters.Count, first + BatchLists)] / (double)source.Count);
                }

                await ex.WriteAsync(new byte[ListTable.ExPadding], cancellationToken).ConfigureAwait(false);
                await sign.CommitAsync(cancellationToken).ConfigureAwait(false);
                await ex.CommitAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        return table;
    }

    private async Task WriteBatchAsync(ObjectWriter sign, ObjectWriter ex, int first, int count, CancellationToken cancellationToken)
    {
        await Task.Run(
            () => ParallelLoop.Run(count, parallel, i => _batch[i] = Encode(first + i)), cancellationToken).ConfigureAwait(false);
        for (int i = 0; i < count; i++)
        {
            _signChecksums[first + i] = Crc32C.Compute(_batch[i].Sign);
            _exChecksums[first + i] = Crc32C.Compute(_batch[i].Ex);
            Spreads[first + i] = _batch[i].Spread;
            await sign.WriteAsync(_batch[i].Sign, cancellationToken).ConfigureAwait(false);
            await ex.WriteAsync(_batch[i].Ex, cancellationToken).ConfigureAwait(false);
        }
    }

    private EncodedList Encode(int list)
    {
        if (!_encoders.TryTake(out ListEncoder? encoder))
            encoder = new ListEncoder(space);
        var action = new EncodeList
        {
            Source = source,
            Encoder = encoder,
            Members = clusters.MembersOf(list),
            Centroid = clusters.CentroidOf(list),
        };
        KernelDispatch.Run(ref action);
        _encoders.Add(encoder);
        return action.Result;
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
}

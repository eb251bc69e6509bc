using System.Runtime.InteropServices;
using VectorEngine.Format;
using VectorEngine.Numerics;
using VectorEngine.Quantization;
using VectorEngine.Storage;

namespace VectorEngine.Building;

/// <summary>Assembles posting lists from scratch files and writes both layers in order.</summary>
/// <param name="spill">The postings.</param>
/// <param name="centroids">The centroids.</param>
/// <param name="layout">The layout of the lists.</param>
/// <param name="plan">Which postings make which list.</param>
/// <param name="groupBytes">Bytes of postings to hold at a time, where no list is longer.</param>
/// <param name="parallel">Degree of parallelism and cancellation.</param>
internal sealed class ListWriter(
    PostingSpill spill, Centroids centroids, CodeLayout layout, ListPlan plan, int groupBytes, ParallelOptions parallel)
{
    private readonly PostingRecord _record = new(layout);
    private readonly uint[] _signChecksums = new uint[plan.Counts.Length], _exChecksums = new uint[plan.Counts.Length];
    private byte[] _records = [], _sign = [], _ex = []; // those of a group, as long as the largest needs them

    /// <summary>The mean squared residual of each list, once it is written.</summary>
    public double[] Spreads { get; } = new double[plan.Counts.Length];

    /// <summary>Writes both objects.</summary>
    /// <returns>Where the lists lie.</returns>
    public async Task<ListTable> WriteAsync(
        RetryingStore store, SegmentKeys keys, Action<int> onWritten, CancellationToken cancellationToken)
    {
        var table = new ListTable(layout, plan.Counts, _signChecksums, _exChecksums);
        Allocate(table);
        ObjectWriter sign = await store.CreateAsync(keys.Sign, cancellationToken).ConfigureAwait(false);
        await using (sign.ConfigureAwait(false))
        {
            ObjectWriter ex = await store.CreateAsync(keys.Ex, cancellationToken).ConfigureAwait(false);
            await using (ex.ConfigureAwait(false))
            {
                await sign.WriteAsync(ObjectHeader.Create(ObjectKind.Sign, table.SignLength), cancellationToken).ConfigureAwait(false);
                await ex.WriteAsync(ObjectHeader.Create(ObjectKind.Ex, table.ExLength), cancellationToken).ConfigureAwait(false);
                for (int first = 0, end; first < plan.Counts.Length; first = end)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    end = EndOfGroup(first, out int postings);
                    ReadPostings(first, end);
                    Assemble(table, first, end);
                    (int signLength, int exLength) = Lengths(table, first, end);
                    await sign.WriteAsync(_sign.AsMemory(0, signLength), cancellationToken).ConfigureAwait(false);
                    await ex.WriteAsync(_ex.AsMemory(0, exLength), cancellationToken).ConfigureAwait(false);
                    onWritten(postings);
                }

                await ex.WriteAsync(new byte[ListTable.ExPadding], cancellationToken).ConfigureAwait(false);
                await sign.CommitAsync(cancellationToken).ConfigureAwait(false);
                await ex.CommitAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        return table;
    }

    /// <summary>The lists after <paramref name="first"/> that are held together with it: of the same file, and not too long.</summary>
    private int EndOfGroup(int first, out int postings)
    {
        int end = first;
        postings = 0;
        while (end < plan.Counts.Length
            && spill.Together(plan.Clusters[first], plan.Clusters[end])
            && (end == first || (postings + plan.Counts[end]) * (long)_record.Length <= groupBytes))
            postings += plan.Counts[end++];
        return end;
    }

    /// <summary>Reads the postings of the lists from <paramref name="first"/> on, list by list in the order of their ordinals.</summary>
    private void ReadPostings(int first, int end)
    {
        int firstCluster = plan.Clusters[first], lastCluster = plan.Clusters[end - 1];
        int[] seen = new int[lastCluster - firstCluster + 1], next = new int[end - first];
        for (int list = first + 1; list < end; list++)
            next[list - first] = next[list - first - 1] + plan.Counts[list - 1];
        spill.Visit(firstCluster, record =>
        {
            int cluster = PostingRecord.Cluster(record);
            if (cluster < firstCluster || cluster > lastCluster)
                return;
            int list = plan.ListOf(cluster, seen[cluster - firstCluster]++);
            if (list >= first && list < end)
                record.CopyTo(_records.AsSpan(next[list - first]++ * _record.Length));
        });
    }

    private void Assemble(ListTable table, int first, int end)
    {
        long signStart = table.Sign(first).Offset, exStart = table.Ex(first).Offset;
        int[] starts = new int[end - first];
        for (int list = first + 1; list < end; list++)
            starts[list - first] = starts[list - first - 1] + plan.Counts[list - 1];
        ParallelLoop.Run(end - first, parallel, i =>
        {
            int list = first + i;
            Extent sign = table.Sign(list), ex = table.Ex(list);
            Span<byte> signBytes = _sign.AsSpan((int)(sign.Offset - signStart), sign.Length);
            Span<byte> exBytes = _ex.AsSpan((int)(ex.Offset - exStart), ex.Length);
            Assemble(list, _records.AsSpan(starts[i] * _record.Length, plan.Counts[list] * _record.Length), signBytes, exBytes);
            _signChecksums[list] = Crc32C.Compute(signBytes);
            _exChecksums[list] = Crc32C.Compute(exBytes);
        });
    }

    private void Assemble(int list, ReadOnlySpan<byte> records, Span<byte> sign, Span<byte> ex)
    {
        sign.Clear();
        ex.Clear();
        MemoryMarshal.AsBytes(centroids.Stored(plan.Clusters[list])).CopyTo(sign);
        Span<byte> blocks = sign[layout.CentroidBytes..];
        double spread = 0;
        for (int posting = 0; posting < plan.Counts[list]; posting++)
        {
            ReadOnlySpan<byte> record = records.Slice(posting * _record.Length, _record.Length);
            Span<byte> block = blocks.Slice(posting / CodeLayout.BlockSize * layout.BlockBytes, layout.BlockBytes);
            _record.CopySign(record, block, posting % CodeLayout.BlockSize);
            _record.Ex(record).CopyTo(ex[(posting * layout.ExRecordBytes)..]);
            spread += PostingRecord.SquaredNorm(record);
        }

        Spreads[list] = spread / plan.Counts[list];
    }

    private void Allocate(ListTable table)
    {
        int records = 0, sign = 0, ex = 0;
        for (int first = 0, end; first < plan.Counts.Length; first = end)
        {
            end = EndOfGroup(first, out int postings);
            (int signLength, int exLength) = Lengths(table, first, end);
            (records, sign, ex) = (Math.Max(records, postings * _record.Length), Math.Max(sign, signLength), Math.Max(ex, exLength));
        }

        (_records, _sign, _ex) = (new byte[records], new byte[sign], new byte[ex]);
    }

    private static (int Sign, int Ex) Lengths(ListTable table, int first, int end) => (
        (int)(table.Sign(end - 1).End - table.Sign(first).Offset), (int)(table.Ex(end - 1).End - table.Ex(first).Offset));
}

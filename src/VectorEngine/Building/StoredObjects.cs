using System.Buffers.Binary;
using System.Runtime.InteropServices;
using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Storage;

namespace VectorEngine.Building;

/// <summary>Writes what a segment keeps as it was given: vectors and metadata.</summary>
internal static class StoredObjects
{
    /// <summary>Bytes of vectors per record batch; other readers of the file hold a batch in memory.</summary>
    private const int BatchBytes = 64 << 20;

    private const int MetadataBatchRows = 65536;

    /// <summary>Writes the vectors and their checksums.</summary>
    /// <returns>Where the rows lie, and the lengths of the two objects.</returns>
    public static async Task<(RowStride Rows, long VectorsLength, long ChecksumsLength)> WriteVectorsAsync(
        IObjectStore store, SegmentKeys keys, VectorMatrix vectors, StoredVectors type, Action<double> onProgress,
        CancellationToken cancellationToken)
    {
        bool half = type == StoredVectors.Float16;
        int rowBytes = vectors.Dimensions * (half ? 2 : 4);
        int rowsPerBatch = Math.Max(1, BatchBytes / rowBytes / VectorBatches.RowAlignment) * VectorBatches.RowAlignment;
        uint[] checksums = new uint[vectors.Count];
        ObjectWriter writer = await store.CreateAsync(keys.Vectors, cancellationToken).ConfigureAwait(false);
        await using (writer.ConfigureAwait(false))
        {
            ArrowType element = half ? ArrowType.Float16 : ArrowType.Float32;
            var file = new VectorFileWriter(
                "vector", ArrowType.FixedSizeList(element, vectors.Dimensions), vectors.Count, rowsPerBatch, writer.WriteAsync);
            byte[] block = new byte[VectorBatches.RowAlignment * rowBytes];
            for (int start = 0; start < vectors.Count; start += VectorBatches.RowAlignment)
            {
                int rows = Math.Min(VectorBatches.RowAlignment, vectors.Count - start);
                Memory<byte> bytes = block.AsMemory(0, rows * rowBytes);
                Convert(vectors.Slice(start, rows).Values.Span, bytes.Span, half);
                for (int row = 0; row < rows; row++)
                    checksums[start + row] = Crc32C.Compute(bytes.Span.Slice(row * rowBytes, rowBytes));
                await file.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
                onProgress((start + rows) / (double)vectors.Count);
            }

            (ArrowFileSummary summary, RowStride stride) = await file.FinishAsync(cancellationToken).ConfigureAwait(false);
            await writer.CommitAsync(cancellationToken).ConfigureAwait(false);
            byte[] pages = RowChecksums.ToBytes(checksums);
            await store.WriteAsync(keys.Checksums, pages, WriteCondition.Absent, cancellationToken).ConfigureAwait(false);
            return (stride, summary.Length, pages.Length);
        }
    }

    /// <summary>Writes the metadata; its footer, batches and checksums go into the root.</summary>
    /// <returns>The length of the object.</returns>
    public static async Task<long> WriteMetadataAsync(
        IObjectStore store, SegmentKeys keys, RecordBatch metadata, ContainerWriter root, CancellationToken cancellationToken)
    {
        ObjectWriter writer = await store.CreateAsync(keys.Metadata, cancellationToken).ConfigureAwait(false);
        await using (writer.ConfigureAwait(false))
        {
            var checksums = new ChunkChecksums();
            var file = new ArrowFileWriter(metadata.Schema, (bytes, cancellation) =>
            {
                checksums.Append(bytes.Span);
                return writer.WriteAsync(bytes, cancellation);
            });
            await file.WriteAsync(metadata, MetadataBatchRows, cancellationToken).ConfigureAwait(false);
            ArrowFileSummary summary = await file.FinishAsync(cancellationToken).ConfigureAwait(false);
            await writer.CommitAsync(cancellationToken).ConfigureAwait(false);
            root.Add(SectionKind.MetadataFooter, summary.Footer);
            root.Add(SectionKind.MetadataChecksums, MemoryMarshal.AsBytes<uint>(checksums.Finish()).ToArray());
            root.Add(SectionKind.MetadataRows, MemoryMarshal.AsBytes<long>(summary.RowCounts.ToArray()).ToArray());
            return summary.Length;
        }
    }

    private static void Convert(ReadOnlySpan<float> values, Span<byte> bytes, bool half)
    {
        if (!half)
        {
            MemoryMarshal.AsBytes(values).CopyTo(bytes);
            return;
        }

        for (int i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteHalfLittleEndian(bytes[(2 * i)..], (Half)values[i]);
    }

    /// <summary>A checksum for each <see cref="SegmentRoot.MetadataChunk"/> bytes of a stream.</summary>
    private sealed class ChunkChecksums
    {
        private readonly List<uint> _checksums = [];
        private uint _state = ~0u;
        private int _filled;

        public void Append(ReadOnlySpan<byte> bytes)
        {
            while (!bytes.IsEmpty)
            {
                int length = Math.Min(bytes.Length, SegmentRoot.MetadataChunk - _filled);
                _state = Crc32C.Append(_state, bytes[..length]);
                _filled += length;
                bytes = bytes[length..];
                if (_filled == SegmentRoot.MetadataChunk)
                    Close();
            }
        }

        public uint[] Finish()
        {
            if (_filled > 0)
                Close();
            return [.. _checksums];
        }

        private void Close()
        {
            _checksums.Add(~_state);
            (_state, _filled) = (~0u, 0);
        }
    }
}

using System.Runtime.InteropServices;
using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Storage;

namespace VectorEngine.Building;

/// <summary>Writes the metadata as they were given; what the root has of them comes at the end.</summary>
internal sealed class MetadataWriter : IAsyncDisposable
{
    private const int BatchRows = 65536;

    private readonly ObjectWriter _object;
    private readonly ArrowFileWriter _file;
    private readonly ChunkChecksums _checksums = new();

    private MetadataWriter(ObjectWriter writer, ArrowSchema schema)
    {
        _object = writer;
        _file = new ArrowFileWriter(schema, (bytes, cancellation) =>
        {
            _checksums.Append(bytes.Span);
            return writer.WriteAsync(bytes, cancellation);
        });
    }

    /// <summary>Starts the object.</summary>
    public static async Task<MetadataWriter> CreateAsync(
        RetryingStore store, SegmentKeys keys, ArrowSchema schema, CancellationToken cancellationToken) =>
        new(await store.CreateAsync(keys.Metadata, cancellationToken).ConfigureAwait(false), schema);

    /// <summary>Appends rows.</summary>
    public ValueTask WriteAsync(RecordBatch rows, CancellationToken cancellationToken) =>
        _file.WriteAsync(rows, BatchRows, cancellationToken);

    /// <summary>Makes the object visible; its footer, batches and checksums go into the root.</summary>
    /// <returns>The length of the object.</returns>
    public async Task<long> CommitAsync(ContainerWriter root, CancellationToken cancellationToken)
    {
        ArrowFileSummary summary = await _file.FinishAsync(cancellationToken).ConfigureAwait(false);
        await _object.CommitAsync(cancellationToken).ConfigureAwait(false);
        root.Add(SectionKind.MetadataFooter, summary.Footer);
        root.Add(SectionKind.MetadataChecksums, MemoryMarshal.AsBytes<uint>(_checksums.Finish()).ToArray());
        root.Add(SectionKind.MetadataRows, MemoryMarshal.AsBytes<long>(summary.RowCounts.ToArray()).ToArray());
        if (!summary.Messages.IsEmpty)
            root.Add(SectionKind.MetadataMessages, summary.Messages);
        return summary.Length;
    }

    public ValueTask DisposeAsync() => _object.DisposeAsync();

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

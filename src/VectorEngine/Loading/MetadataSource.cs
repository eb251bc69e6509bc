using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Storage;

namespace VectorEngine.Loading;

/// <summary>The bytes of the metadata's Arrow file, read in chunks that are verified as a whole.</summary>
internal sealed class MetadataSource : IRangeSource
{
    private readonly Layer _chunks;

    public MetadataSource(IObjectStore store, string key, SegmentRoot root, Func<LayerSource, Layer> open)
    {
        Length = root.Description.MetadataLength;
        _chunks = open(new LayerSource(store, key, Length, root.MetadataChecksums.Length, Extent, Verify));

        void Verify(int chunk, ReadOnlyMemory<byte> bytes)
        {
            if (Crc32C.Compute(bytes.Span) != root.MetadataChecksums[chunk])
                throw new CorruptDataException(key, Extent(chunk).Offset, bytes.Length, "wrong checksum");
        }
    }

    public long Length { get; }

    public ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
        ReadAsync([new SourceRange(offset, destination)], cancellationToken);

    public async ValueTask ReadAsync(IReadOnlyList<SourceRange> ranges, CancellationToken cancellationToken)
    {
        var chunks = new SortedDictionary<int, Task<ReadOnlyMemory<byte>>>();
        foreach ((long offset, Memory<byte> destination) in ranges)
        {
            for (int chunk = ChunkOf(offset); chunk <= ChunkOf(offset + destination.Length - 1); chunk++)
            {
                if (!chunks.ContainsKey(chunk))
                    chunks.Add(chunk, LoadAsync(chunk, cancellationToken));
            }
        }

        await Task.WhenAll(chunks.Values).ConfigureAwait(false);
        foreach ((long offset, Memory<byte> destination) in ranges)
        {
            for (int chunk = ChunkOf(offset); chunk <= ChunkOf(offset + destination.Length - 1); chunk++)
                Copy(chunk, await chunks[chunk].ConfigureAwait(false), offset, destination);
        }
    }

    private async Task<ReadOnlyMemory<byte>> LoadAsync(int chunk, CancellationToken cancellationToken)
    {
        await _chunks.LoadAsync(chunk, cancellationToken).ConfigureAwait(false);
        return _chunks.Read(chunk);
    }

    /// <summary>Copies what a chunk has of a range.</summary>
    private static void Copy(int chunk, ReadOnlyMemory<byte> bytes, long offset, Memory<byte> destination)
    {
        long start = (long)chunk * SegmentRoot.MetadataChunk;
        int from = (int)Math.Max(0, offset - start), to = (int)Math.Min(bytes.Length, offset + destination.Length - start);
        bytes[from..to].CopyTo(destination[(int)(start + from - offset)..]);
    }

    private static int ChunkOf(long offset) => (int)(offset / SegmentRoot.MetadataChunk);

    private (long Offset, int Length) Extent(int chunk)
    {
        long offset = (long)chunk * SegmentRoot.MetadataChunk;
        return (offset, (int)Math.Min(SegmentRoot.MetadataChunk, Length - offset));
    }
}

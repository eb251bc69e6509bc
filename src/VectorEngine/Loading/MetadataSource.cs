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

    public async ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        while (!destination.IsEmpty)
        {
            (long chunk, long within) = Math.DivRem(offset, SegmentRoot.MetadataChunk);
            await _chunks.LoadAsync((int)chunk, cancellationToken).ConfigureAwait(false);
            ReadOnlyMemory<byte> bytes = _chunks.Read((int)chunk)[(int)within..];
            int length = Math.Min(bytes.Length, destination.Length);
            bytes[..length].CopyTo(destination);
            destination = destination[length..];
            offset += length;
        }
    }

    private (long Offset, int Length) Extent(int chunk)
    {
        long offset = (long)chunk * SegmentRoot.MetadataChunk;
        return (offset, (int)Math.Min(SegmentRoot.MetadataChunk, Length - offset));
    }
}

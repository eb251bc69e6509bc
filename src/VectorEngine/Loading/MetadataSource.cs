using VectorEngine.Arrow;
using VectorEngine.Format;

namespace VectorEngine.Loading;

/// <summary>The bytes of the metadata's Arrow file, read in chunks that are verified as a whole.</summary>
internal sealed class MetadataSource : IRangeSource
{
    private readonly Layer _chunks;

    public MetadataSource(string key, SegmentRoot root, Func<LayerSource, Layer> open)
    {
        Length = root.Description.MetadataLength;
        _chunks = open(new LayerSource(LayerKind.Metadata, key, Length, root.MetadataChecksums.Length, Extent, Check));

        void Check(int chunk, ReadOnlyMemory<byte> bytes)
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
            ReadOnlyMemory<byte> bytes =
                (await _chunks.ReadAsync((int)chunk, new ReadScope(), cancellationToken).ConfigureAwait(false))[(int)within..];
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

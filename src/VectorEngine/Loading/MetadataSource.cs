using VectorEngine.Arrow;
using VectorEngine.Format;

namespace VectorEngine.Loading;

/// <summary>The bytes of the metadata's Arrow file, read in chunks that are verified as a whole.</summary>
internal sealed class MetadataSource : IRangeSource
{
    private readonly Layer _chunks;
    private readonly ReadScope _scope;

    /// <summary>Opens the file for nobody in particular: an operation whose reads count takes <see cref="For"/>.</summary>
    public MetadataSource(string key, SegmentRoot root, Func<LayerSource, Layer> open)
    {
        _scope = new ReadScope();
        Length = root.Description.MetadataLength;
        _chunks = open(new LayerSource(LayerKind.Metadata, key, Length, root.MetadataChecksums.Length, Extent, Check));

        void Check(int chunk, ReadOnlyMemory<byte> bytes)
        {
            if (Crc32C.Compute(bytes.Span) != root.MetadataChecksums[chunk])
                throw new CorruptDataException(key, Extent(chunk).Offset, bytes.Length, "wrong checksum");
        }
    }

    private MetadataSource(MetadataSource same, ReadScope scope)
    {
        (_chunks, Length) = (same._chunks, same.Length);
        _scope = scope;
    }

    public long Length { get; }

    /// <summary>The same bytes, as they are read for an operation.</summary>
    public MetadataSource For(ReadScope scope) => new(this, scope);

    public ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
        ReadAsync([new SourceRange(offset, destination)], cancellationToken);

    public async ValueTask ReadAsync(IReadOnlyList<SourceRange> ranges, CancellationToken cancellationToken)
    {
        var chunks = new Dictionary<int, ReadOnlyMemory<byte>>();
        int[] missing = Missing(ranges, chunks);
        if (missing.Length > 0)
        {
            _scope.NextRound();
            using ExtentReads reads = _chunks.Start(missing, _scope);
            await reads.AllAsync(cancellationToken).ConfigureAwait(false);
            foreach (int chunk in missing)
                chunks[chunk] = reads.Get(chunk);
        }

        foreach ((long offset, Memory<byte> destination) in ranges)
        {
            for (int chunk = ChunkOf(offset); chunk <= ChunkOf(offset + destination.Length - 1); chunk++)
                Copy(chunk, chunks[chunk], offset, destination);
        }
    }

    /// <summary>The chunks of some ranges that are not at hand, ascending; the others are added to a dictionary.</summary>
    private int[] Missing(IReadOnlyList<SourceRange> ranges, Dictionary<int, ReadOnlyMemory<byte>> chunks)
    {
        var missing = new SortedSet<int>();
        foreach ((long offset, Memory<byte> destination) in ranges)
        {
            for (int chunk = ChunkOf(offset); chunk <= ChunkOf(offset + destination.Length - 1); chunk++)
            {
                if (chunks.ContainsKey(chunk))
                    continue;
                if (_chunks.TryRead(chunk, out ReadOnlyMemory<byte> bytes))
                    chunks.Add(chunk, bytes);
                else
                    missing.Add(chunk);
            }
        }

        return [.. missing];
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

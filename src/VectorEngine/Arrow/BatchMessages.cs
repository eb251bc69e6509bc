using System.Runtime.CompilerServices;

namespace VectorEngine.Arrow;

/// <summary>The messages of batches, without their bodies.</summary>
internal static class BatchMessages
{
    private const int MostAtOnce = 64;

    /// <summary>Reads messages: many at once, but no more bytes than one batch's may have.</summary>
    /// <param name="source">The file. What its batches take is checked against its length, which may only have been told.</param>
    /// <param name="blocks">The places of the batches.</param>
    /// <param name="wanted">Which of them.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <returns>The numbers of the batches and their messages, once the file has shown its last byte.</returns>
    public static async IAsyncEnumerable<(int Batch, byte[] Message)> ReadAsync(
        IRangeSource source, IReadOnlyList<ArrowBlock> blocks, int[] wanted, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (int start = 0, end; start < wanted.Length; start = end)
        {
            var reads = new RangeReads();
            AddLastByte(reads, source);
            var messages = new List<byte[]>();
            long bytes = 0;
            for (end = start; end < wanted.Length && end - start < MostAtOnce; end++)
            {
                ArrowBlock block = blocks[wanted[end]];
                bytes += block.MetadataLength;
                if (end > start && bytes > ArrowFormat.MaxBatchMetadataLength)
                    break;
                messages.Add(new byte[block.MetadataLength]);
                reads.Add(block.Offset, messages[^1]);
            }

            await reads.ExecuteAsync(source, cancellationToken).ConfigureAwait(false);
            for (int i = 0; i < messages.Count; i++)
                yield return (wanted[start + i], messages[i]);
        }
    }

    /// <summary>Has a file show that it is as long as it is said to be.</summary>
    public static void AddLastByte(RangeReads reads, IRangeSource source) => reads.Add(source.Length - 1, new byte[1]);
}

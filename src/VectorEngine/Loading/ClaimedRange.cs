using VectorEngine.Numerics;

namespace VectorEngine.Loading;

/// <summary>Reads ranges whose length another object tells, and which may not be there.</summary>
internal static class ClaimedRange
{
    /// <summary>
    /// Bytes of a root that are allocated on trust: enough for a hundred million vectors. A longer range has to show its last byte first,
    /// which costs it little.
    /// </summary>
    public const int Trusted = 24 << 20;

    /// <summary>Bytes that are worth a connection of their own: a long range is read in parts at once, each of at least so many.</summary>
    private const int Part = 512 << 10;

    private const int MaxParts = 16;

    /// <summary>Reads a whole range into memory that kernels may use.</summary>
    /// <param name="reader">Reads the store.</param>
    /// <param name="key">The object.</param>
    /// <param name="offset">Its first byte.</param>
    /// <param name="length">Its length.</param>
    /// <param name="trusted">Bytes that are allocated on trust, of each of the ranges that are read at a time.</param>
    /// <param name="scope">What reads it.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <exception cref="CorruptDataException">The object ends before the range does.</exception>
    public static async ValueTask<AlignedBuffer<byte>> ReadAsync(
        StoreReader reader, string key, long offset, int length, int trusted, ReadScope scope, CancellationToken cancellationToken)
    {
        if (length > trusted)
            await reader.ReadAsync(key, offset + length - 1, new byte[1], scope, cancellationToken).ConfigureAwait(false);
        var buffer = new AlignedBuffer<byte>(length);
        if (length < 2 * Part)
        {
            await reader.ReadAsync(key, offset, buffer.Memory, scope, cancellationToken).ConfigureAwait(false);
            return buffer;
        }

        int parts = Math.Min(MaxParts, length / Part), done = 0;
        var reads = new Task[parts];
        for (int i = 0; i < parts; i++)
        {
            int end = (int)((long)length * (i + 1) / parts);
            reads[i] = reader.ReadAsync(key, offset + done, buffer.Memory[done..end], scope, cancellationToken).AsTask();
            done = end;
        }

        await Task.WhenAll(reads).ConfigureAwait(false);
        return buffer;
    }
}

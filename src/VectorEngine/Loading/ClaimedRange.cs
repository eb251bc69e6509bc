using VectorEngine.Numerics;
using VectorEngine.Storage;

namespace VectorEngine.Loading;

/// <summary>Reads ranges whose length another object tells, and which may not be there.</summary>
internal static class ClaimedRange
{
    /// <summary>
    /// Bytes that are allocated on trust: enough for the root of a hundred million vectors. A longer range has to show its last byte first,
    /// which costs it little.
    /// </summary>
    public const int Trusted = 32 << 20;

    /// <summary>Reads a whole range into memory that kernels may use.</summary>
    /// <exception cref="CorruptDataException">The object ends before the range does.</exception>
    public static async ValueTask<AlignedBuffer<byte>> ReadAsync(
        IObjectStore store, string key, long offset, int length, CancellationToken cancellationToken)
    {
        if (length > Trusted)
            await store.ReadAsync(key, offset + length - 1, new byte[1], cancellationToken).ConfigureAwait(false);
        var buffer = new AlignedBuffer<byte>(length);
        await store.ReadAsync(key, offset, buffer.Memory, cancellationToken).ConfigureAwait(false);
        return buffer;
    }
}

using VectorEngine.Format;
using VectorEngine.Storage;

namespace VectorEngine.Publishing;

/// <summary>What time it is by the clock that dates a store's objects.</summary>
internal static class StoreClock
{
    /// <summary>Writes an object, and reads in the listing when that was: never later than now.</summary>
    public static async ValueTask<DateTimeOffset> NowAsync(RetryingStore store, string index, CancellationToken cancellationToken)
    {
        string clock = IndexKeys.Clock(index, Guid.NewGuid());
        try
        {
            while (true)
            {
                await store.WriteAsync(clock, default, WriteCondition.None, cancellationToken).ConfigureAwait(false);
                await foreach (ObjectInfo found in store.ListAsync(clock, cancellationToken).ConfigureAwait(false))
                    return found.LastModified;
                // To a collector without a grace period it was garbage.
            }
        }
        finally
        {
            await IndexObjects.TryDeleteAsync(store, clock).ConfigureAwait(false);
        }
    }
}

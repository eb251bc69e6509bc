using VectorEngine.Storage;

namespace VectorEngine.Publishing;

/// <summary>Deletes objects of an index.</summary>
internal static class IndexObjects
{
    /// <summary>Deletes all objects whose keys start so.</summary>
    public static async Task DeleteAllAsync(RetryingStore store, string prefix, CancellationToken cancellationToken)
    {
        await foreach (ObjectInfo found in store.ListAsync(prefix, cancellationToken).ConfigureAwait(false))
            await store.DeleteAsync(found.Key, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Deletes all objects whose keys start so, as far as the store lets it; what stays is garbage.</summary>
    public static Task TryDeleteAllAsync(RetryingStore store, string prefix) =>
        TryAsync(() => DeleteAllAsync(store, prefix, CancellationToken.None));

    /// <summary>Deletes an object, if the store lets it; what stays is garbage.</summary>
    public static Task TryDeleteAsync(RetryingStore store, string key) =>
        TryAsync(() => store.DeleteAsync(key, CancellationToken.None).AsTask());

    private static async Task TryAsync(Func<Task> deletion)
    {
        try
        {
            await deletion().ConfigureAwait(false);
        }
        catch
        {
            // Whatever it is: what led here is the thing to report, if anything is.
        }
    }
}

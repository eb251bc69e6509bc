using VectorEngine.Storage;

namespace VectorEngine.Publishing;

/// <summary>Deletes objects of an index.</summary>
internal static class IndexObjects
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Deletes all objects whose keys start so.</summary>
    public static async Task DeleteAllAsync(RetryingStore store, string prefix, CancellationToken cancellationToken)
    {
        await foreach (ObjectInfo found in store.ListAsync(prefix, cancellationToken).ConfigureAwait(false))
            await store.DeleteAsync(found.Key, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Deletes all objects whose keys start so, as far as the store lets it; what stays is garbage.</summary>
    public static Task TryDeleteAllAsync(RetryingStore store, string prefix) =>
        TryAsync(patience => DeleteAllAsync(store, prefix, patience));

    /// <summary>Deletes an object, if the store lets it; what stays is garbage.</summary>
    public static Task TryDeleteAsync(RetryingStore store, string key) =>
        TryAsync(patience => store.DeleteAsync(key, patience).AsTask());

    private static async Task TryAsync(Func<CancellationToken, Task> deletion)
    {
        // Whoever ends something does not wait long for a store that does not answer.
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await deletion(patience.Token).ConfigureAwait(false);
        }
        catch
        {
            // Whatever it is: what led here is the thing to report, if anything is.
        }
    }
}

using System.Runtime.CompilerServices;
using System.Text;

namespace VectorEngine.Storage;

/// <summary>
/// Tries whether a store keeps the conditions of writes. Some servers accept them and write in any case: of two builds both would then be
/// told that they are published, and one would be lost.
/// </summary>
internal static class ConditionalWrites
{
    /// <summary>A tag of no object: 16 zero bytes in hexadecimal, as long as S3's own tags.</summary>
    private const string WrongTag = "00000000000000000000000000000000";

    private static readonly ConditionalWeakTable<IObjectStore, object> Tried = [];

    /// <summary>Throws unless the store keeps conditions; each store is tried once.</summary>
    /// <param name="store">The store.</param>
    /// <param name="probeKey">An object that nobody else has: written, and deleted in the end.</param>
    /// <param name="cancellationToken">Cancels the attempt.</param>
    /// <exception cref="ConditionalWritesNotSupportedException">The store writes although a condition does not hold, or the reverse.</exception>
    public static async Task RequireAsync(RetryingStore store, string probeKey, CancellationToken cancellationToken)
    {
        if (Tried.TryGetValue(store.Inner, out _))
            return;
        string? fault;
        try
        {
            fault = await FindFaultAsync(store, probeKey, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await TryDeleteAsync(store, probeKey).ConfigureAwait(false);
        }

        if (fault is not null)
            throw new ConditionalWritesNotSupportedException(fault);
        Tried.TryAdd(store.Inner, new object());
    }

    private static async Task<string?> FindFaultAsync(RetryingStore store, string key, CancellationToken cancellationToken)
    {
        string? first = await TryWriteAsync("first", WriteCondition.Absent).ConfigureAwait(false);
        if (first is null)
            return "refuses to create an object that does not exist";
        if (await TryWriteAsync("second", WriteCondition.Absent).ConfigureAwait(false) is not null)
            return "replaces an object that should not exist";
        if (await TryWriteAsync("third", WriteCondition.Matches(WrongTag)).ConfigureAwait(false) is not null)
            return "replaces an object that has another tag than it should";
        if (await TryWriteAsync("fourth", WriteCondition.Matches(first)).ConfigureAwait(false) is null)
            return "refuses to replace an object that has the tag that it should";
        return null;

        async ValueTask<string?> TryWriteAsync(string content, WriteCondition condition)
        {
            try
            {
                return await store.WriteAsync(key, Encoding.ASCII.GetBytes(content), condition, cancellationToken).ConfigureAwait(false);
            }
            catch (WriteConflictException)
            {
                return null;
            }
        }
    }

    private static async Task TryDeleteAsync(RetryingStore store, string key)
    {
        try
        {
            await store.DeleteAsync(key, CancellationToken.None).ConfigureAwait(false);
        }
        catch
        {
            // It belongs to a segment of its own, which is deleted with all that are not published.
        }
    }
}

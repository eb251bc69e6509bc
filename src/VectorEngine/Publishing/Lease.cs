using VectorEngine.Format;
using VectorEngine.Storage;

namespace VectorEngine.Publishing;

/// <summary>Keeps a version from being collected, as long as it is renewed.</summary>
/// <remarks>
/// Whoever takes a lease has to look afterwards whether the version is still published. Before a collector deletes anything of a version,
/// it takes it out of the pointer, and only then lists the leases: so either it sees the lease, or the other does not see the version.
/// </remarks>
internal sealed class Lease : IAsyncDisposable
{
    /// <summary>The limits of a lease: the clocks of some stores tick once in a second; what was killed should not stay for long.</summary>
    public static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromDays(1);

    private readonly RetryingStore _store;
    private readonly string _key;
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _renewing;

    private Lease(RetryingStore store, string key, TimeSpan duration, TimeProvider time)
    {
        (_store, _key) = (store, key);
        _renewing = RenewAsync(new PeriodicTimer(duration / 3, time));
    }

    /// <summary>Takes a lease, which is renewed from now on.</summary>
    public static async ValueTask<Lease> TakeAsync(
        RetryingStore store, string index, VersionId version, TimeSpan duration, TimeProvider time, CancellationToken cancellationToken)
    {
        string key = IndexKeys.Leases(index) + new LeaseName(version, duration, Guid.NewGuid());
        await store.WriteAsync(key, default, WriteCondition.None, cancellationToken).ConfigureAwait(false);
        return new Lease(store, key, duration, time);
    }

    /// <summary>Ends the lease; if the store fails to delete it, it ends by itself.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync().ConfigureAwait(false);
        await _renewing.ConfigureAwait(false);
        _ended.Dispose();
        await IndexObjects.TryDeleteAsync(_store, _key).ConfigureAwait(false);
    }

    private async Task RenewAsync(PeriodicTimer timer)
    {
        using (timer)
        {
            while (!_ended.IsCancellationRequested)
            {
                try
                {
                    await timer.WaitForNextTickAsync(_ended.Token).ConfigureAwait(false);
                    await _store.WriteAsync(_key, default, WriteCondition.None, _ended.Token).ConfigureAwait(false);
                }
                catch
                {
                    // Ended; or the store fails, which may pass before the lease ends.
                }
            }
        }
    }
}

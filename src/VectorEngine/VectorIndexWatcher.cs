using VectorEngine.Publishing;
using VectorEngine.Storage;
using VectorEngine.Telemetry;

namespace VectorEngine;

/// <summary>
/// Keeps the newest version of an index open: looks for a newer one now and then, opens it beside the one in service, and puts it in its
/// place. Safe for concurrent use.
/// </summary>
public sealed class VectorIndexWatcher : IAsyncDisposable
{
    private readonly RetryingStore _store;
    private readonly string _name;
    private readonly WatcherOptions _options;
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _watching;
    private RentableIndex _current;
    private string _etag;
    private int _disposed;
    private volatile Exception? _lastError;

    private VectorIndexWatcher(RetryingStore store, string name, WatcherOptions options, string etag, VectorIndex first)
    {
        (_store, _name, _options, _etag, _current) = (store, name, options, etag, new RentableIndex(first));
        _watching = WatchAsync();
    }

    /// <summary>The version in service.</summary>
    public long Version => Volatile.Read(ref _current).Index.Version;

    /// <summary>
    /// Why looking for a new version failed, or opening it or warming it up, the last time that was tried: null if it succeeded. The
    /// version in service stays, and it is tried again after each interval.
    /// </summary>
    public Exception? LastError => _lastError;

    /// <summary>Opens the newest version, warms it up, and begins to look for newer ones.</summary>
    /// <param name="store">Where the index is; it has to outlive the watcher.</param>
    /// <param name="name">Its name.</param>
    /// <param name="options">How to watch; null for the defaults.</param>
    /// <param name="cancellationToken">Cancels the opening.</param>
    /// <exception cref="ArgumentException">The options name a version or have a token.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The interval is not positive, or longer than a day.</exception>
    /// <inheritdoc cref="VectorIndex.OpenAsync"/>
    public static async ValueTask<VectorIndexWatcher> OpenAsync(
        IObjectStore store, string name, WatcherOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentException.ThrowIfNullOrEmpty(name);
        options ??= new WatcherOptions();
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.Interval, TimeSpan.Zero, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Interval, TimeSpan.FromDays(1), nameof(options));
        if (options.Open.Version is not null || options.Open.Token is not null)
            throw new ArgumentException("A watcher opens the newest version, whichever that is.", nameof(options));
        // What is published after this is found at the first look.
        var retrying = new RetryingStore(store);
        Pointer pointer = await Pointer.ReadAsync(retrying, name, cancellationToken).ConfigureAwait(false);
        VectorIndex first = await OpenWarmAsync(store, name, options, cancellationToken).ConfigureAwait(false);
        return new VectorIndexWatcher(retrying, name, options, pointer.ETag, first);
    }

    /// <summary>
    /// Borrows the index in service, which stays open until it is given back. For one search or some that belong together: whoever keeps
    /// it does not see newer versions, and keeps both in memory.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The watcher is disposed.</exception>
    public RentedIndex Rent()
    {
        while (true)
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
            RentableIndex current = Volatile.Read(ref _current);
            if (current.TryRent())
                return new RentedIndex(current);
            // Replaced just now, or disposed.
        }
    }

    /// <summary>Ends the watching; the index in service is disposed once it is no longer rented.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        await _ended.CancelAsync().ConfigureAwait(false);
        await _watching.ConfigureAwait(false);
        _ended.Dispose();
        await _current.RetireAsync().ConfigureAwait(false);
    }

    private async Task WatchAsync()
    {
        while (!_ended.IsCancellationRequested)
        {
            try
            {
                TimeSpan pause = _options.Interval * (0.9 + (0.2 * Random.Shared.NextDouble()));
                await Task.Delay(pause, _options.Open.Time, _ended.Token).ConfigureAwait(false);
                await LookAsync().ConfigureAwait(false);
                _lastError = null;
            }
            catch (Exception e)
            {
                if (!_ended.IsCancellationRequested)
                    _lastError = e;
            }
        }
    }

    private async ValueTask LookAsync()
    {
        if (await Pointer.ReadIfChangedAsync(_store, _name, _etag, _ended.Token).ConfigureAwait(false) is not { } pointer)
            return;
        if (pointer.Newest.Id != _current.Index.Id) // or else only its history was shortened
        {
            var next = new RentableIndex(await OpenWarmAsync(_store.Inner, _name, _options, _ended.Token).ConfigureAwait(false));
            _ = Interlocked.Exchange(ref _current, next).RetireAsync();
            EngineMetrics.Swaps.Add(1, new KeyValuePair<string, object?>(TelemetryNames.IndexName, _name));
        }

        _etag = pointer.ETag; // only now: what failed is tried again
    }

    private static async ValueTask<VectorIndex> OpenWarmAsync(
        IObjectStore store, string name, WatcherOptions options, CancellationToken cancellationToken)
    {
        VectorIndex index = await VectorIndex.OpenAsync(store, name, options.Open, cancellationToken).ConfigureAwait(false);
        try
        {
            if (options.WarmUp is { } warmUp)
                await warmUp(index, cancellationToken).ConfigureAwait(false);
            return index;
        }
        catch
        {
            await index.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}

/// <summary>A borrowed index: disposing gives it back.</summary>
public sealed class RentedIndex : IDisposable
{
    private RentableIndex? _rented;

    internal RentedIndex(RentableIndex rented) => _rented = rented;

    /// <summary>The index, which is not to be disposed.</summary>
    /// <exception cref="ObjectDisposedException">It was given back.</exception>
    public VectorIndex Index => (Volatile.Read(ref _rented) ?? throw new ObjectDisposedException(nameof(RentedIndex))).Index;

    /// <summary>Gives the index back; searches of it have to be over.</summary>
    public void Dispose() => Interlocked.Exchange(ref _rented, null)?.Return();
}

/// <summary>An index that is disposed once it is both retired and rented by nobody.</summary>
internal sealed class RentableIndex(VectorIndex index)
{
    private const int Retired = int.MinValue;

    // Rentals; Retired is added when another takes its place, and the last one to be returned disposes the index.
    private int _rentals;

    public VectorIndex Index => index;

    /// <summary>Counts a rental; false if it is retired.</summary>
    public bool TryRent()
    {
        if (Interlocked.Increment(ref _rentals) > 0)
            return true;
        Return();
        return false;
    }

    public void Return()
    {
        if (Interlocked.Decrement(ref _rentals) == Retired)
            index.Dispose();
    }

    /// <summary>Retires it, once; completes when it is disposed, or at once if it is rented.</summary>
    public ValueTask RetireAsync() => Interlocked.Add(ref _rentals, Retired) == Retired ? index.DisposeAsync() : default;
}

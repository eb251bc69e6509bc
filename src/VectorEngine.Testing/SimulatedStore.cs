using System.Runtime.CompilerServices;
using VectorEngine.Storage;

namespace VectorEngine.Testing;

/// <summary>
/// Takes the time that an object store behind a network would take, and counts what it is asked for; what is read and written is another
/// store's. Safe for concurrent use.
/// </summary>
/// <remarks>
/// <para>Each request takes a connection, a round trip, and the time of its bytes: as fast as one connection is, or, where those under way
/// exceed the total, an equal share of that. A read of several ranges is one request for each, a listing one for each 1,000 objects, an
/// object written piece by piece one for each 8 MiB and one for the rest, when it is committed. What fails takes a round trip. Reads see
/// the store as it is when they are asked for, writes happen when their bytes have arrived; a cancelled request gives its bandwidth to the
/// others at once.</para>
/// <para>Times are computed and do not drift; the timer, which counts milliseconds, lets a request end up to about 2 ms late, and more
/// on a busy machine. What the other store takes comes on top as far as it exceeds the round trip.</para>
/// </remarks>
public sealed class SimulatedStore : IObjectStore
{
    private const int ListingPage = 1000;

    private readonly IObjectStore _inner;
    private readonly FluidNetwork _network;
    private readonly Lock _counting = new();
    private StoreStatistics _statistics;

    /// <summary>Puts a network before a store.</summary>
    /// <param name="inner">The store that has the objects.</param>
    /// <param name="profile">The network; by default that of an object store in the same region.</param>
    /// <param name="time">The clock; by default the system's.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value of the profile is out of its range.</exception>
    public SimulatedStore(IObjectStore inner, NetworkProfile? profile = null, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(inner);
        profile ??= new NetworkProfile();
        profile.Validate();
        _inner = inner;
        _network = new FluidNetwork(profile, time ?? TimeProvider.System);
        FluidNetwork.Rehearse(profile);
    }

    /// <summary>What was counted since the store was made or last reset.</summary>
    public StoreStatistics Statistics
    {
        get
        {
            lock (_counting)
                return _statistics;
        }
    }

    /// <summary>Counts from zero again. Requests under way are not counted anew; what they read or write is.</summary>
    /// <returns>What was counted until now.</returns>
    public StoreStatistics ResetStatistics()
    {
        lock (_counting)
        {
            StoreStatistics counted = _statistics;
            _statistics = default;
            return counted;
        }
    }

    /// <inheritdoc/>
    public ValueTask<ObjectContent?> TryReadAsync(string key, CancellationToken cancellationToken = default) =>
        ReadAsync(() => _inner.TryReadAsync(key, cancellationToken), BytesOf, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<ObjectContent?> ReadIfChangedAsync(string key, string knownETag, CancellationToken cancellationToken = default) =>
        ReadAsync(() => _inner.ReadIfChangedAsync(key, knownETag, cancellationToken), BytesOf, cancellationToken);

    /// <inheritdoc/>
    public ValueTask ReadAsync(string key, long offset, Memory<byte> destination, CancellationToken cancellationToken = default) =>
        new(ReadAsync(
            () => NothingAfterAsync(_inner.ReadAsync(key, offset, destination, cancellationToken)), _ => destination.Length,
            cancellationToken).AsTask());

    /// <inheritdoc/>
    public ValueTask<string> WriteAsync(
        string key, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken = default) =>
        WriteAsync(content.Length, () => _inner.WriteAsync(key, content, condition, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<ObjectWriter> CreateAsync(string key, CancellationToken cancellationToken = default) =>
        new SimulatedWriter(this, await _inner.CreateAsync(key, cancellationToken).ConfigureAwait(false));

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        IAsyncEnumerator<ObjectInfo> objects = _inner.ListAsync(prefix, cancellationToken).GetAsyncEnumerator(cancellationToken);
        await using (objects.ConfigureAwait(false))
        {
            List<ObjectInfo> page;
            do
            {
                Count(s => s with { Listings = s.Listings + 1 });
                page = await RequestAsync(null, () => NextPageAsync(objects), _ => 0, cancellationToken).ConfigureAwait(false);
                foreach (ObjectInfo found in page)
                    yield return found;
            }
            while (page.Count == ListingPage);
        }
    }

    /// <inheritdoc/>
    public ValueTask DeleteAsync(string key, CancellationToken cancellationToken = default)
    {
        Count(s => s with { Deletions = s.Deletions + 1 });
        return new(RequestAsync(
            0, () => NothingAfterAsync(_inner.DeleteAsync(key, cancellationToken)), _ => 0, cancellationToken).AsTask());
    }

    /// <summary>A request that writes: moves so many bytes, then does it.</summary>
    internal async ValueTask<T> WriteAsync<T>(long bytes, Func<ValueTask<T>> write, CancellationToken cancellationToken)
        where T : class?
    {
        Count(s => s with { Writes = s.Writes + 1 });
        T answer = await RequestAsync(bytes, write, _ => 0, cancellationToken).ConfigureAwait(false);
        Count(s => s with { BytesWritten = s.BytesWritten + bytes });
        return answer;
    }

    private ValueTask<T> ReadAsync<T>(Func<ValueTask<T>> read, Func<T, long> bytesOf, CancellationToken cancellationToken)
        where T : class?
    {
        Count(s => s with { Reads = s.Reads + 1 });
        return RequestAsync(null, read, bytesOf, cancellationToken);
    }

    /// <summary>
    /// A request, of whatever kind: there is one body for all, and only of classes, so that a new process soon has it compiled.
    /// </summary>
    /// <param name="sent">Bytes that are moved before the store acts; null if those of its answer are, afterwards.</param>
    /// <param name="act">Asks the store.</param>
    /// <param name="received">Bytes of the answer.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    private async ValueTask<T> RequestAsync<T>(
        long? sent, Func<ValueTask<T>> act, Func<T, long> received, CancellationToken cancellationToken) where T : class?
    {
        using NetworkRequest request = _network.Start();
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister((_, token) => request.GiveUp(token), null);
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (sent is { } content)
                await request.MoveAsync(content).ConfigureAwait(false);
            long bytes = 0;
            try
            {
                T answer = await act().ConfigureAwait(false);
                bytes = received(answer);
                return answer;
            }
            finally
            {
                if (sent is null)
                {
                    await request.MoveAsync(bytes).ConfigureAwait(false);   // an error, too, has to travel
                    Count(s => s with { BytesRead = s.BytesRead + bytes });
                }
            }
        }
        catch (OperationCanceledException)
        {
            Count(s => s with { Cancellations = s.Cancellations + 1 });
            throw;
        }
        catch
        {
            Count(s => s with { Errors = s.Errors + 1 });
            throw;
        }
    }

    /// <summary>The answer of a request that has none.</summary>
    internal static async ValueTask<object?> NothingAfterAsync(ValueTask done)
    {
        await done.ConfigureAwait(false);
        return null;
    }

    private static long BytesOf(ObjectContent? content) => content?.Content.Length ?? 0;

    private static async ValueTask<List<ObjectInfo>> NextPageAsync(IAsyncEnumerator<ObjectInfo> objects)
    {
        var page = new List<ObjectInfo>();
        while (page.Count < ListingPage && await objects.MoveNextAsync().ConfigureAwait(false))
            page.Add(objects.Current);
        return page;
    }

    private void Count(Func<StoreStatistics, StoreStatistics> change)
    {
        lock (_counting)
            _statistics = change(_statistics);
    }
}

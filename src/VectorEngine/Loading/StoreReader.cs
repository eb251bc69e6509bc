using System.Diagnostics;
using VectorEngine.Format;
using VectorEngine.Storage;
using VectorEngine.Telemetry;

namespace VectorEngine.Loading;

/// <summary>
/// Reads from a store for an opened index: limits what is on its way, repeats what failed for reasons that pass, and asks a second time
/// for what is late. Safe for concurrent use.
/// </summary>
/// <param name="store">Where the bytes are.</param>
/// <param name="cache">Keeps extents on disk; null for none. It is disposed with the reader.</param>
internal sealed class StoreReader(IObjectStore store, DiskCache? cache = null) : IDisposable
{
    private const int MaxRequests = 128;
    private const long MaxBytes = 64 << 20;

    /// <summary>At most one request in so many is made twice because it is late.</summary>
    private const int RequestsPerHedge = 20;

    /// <summary>How long to wait at most before it is asked again whether a request is late.</summary>
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(50);

    private readonly LatencyHistory _latencies = new();
    private long _requests, _hedges;

    /// <summary>Where the bytes are.</summary>
    public IObjectStore Store => store;

    /// <summary>Keeps extents on disk; null if there is none.</summary>
    public DiskCache? Cache => cache;

    /// <summary>Limits what is on its way.</summary>
    public RequestGate Gate { get; } = new(MaxRequests, MaxBytes);

    private bool MayHedge => Volatile.Read(ref _hedges) <= Volatile.Read(ref _requests) / RequestsPerHedge;

    /// <summary>Fills <paramref name="destination"/> with the bytes from <paramref name="offset"/> on.</summary>
    /// <exception cref="ObjectNotFoundException">There is no such object.</exception>
    /// <exception cref="CorruptDataException">The object ends before the range does.</exception>
    /// <exception cref="StoreException">The store failed, and went on failing if it seemed to be passing.</exception>
    public async ValueTask ReadAsync(
        string key, long offset, Memory<byte> destination, ReadScope scope, CancellationToken cancellationToken)
    {
        await Gate.EnterAsync(destination.Length, scope.IsBackground, cancellationToken).ConfigureAwait(false);
        try
        {
            string layer = TelemetryNames.Of(SegmentKeys.KindOf(key));
            for (int attempt = 1; ; attempt++)
            {
                long start = Stopwatch.GetTimestamp();
                try
                {
                    await RequestAsync(key, offset, destination, scope, layer, cancellationToken).ConfigureAwait(false);
                    EngineMetrics.RecordRequest(layer, Stopwatch.GetElapsedTime(start), failure: null);
                    return;
                }
                catch (Exception failure)
                {
                    EngineMetrics.RecordRequest(layer, Stopwatch.GetElapsedTime(start), failure);
                    if (!Retries.AreWorthIt(failure, attempt))
                        throw;
                    await Retries.PauseAsync(attempt, layer, cancellationToken).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            Gate.Leave(destination.Length, scope.IsBackground);
        }
    }

    public void Dispose() => cache?.Dispose();

    /// <summary>
    /// One request, and a second one if it is late and the gate has room for it; what late means is learnt meanwhile from others.
    /// </summary>
    private async ValueTask RequestAsync(
        string key, long offset, Memory<byte> destination, ReadScope scope, string layer, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        Count(destination.Length, scope, layer);
        Interlocked.Increment(ref _requests);
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        ValueTask reading = store.ReadAsync(key, offset, destination, cancellation.Token);
        if (reading.IsCompletedSuccessfully)
        {
            reading.GetAwaiter().GetResult();
            return;
        }

        Task request = reading.AsTask();
        while (!request.IsCompleted)
        {
            TimeSpan left = _latencies.LateAfter(destination.Length) - Stopwatch.GetElapsedTime(start);
            if (left <= TimeSpan.Zero && MayHedge && Gate.TryEnter(destination.Length, scope.IsBackground))
            {
                Count(destination.Length, scope, layer);
                EngineMetrics.Hedges.Add(1, new KeyValuePair<string, object?>(TelemetryNames.Layer, layer));
                request = HedgeAsync(request, cancellation, key, offset, destination, scope.IsBackground, cancellationToken);
                break;
            }

            using var timer = new CancellationTokenSource();
            TimeSpan pause = left <= TimeSpan.Zero || left > LongestPause ? LongestPause : left;
            await Task.WhenAny(request, Task.Delay(pause, timer.Token)).ConfigureAwait(false);
            timer.Cancel();
        }

        await request.ConfigureAwait(false);
        _latencies.Add(destination.Length, Stopwatch.GetElapsedTime(start));
    }

    /// <summary>Makes a second request, and takes the answer of whichever has one first.</summary>
    private async Task HedgeAsync(
        Task first, CancellationTokenSource firstCancellation, string key, long offset, Memory<byte> destination, bool isBackground,
        CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _hedges);
        using var secondCancellation = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<byte[]> second = ReadSecondAsync(key, offset, destination.Length, isBackground, secondCancellation.Token);
        Task winner = await Task.WhenAny(first, second).ConfigureAwait(false);
        if (!winner.IsCompletedSuccessfully)
            winner = winner == first ? second : first;
        await (winner == first ? secondCancellation : firstCancellation).CancelAsync().ConfigureAwait(false);
        if (winner == first)
        {
            Forget(second);
            await first.ConfigureAwait(false);
        }
        else
        {
            // The first may write to the destination until it has ended.
            await first.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            byte[] bytes = await second.ConfigureAwait(false);
            bytes.CopyTo(destination);
        }
    }

    /// <summary>The second request, which has been admitted, into memory of its own.</summary>
    private async Task<byte[]> ReadSecondAsync(string key, long offset, int length, bool isBackground, CancellationToken cancellationToken)
    {
        try
        {
            byte[] bytes = new byte[length];
            await store.ReadAsync(key, offset, bytes, cancellationToken).ConfigureAwait(false);
            return bytes;
        }
        finally
        {
            Gate.Leave(length, isBackground);
        }
    }

    private static void Count(long bytes, ReadScope scope, string layer)
    {
        scope.AddRequest(bytes);
        EngineMetrics.CountRequest(layer, bytes);
    }

    /// <summary>Lets a task end unwatched.</summary>
    private static void Forget(Task task) =>
        _ = task.ContinueWith(
            static ended => ended.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
}

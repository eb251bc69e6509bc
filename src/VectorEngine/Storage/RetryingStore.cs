using System.Diagnostics;
using System.Runtime.CompilerServices;
using VectorEngine.Telemetry;

namespace VectorEngine.Storage;

/// <summary>
/// Asks a store again for what it failed to do for reasons that pass. Whatever publishes, builds or deletes goes through one; ranges of
/// layers are read past it, by what also limits and hurries them.
/// </summary>
/// <remarks>
/// A conditional write whose answer got lost is refused when it is repeated. What is there then tells whose it is: two writers may write
/// the same under a condition only where it makes no difference which of them has.
/// </remarks>
/// <param name="inner">The store.</param>
internal sealed class RetryingStore(IObjectStore inner) : IObjectStore
{
    /// <summary>The store itself.</summary>
    public IObjectStore Inner => inner;

    public ValueTask<ObjectContent?> TryReadAsync(string key, CancellationToken cancellationToken = default) =>
        ReadWholeAsync(key, null, cancellationToken);

    public ValueTask<ObjectContent?> ReadIfChangedAsync(string key, string knownETag, CancellationToken cancellationToken = default) =>
        ReadWholeAsync(key, knownETag, cancellationToken);

    public ValueTask ReadAsync(string key, long offset, Memory<byte> destination, CancellationToken cancellationToken = default) =>
        RepeatAsync(() => inner.ReadAsync(key, offset, destination, cancellationToken), cancellationToken);

    public ValueTask ReadAsync(string key, IReadOnlyList<ObjectRange> ranges, CancellationToken cancellationToken = default) =>
        RepeatAsync(() => inner.ReadAsync(key, ranges, cancellationToken), cancellationToken);

    public async ValueTask<string> WriteAsync(
        string key, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken = default)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await inner.WriteAsync(key, content, condition, cancellationToken).ConfigureAwait(false);
            }
            catch (WriteConflictException) when (attempt > 1)
            {
                if (await TryReadAsync(key, cancellationToken).ConfigureAwait(false) is { } found
                    && found.Content.Span.SequenceEqual(content.Span))
                    return found.ETag;
                throw;
            }
            catch (StoreException failure) when (Retries.AreWorthIt(failure, attempt))
            {
                await Retries.PauseAsync(attempt, layer: null, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    public async ValueTask<ObjectWriter> CreateAsync(string key, CancellationToken cancellationToken = default)
    {
        ObjectWriter? writer = null;
        await RepeatAsync(
            async () => writer = await inner.CreateAsync(key, cancellationToken).ConfigureAwait(false),
            cancellationToken).ConfigureAwait(false);
        return new Writer(writer!);
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        string told = ""; // keys ascend: a listing that begins again goes on behind it
        for (int attempt = 1; ; attempt++)
        {
            IAsyncEnumerator<ObjectInfo> listing = inner.ListAsync(prefix, cancellationToken).GetAsyncEnumerator(cancellationToken);
            await using (listing.ConfigureAwait(false))
            {
                bool? hasMore;
                while ((hasMore = await MoveNextAsync(listing, attempt).ConfigureAwait(false)) == true)
                {
                    if (string.CompareOrdinal(listing.Current.Key, told) <= 0)
                        continue;
                    told = listing.Current.Key;
                    attempt = 1;
                    yield return listing.Current;
                }

                if (hasMore == false)
                    yield break;
            }

            await Retries.PauseAsync(attempt, layer: null, cancellationToken).ConfigureAwait(false);
        }
    }

    public ValueTask DeleteAsync(string key, CancellationToken cancellationToken = default) =>
        RepeatAsync(() => inner.DeleteAsync(key, cancellationToken), cancellationToken);

    /// <summary>Reads a pointer or a version: measured, as all other reading is where it is done.</summary>
    private async ValueTask<ObjectContent?> ReadWholeAsync(string key, string? knownETag, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            long start = Stopwatch.GetTimestamp();
            try
            {
                ObjectContent? content = knownETag is null
                    ? await inner.TryReadAsync(key, cancellationToken).ConfigureAwait(false)
                    : await inner.ReadIfChangedAsync(key, knownETag, cancellationToken).ConfigureAwait(false);
                Measure(content?.Content.Length ?? 0, failure: null);
                return content;
            }
            catch (Exception failure)
            {
                Measure(0, failure);
                if (!Retries.AreWorthIt(failure, attempt))
                    throw;
                await Retries.PauseAsync(attempt, TelemetryNames.Pointer, cancellationToken).ConfigureAwait(false);
            }

            void Measure(long bytes, Exception? failure)
            {
                EngineMetrics.CountRequest(TelemetryNames.Pointer, bytes);
                EngineMetrics.RecordRequest(TelemetryNames.Pointer, Stopwatch.GetElapsedTime(start), failure);
            }
        }
    }

    /// <summary>Whether a listing goes on; null if it has to begin again.</summary>
    private static async ValueTask<bool?> MoveNextAsync(IAsyncEnumerator<ObjectInfo> listing, int attempt)
    {
        try
        {
            return await listing.MoveNextAsync().ConfigureAwait(false);
        }
        catch (StoreException failure) when (Retries.AreWorthIt(failure, attempt))
        {
            return null;
        }
    }

    private static async ValueTask RepeatAsync(Func<ValueTask> request, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await request().ConfigureAwait(false);
                return;
            }
            catch (StoreException failure) when (Retries.AreWorthIt(failure, attempt))
            {
                await Retries.PauseAsync(attempt, layer: null, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private sealed class Writer(ObjectWriter inner) : ObjectWriter
    {
        public override long Length => inner.Length;

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default) =>
            RepeatAsync(() => inner.WriteAsync(bytes, cancellationToken), cancellationToken);

        public override ValueTask CommitAsync(CancellationToken cancellationToken = default) =>
            RepeatAsync(() => inner.CommitAsync(cancellationToken), cancellationToken);

        public override ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}

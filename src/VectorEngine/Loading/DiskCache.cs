using System.Threading.Channels;
using VectorEngine.Telemetry;

namespace VectorEngine.Loading;

/// <summary>
/// Extents of objects on the local disk: what one process has read from the store need not be read from there again, by it or by others
/// that use the same folder, now or after a restart. What was not used lately is deleted where the limit asks for it.
/// </summary>
/// <remarks>
/// Nothing that comes out of it is trusted: callers verify it as if it came from the store, and call <see cref="Remove"/> when it is wrong.
/// So files need neither be flushed nor locked, and it does not matter when a process is killed. No failure of the disk reaches a search:
/// what cannot be read is not there, and what cannot be written is dropped and counted.
/// </remarks>
internal sealed class DiskCache : IDisposable
{
    /// <summary>Bytes that may wait to be written.</summary>
    private const int QueueLimit = 32 << 20;

    /// <summary>The folder is looked through when this process has written such a part of the limit, which is then free.</summary>
    private const int Shares = 20;

    private const int PauseMilliseconds = 60 * 1000;

    private readonly long _limit;
    private readonly ExtentFolder _folder;
    private readonly Channel<Pending> _queue = Channel.CreateUnbounded<Pending>(new() { SingleReader = true });
    private readonly CancellationTokenSource _disposing = new();
    private readonly Task _writing;

    private long _queued, _writtenSinceTrim, _pausedUntil = long.MinValue;
    private long _hits, _misses, _bytesRead, _bytesWritten, _dropped, _failures;

    /// <summary>Uses a folder, which is created by the first write, and makes it fit into the limit, in the background.</summary>
    /// <param name="folder">Its path. Other files in it are left alone.</param>
    /// <param name="limit">
    /// Bytes that the extents may take on disk, in whole blocks of 4 KiB. Where several processes write at once, each may add a twentieth.
    /// </param>
    public DiskCache(string folder, long limit)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        _folder = new ExtentFolder(folder);
        _limit = limit;
        _writing = Task.Run(WriteQueuedAsync);
    }

    /// <summary>Bytes, in whole blocks, that always stay if there are no more.</summary>
    public long Capacity => _limit - (2 * (_limit / Shares));

    /// <summary>Extents that were found.</summary>
    public long Hits => Volatile.Read(ref _hits);

    /// <summary>Extents that were not.</summary>
    public long Misses => Volatile.Read(ref _misses);

    /// <summary>Bytes of the extents that were found.</summary>
    public long BytesRead => Volatile.Read(ref _bytesRead);

    /// <summary>Bytes of the extents that were written.</summary>
    public long BytesWritten => Volatile.Read(ref _bytesWritten);

    /// <summary>Extents that were added but not written: too many waited, or the disk failed.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    /// <summary>Times that the disk failed to write; each time nothing is written for a minute.</summary>
    public long Failures => Volatile.Read(ref _failures);

    private bool IsPaused => Environment.TickCount64 < Volatile.Read(ref _pausedUntil);

    /// <summary>Reads an extent, which the caller has to verify.</summary>
    /// <param name="key">The object that it is of.</param>
    /// <param name="offset">Its first byte in the object.</param>
    /// <param name="destination">Receives it; what it has otherwise is undefined.</param>
    /// <returns>Whether there was an extent of exactly this range.</returns>
    public bool TryRead(string key, long offset, Span<byte> destination)
    {
        if (!_folder.TryRead(_folder.PathOf(key, offset, destination.Length), destination))
        {
            Interlocked.Increment(ref _misses);
            EngineMetrics.CountDiskLookup(isHit: false);
            return false;
        }

        Interlocked.Increment(ref _hits);
        EngineMetrics.CountDiskLookup(isHit: true);
        Interlocked.Add(ref _bytesRead, destination.Length);
        return true;
    }

    /// <summary>Whether there is an extent of exactly this range, which may still turn out to be wrong.</summary>
    public bool Contains(string key, long offset, int length) =>
        new FileInfo(_folder.PathOf(key, offset, length)) is { Exists: true } file && file.Length == length;

    /// <summary>
    /// Has an extent written in the background, unless it is there; returns at once. It is dropped where too much waits already, where the
    /// disk has failed within the last minute, and where it is longer than a twentieth of the limit.
    /// </summary>
    /// <param name="key">The object that it is of.</param>
    /// <param name="offset">Its first byte in the object.</param>
    /// <param name="bytes">The extent. It is not copied: the caller leaves it unchanged, or it will turn out to be wrong.</param>
    public void Add(string key, long offset, ReadOnlyMemory<byte> bytes)
    {
        bool accepted = ExtentFolder.SpaceOf(bytes.Length) <= _limit / Shares && !IsPaused;
        if (accepted && Interlocked.Add(ref _queued, bytes.Length) <= QueueLimit
            && _queue.Writer.TryWrite(new Pending(_folder.PathOf(key, offset, bytes.Length), bytes, null)))
            return;
        if (accepted)
            Interlocked.Add(ref _queued, -bytes.Length);
        Interlocked.Increment(ref _dropped);
    }

    /// <summary>Deletes an extent that turned out to be wrong.</summary>
    /// <param name="key">The object that it is of.</param>
    /// <param name="offset">Its first byte in the object.</param>
    /// <param name="length">Its length in bytes.</param>
    public void Remove(string key, long offset, int length) => ExtentFolder.TryDelete(_folder.PathOf(key, offset, length));

    /// <summary>Completes when everything added so far has been written or dropped, and the folder fits into the limit.</summary>
    public Task FlushAsync()
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return _queue.Writer.TryWrite(new Pending("", default, done)) ? done.Task : _writing;
    }

    /// <summary>Writes what waits; a look through the folder is broken off.</summary>
    public void Dispose()
    {
        if (!_queue.Writer.TryComplete())
            return;
        _disposing.Cancel();
        _writing.GetAwaiter().GetResult();
        _disposing.Dispose();
    }

    private async Task WriteQueuedAsync()
    {
        Trim();
        await foreach (Pending pending in _queue.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            if (pending.Flushed is { } flushed)
            {
                flushed.SetResult();
                continue;
            }

            Write(pending);
            Interlocked.Add(ref _queued, -pending.Bytes.Length);
        }
    }

    private void Write(Pending pending)
    {
        if (IsPaused)
        {
            Interlocked.Increment(ref _dropped);
            return;
        }

        long space = ExtentFolder.SpaceOf(pending.Bytes.Length);
        if (_writtenSinceTrim + space > _limit / Shares)
            Trim();
        try
        {
            if (!ExtentFolder.Write(pending.Path, pending.Bytes.Span))
                return; // somebody else has it from the store, too
            _writtenSinceTrim += space;
            Interlocked.Add(ref _bytesWritten, pending.Bytes.Length);
        }
        catch (Exception failure) when (ExtentFolder.IsOfTheDisk(failure))
        {
            Interlocked.Increment(ref _dropped);
            Pause();
        }
    }

    /// <summary>Leaves at least a share of the limit free: so much is written before the next time.</summary>
    private void Trim()
    {
        _writtenSinceTrim = 0;
        try
        {
            _folder.Trim(_limit - (_limit / Shares), _limit - (2 * (_limit / Shares)), _disposing.Token);
        }
        catch (Exception failure) when (ExtentFolder.IsOfTheDisk(failure))
        {
            Pause(); // what cannot be looked through cannot be kept within the limit
        }
    }

    private void Pause()
    {
        Interlocked.Increment(ref _failures);
        Volatile.Write(ref _pausedUntil, Environment.TickCount64 + PauseMilliseconds);
    }

    /// <summary>An extent to be written; or nothing but a sign that all before are.</summary>
    private readonly record struct Pending(string Path, ReadOnlyMemory<byte> Bytes, TaskCompletionSource? Flushed);
}

using System.Diagnostics;

namespace VectorEngine.Loading;

/// <summary>
/// What one operation, such as a search, reads from the store: how much, and in how many rounds that depend on each other.
/// Its requests may run at the same time.
/// </summary>
internal sealed class ReadScope
{
    private readonly long _start = Stopwatch.GetTimestamp();
    private long _bytes, _cachedBytes;
    private int _requests, _round = 1, _rounds;

    /// <summary>Whether nobody waits for it: it makes way for others, and nothing is dropped from memory for it.</summary>
    public bool IsBackground { get; init; }

    /// <summary>Requests to the store, with those that were repeated.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>Bytes that they asked for.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Bytes that came from the cache on disk instead.</summary>
    public long CachedBytes => Volatile.Read(ref _cachedBytes);

    /// <summary>Times that the operation had to wait for the store before it knew what to ask for next, and for the last answer.</summary>
    public int Rounds => Volatile.Read(ref _rounds);

    /// <summary>Time since the operation began.</summary>
    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_start);

    /// <summary>Says that what is asked for from now on depends on what has been read until now.</summary>
    public void NextRound()
    {
        if (_rounds == _round)
            _round++;
    }

    /// <summary>Counts a request.</summary>
    public void AddRequest(long bytes)
    {
        Interlocked.Increment(ref _requests);
        Interlocked.Add(ref _bytes, bytes);
        AddWait();
    }

    /// <summary>Counts a wait for what another operation has asked for.</summary>
    public void AddWait() => Volatile.Write(ref _rounds, _round);

    /// <summary>Counts bytes from the cache on disk.</summary>
    public void AddCached(long bytes) => Interlocked.Add(ref _cachedBytes, bytes);
}

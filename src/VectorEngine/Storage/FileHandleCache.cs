using System.Collections.Concurrent;

namespace VectorEngine.Storage;

/// <summary>A bounded number of open files, so that reading a range costs one system call. A hit takes no lock.</summary>
internal sealed class FileHandleCache(int capacity) : IDisposable
{
    private readonly ConcurrentDictionary<string, OpenObject> _files = new(StringComparer.Ordinal);
    private readonly Lock _changing = new();
    private long _generation;
    private bool _disposed;

    /// <summary>Changes with every <see cref="Remove"/>: taken before opening a file, it tells whether to keep the file.</summary>
    public long Generation => Volatile.Read(ref _generation);

    public OpenObject? TryGet(string key)
    {
        if (!_files.TryGetValue(key, out OpenObject? file))
            return null;
        long now = Environment.TickCount64;
        if (file.LastUse != now)   // a write only once per tick: threads that share a file would fight over its cache line
            file.LastUse = now;
        return file;
    }

    /// <summary>
    /// Keeps a file that was opened at <paramref name="generation"/>, and closes the one unused longest if there are too many.
    /// False if the caller has to close it: another thread was first, or an object has been replaced since, perhaps this one.
    /// </summary>
    public bool TryAdd(string key, OpenObject file, long generation)
    {
        lock (_changing)
        {
            if (_disposed || generation != _generation || !_files.TryAdd(key, file))
                return false;
            if (_files.Count > capacity)
                EvictOldest(except: key);
            return true;
        }
    }

    public void Remove(string key)
    {
        lock (_changing)
        {
            _generation++;
            if (_files.TryRemove(key, out OpenObject? file))
                file.Dispose();
        }
    }

    public void Dispose()
    {
        lock (_changing)
        {
            _disposed = true;
            foreach (OpenObject file in _files.Values)
                file.Dispose();
            _files.Clear();
        }
    }

    private void EvictOldest(string except)
    {
        string oldest = _files.Where(f => f.Key != except).MinBy(f => f.Value.LastUse).Key;
        if (_files.TryRemove(oldest, out OpenObject? file))
            file.Dispose();
    }
}

using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;

namespace VectorEngine.Storage;

/// <summary>Keeps objects as files under a folder, which is created by the first write.</summary>
/// <remarks>
/// <para>Reads complete synchronously. Files stay open between reads (at most 64): an object that another instance replaces or deletes
/// may still be read as it was by <see cref="ReadAsync"/>, never by <see cref="TryReadAsync"/>.</para>
/// <para>Conditional writes hold among all processes that write through this class, on file systems with file locks; others are
/// refused with <see cref="NotSupportedException"/>. Whoever finds the folder locked for 30 seconds gives up with
/// <see cref="TimeoutException"/>.</para>
/// <para>Names that begin with '~' are the store's own: the lock file, and objects that are being written. Keys cannot have such names.
/// On file systems that ignore case, keys that differ only in case are one object; on Windows, device names (NUL, COM1) are no keys.</para>
/// </remarks>
public sealed class FileObjectStore : IObjectStore, IDisposable
{
    private const int MaxOpenFiles = 64;
    private const string TemporaryStart = "~";
    private const string TemporaryEnd = ".object";

    private static readonly TimeSpan LockTimeout = TimeSpan.FromSeconds(30);

    // Hidden files included: on Unix, keys may begin with a dot.
    private static readonly EnumerationOptions AllFiles =
        new() { RecurseSubdirectories = true, AttributesToSkip = 0, IgnoreInaccessible = false };

    private readonly string _root;

    // Whatever creates, renames or deletes files and folders holds this; writing and flushing content does not.
    private readonly FolderLock _lock;
    private readonly FileHandleCache _files = new(MaxOpenFiles);
    private volatile bool _disposed;

    /// <summary>Uses a folder, which need not exist yet.</summary>
    /// <param name="folder">Its path; a relative one is resolved now.</param>
    public FileObjectStore(string folder) : this(folder, LockTimeout) { }

    internal FileObjectStore(string folder, TimeSpan lockTimeout)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        _root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        _lock = new FolderLock(_root, lockTimeout);
    }

    /// <inheritdoc/>
    public async ValueTask<ObjectContent?> TryReadAsync(string key, CancellationToken cancellationToken = default)
    {
        string path = GetFullPath(key);
        cancellationToken.ThrowIfCancellationRequested();
        return TryReadWhole(key, path) is { } content ? new ObjectContent(content, EntityTag.Of(content)) : null;
    }

    /// <inheritdoc/>
    public async ValueTask ReadAsync(string key, long offset, Memory<byte> destination, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        cancellationToken.ThrowIfCancellationRequested();
        if (!TryReadCached(key, offset, destination.Span))
            ReadOpening(key, offset, destination.Span);
    }

    /// <inheritdoc/>
    public async ValueTask<string> WriteAsync(
        string key, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken = default)
    {
        FileObjectWriter writer = await StartAsync(key, cancellationToken).ConfigureAwait(false);
        await using (writer.ConfigureAwait(false))
        {
            await writer.WriteAsync(content, cancellationToken).ConfigureAwait(false);
            await writer.CommitAsync(condition, cancellationToken).ConfigureAwait(false);
        }
        return EntityTag.Of(content.Span);
    }

    /// <inheritdoc/>
    public async ValueTask<ObjectWriter> CreateAsync(string key, CancellationToken cancellationToken = default) =>
        await StartAsync(key, cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ObjectKey.ValidatePrefix(prefix);
        ObjectDisposedException.ThrowIf(_disposed, this);
        foreach (ObjectInfo found in await Task.Run(() => Scan(prefix, cancellationToken), cancellationToken).ConfigureAwait(false))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return found;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DeleteAsync(string key, CancellationToken cancellationToken = default)
    {
        string path = GetFullPath(key);
        cancellationToken.ThrowIfCancellationRequested();
        if (!Directory.Exists(_root))
            return;   // rather than creating it for the lock
        using SafeFileHandle held = await _lock.AcquireAsync(cancellationToken).ConfigureAwait(false);
        if (!File.Exists(path))
            return;
        _files.Remove(key);
        File.Delete(path);
        _files.Remove(key);   // again: a reader may have opened it in between
        DeleteEmptyFolders(Path.GetDirectoryName(path)!);
    }

    /// <summary>Deletes what writers left that ended without being disposed, as when their process was killed.</summary>
    /// <param name="cancellationToken">Cancels the deletion.</param>
    /// <returns>The number of files deleted. Those of writers still at work, here or in another process, are left alone.</returns>
    public async ValueTask<int> DeleteLeftoversAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        cancellationToken.ThrowIfCancellationRequested();
        if (!Directory.Exists(_root))
            return 0;
        // Under the lock no writer is between creating its file and locking it, nor between closing and renaming it.
        using SafeFileHandle held = await _lock.AcquireAsync(cancellationToken).ConfigureAwait(false);
        int deleted = 0;
        foreach (string path in Directory.GetFiles(_root, $"{TemporaryStart}*{TemporaryEnd}", AllFiles))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (IsBeingWritten(path))
                continue;
            File.Delete(path);
            DeleteEmptyFolders(Path.GetDirectoryName(path)!);
            deleted++;
        }
        return deleted;
    }

    /// <summary>Closes the files that are kept open.</summary>
    public void Dispose()
    {
        _disposed = true;
        _files.Dispose();
    }

    /// <summary>Where the object is, or would be, on disk.</summary>
    internal string GetFullPath(string key)
    {
        ObjectKey.Validate(key);
        ObjectDisposedException.ThrowIf(_disposed, this);
        return Path.Combine(_root, key.Replace('/', Path.DirectorySeparatorChar));
    }

    /// <summary>Closes a finished temporary file and gives it its name if <paramref name="condition"/> holds.</summary>
    internal async ValueTask PublishAsync(
        string key, string temporaryPath, SafeFileHandle temporary, WriteCondition condition, CancellationToken cancellationToken)
    {
        string path = GetFullPath(key);
        using (await _lock.AcquireAsync(cancellationToken).ConfigureAwait(false))
        {
            temporary.Dispose();
            if (Directory.Exists(path))
                throw new IOException($"'{key}' cannot be written: it is a folder of other objects.");
            ThrowUnlessHolds(condition, key, path);
            _files.Remove(key);
            await ReplaceAsync(temporaryPath, path).ConfigureAwait(false);
            _files.Remove(key);   // again: a reader may have opened the old file in between
        }
        DurableFolder.Flush(Path.GetDirectoryName(path)!);
    }

    /// <summary>Deletes the file of a writer that was not committed.</summary>
    internal void Discard(string temporaryPath)
    {
        if (!File.Exists(temporaryPath))
            return;   // deleted with the whole folder, which must not come back for the lock
        File.Delete(temporaryPath);
        // Disposing should not wait: if others are writing, an empty folder may stay. It is no object and shows nowhere.
        using SafeFileHandle? held = _lock.TryAcquire();
        if (held is not null)
            DeleteEmptyFolders(Path.GetDirectoryName(temporaryPath)!);
    }

    private bool TryReadCached(string key, long offset, Span<byte> destination)
    {
        if (_files.TryGet(key) is not { } file)
            return false;
        try
        {
            file.Read(key, offset, destination);
            return true;
        }
        catch (ObjectDisposedException)
        {
            return false;   // evicted between the look-up and the read
        }
    }

    private void ReadOpening(string key, long offset, Span<byte> destination)
    {
        string path = GetFullPath(key);
        long generation = _files.Generation;
        OpenObject file = OpenObject.TryOpen(path) ?? throw new ObjectNotFoundException(key);
        bool kept = false;
        try
        {
            file.Read(key, offset, destination);
            kept = _files.TryAdd(key, file, generation);   // only now: nobody else could close it during the read
        }
        finally
        {
            if (!kept)
                file.Dispose();
        }
    }

    // Opened afresh: a name that is replaced, such as the pointer's, must not be read through a cached handle.
    private static byte[]? TryReadWhole(string key, string path)
    {
        using OpenObject? file = OpenObject.TryOpen(path);
        if (file is null)
            return null;
        if (file.Length > Array.MaxLength)
            throw new CorruptDataException(key, 0, file.Length, "too long to be read whole");
        var content = new byte[file.Length];
        file.Read(key, 0, content);
        return content;
    }

    private async ValueTask<FileObjectWriter> StartAsync(string key, CancellationToken cancellationToken)
    {
        string folder = Path.GetDirectoryName(GetFullPath(key))!;
        string temporaryPath = Path.Combine(folder, $"{TemporaryStart}{Guid.NewGuid():N}{TemporaryEnd}");
        using SafeFileHandle held = await _lock.AcquireAsync(cancellationToken).ConfigureAwait(false);
        DurableFolder.Create(folder);
        // Not shared: that the file is open is how DeleteLeftoversAsync knows that its writer lives.
        SafeFileHandle file = File.OpenHandle(
            temporaryPath, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.Asynchronous);
        return new FileObjectWriter(this, key, temporaryPath, file);
    }

    private static void ThrowUnlessHolds(WriteCondition condition, string key, string path)
    {
        if (condition.IfAbsent && File.Exists(path))
            throw new WriteConflictException(key);
        if (condition.IfMatch is { } expected && (TryReadWhole(key, path) is not { } content || EntityTag.Of(content) != expected))
            throw new WriteConflictException(key);
    }

    private static async ValueTask ReplaceAsync(string temporaryPath, string path)
    {
        const int MostAttempts = 50, PauseMs = 20;
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                File.Move(temporaryPath, path, overwrite: true);
                return;
            }
            catch (Exception e) when (
                OperatingSystem.IsWindows() && attempt < MostAttempts && e is IOException or UnauthorizedAccessException)
            {
                // Older Windows refuses to replace a file while someone reads it; readers of a replaced name are brief.
                await Task.Delay(PauseMs).ConfigureAwait(false);
            }
        }
    }

    private List<ObjectInfo> Scan(string prefix, CancellationToken cancellationToken)
    {
        var found = new List<ObjectInfo>();
        string folder = Path.Combine(_root, prefix[..(prefix.LastIndexOf('/') + 1)]);
        try
        {
            foreach (string path in Directory.EnumerateFiles(folder, "*", AllFiles))
            {
                cancellationToken.ThrowIfCancellationRequested();
                string key = Path.GetRelativePath(_root, path).Replace(Path.DirectorySeparatorChar, '/');
                if (!key.StartsWith(prefix, StringComparison.Ordinal) || !ObjectKey.IsValid(key))
                    continue;
                var file = new FileInfo(path);
                if (file.Exists)   // asked once, so that length and time belong together; a file deleted meanwhile is left out
                    found.Add(new ObjectInfo(key, file.Length, new DateTimeOffset(file.LastWriteTimeUtc)));
            }
        }
        catch (DirectoryNotFoundException)
        {
            // Nothing was ever written there, or all of it was deleted since.
        }
        found.Sort((a, b) => string.CompareOrdinal(a.Key, b.Key));
        return found;
    }

    private static bool IsBeingWritten(string path)
    {
        try
        {
            using SafeFileHandle alone = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            return false;
        }
        catch (IOException e) when (FolderLock.IsHeldByAnother(e))
        {
            return true;
        }
    }

    // Called under the lock: no writer of this class is about to create a file in the folder that is found empty.
    private void DeleteEmptyFolders(string folder)
    {
        try
        {
            while (folder.Length > _root.Length && !Directory.EnumerateFileSystemEntries(folder).Any())
            {
                Directory.Delete(folder);
                folder = Path.GetDirectoryName(folder)!;
            }
        }
        catch (IOException)
        {
            // Something other than this class put a file there, or deleted the folder: either way there is nothing left to do.
        }
    }
}

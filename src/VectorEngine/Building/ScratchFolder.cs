using Microsoft.Win32.SafeHandles;

namespace VectorEngine.Building;

/// <summary>
/// A folder for a build's temporary files, deleted at its end. A lock file beside it is held open as long as the build lives: what builds
/// of processes that died have left is found by its lock being free, and deleted by the next build.
/// </summary>
internal sealed class ScratchFolder : IDisposable
{
    private const string Prefix = "vectorengine-build-", LockExtension = ".lock";

    private readonly string _lockPath;
    private readonly SafeFileHandle _lock;

    /// <param name="parent">Where the folder goes; created if it is missing.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    public ScratchFolder(string parent)
    {
        Path = System.IO.Path.Combine(parent, $"{Prefix}{Guid.NewGuid():N}");
        _lockPath = Path + LockExtension;
        try
        {
            Directory.CreateDirectory(parent);
            DeleteLeftovers(parent);
            _lock = CreateLock(_lockPath);
            // What is in it is nobody else's business.
            if (OperatingSystem.IsWindows())
                Directory.CreateDirectory(Path);
            else
                Directory.CreateDirectory(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            _lock?.Dispose();
            throw new IOException($"The scratch folder '{parent}' cannot be used: {failure.Message}", failure);
        }
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>A new file in it.</summary>
    public FileStream Create(string name, int bufferSize) => new(
        System.IO.Path.Combine(Path, name), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, bufferSize);

    public void Dispose()
    {
        // The lock goes last: until then nobody else touches the folder.
        DeleteFolder(Path);
        _lock.Dispose();
        TryDelete(_lockPath);
    }

    private static SafeFileHandle CreateLock(string path)
    {
        const int Attempts = 5;
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (attempt < Attempts)
            {
                // Another build has found the file before it was locked, and is about to delete it.
                Thread.Sleep(10);
            }
        }
    }

    private static void DeleteLeftovers(string parent)
    {
        foreach (string path in Directory.EnumerateFiles(parent, $"{Prefix}*{LockExtension}"))
        {
            try
            {
                using SafeFileHandle held = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
                DeleteFolder(path[..^LockExtension.Length]);
                TryDelete(path);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                // In use by a living build, or another's, or deleted meanwhile.
            }
        }
    }

    private static void DeleteFolder(string path)
    {
        try
        {
            Directory.Delete(path, recursive: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Nothing but disk space depends on it, and the next build tries again.
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // As above.
        }
    }
}

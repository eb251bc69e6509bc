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
    public ScratchFolder(string parent)
    {
        Directory.CreateDirectory(parent);
        DeleteLeftovers(parent);
        Path = System.IO.Path.Combine(parent, $"{Prefix}{Guid.NewGuid():N}");
        _lockPath = Path + LockExtension;
        _lock = File.OpenHandle(_lockPath, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
        Directory.CreateDirectory(Path);
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

using Microsoft.Win32.SafeHandles;

namespace VectorEngine.Storage;

/// <summary>An object's file, open for positional reads. The length is taken once: a file is complete before it gets its name.</summary>
internal sealed class OpenObject : IDisposable
{
    private readonly SafeFileHandle _handle;

    private OpenObject(SafeFileHandle handle)
    {
        _handle = handle;
        Length = RandomAccess.GetLength(handle);
    }

    public long Length { get; }

    /// <summary>When it was last read, in <see cref="Environment.TickCount64"/>: what the cache evicts by.</summary>
    public long LastUse { get; set; } = Environment.TickCount64;

    /// <summary>Opens the file, or returns null if there is none.</summary>
    public static OpenObject? TryOpen(string path)
    {
        try
        {
            // All sharing, delete included: reading an object never stands in the way of replacing or deleting it.
            return new OpenObject(File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (UnauthorizedAccessException) when (Directory.Exists(path))
        {
            return null;
        }
    }

    /// <summary>Fills <paramref name="destination"/>, or throws if the file ends before.</summary>
    /// <exception cref="ObjectDisposedException">The file was closed meanwhile.</exception>
    public void Read(string key, long offset, Span<byte> destination)
    {
        if (offset > Length - destination.Length)
            throw new CorruptDataException(key, offset, destination.Length, $"the object has only {Length} bytes.");

        Span<byte> rest = destination;
        while (!rest.IsEmpty)
        {
            int read = RandomAccess.Read(_handle, rest, offset + destination.Length - rest.Length);
            if (read == 0)
                throw new CorruptDataException(key, offset, destination.Length, $"the object had {Length} bytes and was cut off since.");
            rest = rest[read..];
        }
    }

    // The handle counts the reads in progress: closing it here lets them finish.
    public void Dispose() => _handle.Dispose();
}

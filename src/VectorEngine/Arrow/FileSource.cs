using Microsoft.Win32.SafeHandles;

namespace VectorEngine.Arrow;

/// <summary>
/// A local file. It is read synchronously: from the page cache, handing a read to another thread takes longer than the read.
/// </summary>
internal sealed class FileSource : IRangeSource, IDisposable
{
    private readonly string _path;
    private readonly SafeFileHandle _handle;

    public FileSource(string path)
    {
        _path = path;
        _handle = File.OpenHandle(path, options: FileOptions.RandomAccess);
        Length = RandomAccess.GetLength(_handle);
    }

    public long Length { get; }

    public ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Span<byte> rest = destination.Span;
        while (!rest.IsEmpty)
        {
            int read = RandomAccess.Read(_handle, rest, offset + destination.Length - rest.Length);
            if (read == 0)
                throw new CorruptDataException(_path, offset, destination.Length, $"the file had {Length} bytes and was cut off since");
            rest = rest[read..];
        }
        return ValueTask.CompletedTask;
    }

    // The handle counts the reads in progress: closing it here lets them finish.
    public void Dispose() => _handle.Dispose();
}

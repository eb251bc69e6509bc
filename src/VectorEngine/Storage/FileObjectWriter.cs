using Microsoft.Win32.SafeHandles;

namespace VectorEngine.Storage;

/// <summary>Writes a temporary file beside the object's place; committing flushes and renames it.</summary>
internal sealed class FileObjectWriter(FileObjectStore store, string key, string temporaryPath, SafeFileHandle file) : ObjectWriter
{
    private long _length;
    private bool _commitTried;
    private bool _committed;
    private bool _disposed;

    public override long Length => _length;

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default)
    {
        ThrowIfEnded();
        await RandomAccess.WriteAsync(file, bytes, _length, cancellationToken).ConfigureAwait(false);
        _length += bytes.Length;   // only now: what a failed call left in the file is overwritten, or cut off by the commit
    }

    public override ValueTask CommitAsync(CancellationToken cancellationToken = default) =>
        CommitAsync(WriteCondition.None, cancellationToken);

    public async ValueTask CommitAsync(WriteCondition condition, CancellationToken cancellationToken)
    {
        ThrowIfEnded();
        _commitTried = true;
        RandomAccess.SetLength(file, _length);
        // Flushing a large file takes seconds and has no asynchronous form.
        await Task.Run(() => RandomAccess.FlushToDisk(file), cancellationToken).ConfigureAwait(false);
        await store.PublishAsync(key, temporaryPath, file, condition, cancellationToken).ConfigureAwait(false);
        _committed = true;
    }

    public override ValueTask DisposeAsync()
    {
        if (!_disposed)
        {
            _disposed = true;
            file.Dispose();
            if (!_committed)
                store.Discard(temporaryPath);
        }
        return ValueTask.CompletedTask;
    }

    private void ThrowIfEnded()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_commitTried)
            throw new InvalidOperationException($"The writer of '{key}' was committed already.");
    }
}

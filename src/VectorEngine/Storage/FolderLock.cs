using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace VectorEngine.Storage;

/// <summary>
/// Mutual exclusion between all writers of a folder, in this process and others: whoever has the lock file open has the lock,
/// and the operating system closes it when a process dies. The file is never deleted: two writers could then lock two different files.
/// </summary>
internal sealed class FolderLock(string folder, TimeSpan timeout)
{
    public const string FileName = "~lock";

    private const int LongestPauseMs = 32;

    private readonly string _path = Path.Combine(folder, FileName);
    private bool _works;

    /// <summary>Waits for the lock, which is held until the handle is disposed. Creates the folder if it is missing.</summary>
    /// <exception cref="TimeoutException">Others held the lock all the time.</exception>
    public async ValueTask<SafeFileHandle> AcquireAsync(CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        for (int attempt = 0; ; attempt++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (TryAcquire() is { } held)
                return held;
            if (Stopwatch.GetElapsedTime(start) > timeout)
                throw new TimeoutException($"Another writer has held '{_path}' for {timeout.TotalSeconds:0.#} s.");
            // A random pause: writers that started together do not come back together.
            int pause = Random.Shared.Next(1, Math.Min(2 << Math.Min(attempt, 8), LongestPauseMs) + 1);
            await Task.Delay(pause, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Takes the lock if it is free; null otherwise.</summary>
    public SafeFileHandle? TryAcquire()
    {
        SafeFileHandle? held = TryOpen();
        if (held is null || _works)
            return held;

        // Some network file systems accept a lock and ignore it: every writer would then win every race.
        using SafeFileHandle? second = TryOpen();
        if (second is not null)
        {
            held.Dispose();
            throw new NotSupportedException(
                $"The file system of '{folder}' has no file locks, or they are switched off: conditional writes would not be safe.");
        }
        _works = true;
        return held;
    }

    private SafeFileHandle? TryOpen()
    {
        DurableFolder.Create(folder);
        try
        {
            return File.OpenHandle(_path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (IsHeldByAnother(e))
        {
            return null;
        }
    }

    /// <summary>Whether opening a file failed only because someone else has it open, rather than for want of space or rights.</summary>
    public static bool IsHeldByAnother(IOException e)
    {
        const int TryAgainLinux = 11, TryAgainMacOS = 35;   // EAGAIN
        const int SharingViolation = unchecked((int)0x80070020);
        return e.HResult is TryAgainLinux or TryAgainMacOS or SharingViolation;
    }
}

using System.Runtime.InteropServices;

namespace VectorEngine.Storage;

/// <summary>
/// Folders whose entries survive a power failure. Flushing a file makes its bytes durable but not its name, which is in the folder:
/// without this, a published version could outlive the renaming of the objects that it names.
/// </summary>
internal static partial class DurableFolder
{
    private const int ReadOnly = 0;
    private const int CloseOnExecLinux = 0x80000;
    private const int CloseOnExecMacOS = 0x1000000;
    private const int InputOutputError = 5;   // EIO

    /// <summary>Creates a folder and those above it where they are missing.</summary>
    public static void Create(string path)
    {
        if (Directory.Exists(path))
            return;
        string? parent = Path.GetDirectoryName(path);
        if (parent is not null)
            Create(parent);
        Directory.CreateDirectory(path);
        if (parent is not null)
            Flush(parent);
    }

    /// <summary>Waits until the folder's entries are on disk. NTFS journals them in order and has no such call.</summary>
    public static void Flush(string path)
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS())
            return;
        int descriptor = Open(path, ReadOnly | (OperatingSystem.IsLinux() ? CloseOnExecLinux : CloseOnExecMacOS));
        if (descriptor < 0)
            return;   // a folder that may be written but not read: its names are as durable as the file system makes them
        try
        {
            // Other errors mean that this file system cannot flush a folder; this one means that the disk failed.
            if (Synchronize(descriptor) != 0 && Marshal.GetLastPInvokeError() == InputOutputError)
                throw new IOException($"The folder '{path}' could not be flushed to disk.");
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Synchronize(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}

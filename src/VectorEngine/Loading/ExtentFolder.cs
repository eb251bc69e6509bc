using System.Collections.Concurrent;
using System.Globalization;
using System.IO.Enumeration;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace VectorEngine.Loading;

/// <summary>
/// The files of a <see cref="DiskCache"/>, one per extent: <c>FOLDER/vectorengine-cache/OBJECT/SHARD/OFFSET-LENGTH</c>, where OBJECT is a
/// hash of the object's key, SHARD has the extents of each 256th MiB, and a file's time is that of its last use. Processes may share it.
/// </summary>
internal sealed class ExtentFolder(string folder)
{
    /// <summary>The folder in the caller's folder: what else lies there is left alone.</summary>
    public const string Name = "vectorengine-cache";

    private const int MaxAttempts = 5;
    private const string TemporaryStart = "~";
    private const int ObjectNameBytes = 16, ShardShift = 20;

    /// <summary>What file systems allocate at a time.</summary>
    private const int Block = 4096;

    // Ages are told apart to about 4 %, so that what is oldest is found without keeping a list of the files.
    private const int AgeClasses = 512, ClassesPerDoubling = 16;

    /// <summary>
    /// Writing a file takes milliseconds: one that has not got its name for so long never will, and no folder waits for its first so long.
    /// </summary>
    private static readonly TimeSpan Abandoned = TimeSpan.FromMinutes(10);

    /// <summary>A file's time of last use is written at most so often.</summary>
    private static readonly TimeSpan UseInterval = TimeSpan.FromMinutes(10);

    private static readonly EnumerationOptions AllFiles = new() { RecurseSubdirectories = true, AttributesToSkip = 0 };

    private readonly string _root = Path.Combine(Path.GetFullPath(folder), Name);

    private long _touchAfter = long.MinValue;

    // The folder of each object: a hash takes a tenth of the time of reading an extent.
    private readonly ConcurrentDictionary<string, string> _objects = new(StringComparer.Ordinal);

    /// <summary>Where an extent is, or would be.</summary>
    public string PathOf(string key, long offset, int length)
    {
        string extents = _objects.GetOrAdd(key, static (key, root) => Path.Combine(root, NameOf(key)), _root);
        char separator = Path.DirectorySeparatorChar;
        return $"{extents}{separator}{(byte)(offset >> ShardShift):x2}{separator}{offset:x}-{length:x}";
    }

    private static string NameOf(string key) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)).AsSpan(0, ObjectNameBytes));

    /// <summary>Bytes that a file of this length takes on disk.</summary>
    public static long SpaceOf(long length) => (length + Block - 1) & -Block;

    /// <summary>Reads an extent if its file has exactly this length, and marks it as used.</summary>
    public bool TryRead(string path, Span<byte> destination)
    {
        try
        {
            // Asked first: opening a missing file is an exception, which takes ten times as long.
            if (!File.Exists(path))
                return false;
            using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (RandomAccess.GetLength(file) != destination.Length)
                return false;
            int read = 0;
            for (int count = -1; count != 0 && read < destination.Length; read += count)
                count = RandomAccess.Read(file, destination[read..], read);
            if (DateTime.UtcNow - File.GetLastWriteTimeUtc(file) > UseInterval && Environment.TickCount64 >= Volatile.Read(ref _touchAfter))
                Touch(path);
            return read == destination.Length;
        }
        catch (Exception failure) when (IsOfTheDisk(failure))
        {
            return false;
        }
    }

    /// <summary>
    /// Writes an extent beside its place and gives it its name, unless it is there already. It need not survive a power failure, so nothing
    /// is flushed.
    /// </summary>
    /// <returns>Whether anything was written.</returns>
    /// <exception cref="IOException">The disk is full, or fails.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public static bool Write(string path, ReadOnlySpan<byte> bytes)
    {
        if (new FileInfo(path) is { Exists: true } present && present.Length == bytes.Length)
            return false;
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                WriteBeside(path, bytes);
                return true;
            }
            catch (IOException gone) when (attempt < MaxAttempts && (gone is DirectoryNotFoundException or FileNotFoundException))
            {
                // Another process may just have deleted the folder because it was empty.
            }
        }
    }

    private static void WriteBeside(string path, ReadOnlySpan<byte> bytes)
    {
        string parent = Path.GetDirectoryName(path)!;
        string temporary = Path.Combine(parent, $"{TemporaryStart}{Guid.NewGuid():N}");
        try
        {
            Directory.CreateDirectory(parent);
            using (SafeFileHandle file = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.Delete))
                RandomAccess.Write(file, bytes, 0);
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            TryDelete(temporary);
            throw;
        }
    }

    private void Touch(string path)
    {
        try
        {
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow);
        }
        catch (Exception failure) when (IsOfTheDisk(failure))
        {
            // Evicted meanwhile, or another user's, as all may be: it will only be dropped a little early.
            Volatile.Write(ref _touchAfter, Environment.TickCount64 + (long)UseInterval.TotalMilliseconds);
        }
    }

    /// <summary>Deletes a file if it is there and may be deleted.</summary>
    public static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception failure) when (IsOfTheDisk(failure))
        {
            // Another process has it open or has deleted its folder; the next one to come by tries again.
        }
    }

    /// <summary>Whether something went wrong on the disk, rather than in the program.</summary>
    public static bool IsOfTheDisk(Exception failure) => failure is IOException or UnauthorizedAccessException;

    /// <summary>Makes room if extents take too much: what was not used lately goes. So do old temporary files, in any case.</summary>
    /// <param name="most">Bytes that may be there.</param>
    /// <param name="goal">Bytes that are left if there are more.</param>
    /// <param name="stop">Ends the work early.</param>
    public void Trim(long most, long goal, CancellationToken stop)
    {
        if (!Directory.Exists(_root))
            return;
        DateTime now = DateTime.UtcNow;
        long[] space = new long[AgeClasses];
        foreach (CachedFile file in Files(stop))
        {
            if (!file.IsTemporary)
                space[AgeClass(now - file.LastUse)] += SpaceOf(file.Length);
            else if (now - file.LastUse > Abandoned)
                TryDelete(file.Path);
        }

        long surplus = space.Sum() - goal;
        if (stop.IsCancellationRequested || surplus + goal <= most)
            return;
        int youngest = AgeClasses - 1; // of those to delete; of this class no more than what is then still too much
        for (; surplus > space[youngest]; youngest--)
            surplus -= space[youngest];
        foreach (CachedFile file in Files(stop))
        {
            int age = AgeClass(now - file.LastUse);
            if (file.IsTemporary || age < youngest || (age == youngest && surplus <= 0))
                continue;
            TryDelete(file.Path);
            if (age == youngest)
                surplus -= SpaceOf(file.Length);
        }

        DeleteEmptyFolders();
    }

    private static int AgeClass(TimeSpan age) =>
        (int)Math.Clamp(ClassesPerDoubling * Math.Log2(Math.Max(1, age.TotalSeconds)), 0, AgeClasses - 1);

    /// <summary>The extents and what may become some; nothing else that lies there.</summary>
    private IEnumerable<CachedFile> Files(CancellationToken stop)
    {
        var files = new FileSystemEnumerable<CachedFile>(_root, Read, AllFiles)
        {
            ShouldIncludePredicate = static (ref entry) => !entry.IsDirectory && (IsTemporary(entry.FileName) || IsExtent(entry.FileName)),
        };
        return files.TakeWhile(_ => !stop.IsCancellationRequested);

        static CachedFile Read(ref FileSystemEntry entry) =>
            new(entry.ToFullPath(), entry.LastWriteTimeUtc.UtcDateTime, entry.Length, IsTemporary(entry.FileName));
    }

    private static bool IsTemporary(ReadOnlySpan<char> name) =>
        name.StartsWith(TemporaryStart) && Guid.TryParseExact(name[TemporaryStart.Length..], "N", out _);

    private static bool IsExtent(ReadOnlySpan<char> name)
    {
        int dash = name.IndexOf('-');
        return dash > 0 && IsNumber(name[..dash]) && IsNumber(name[(dash + 1)..]);

        static bool IsNumber(ReadOnlySpan<char> digits) =>
            long.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _);
    }

    private void DeleteEmptyFolders()
    {
        foreach (string extents in Directory.EnumerateDirectories(_root))
        {
            try
            {
                bool isLeft = IsLeft(extents);
                foreach (string shard in Directory.EnumerateDirectories(extents))
                    DeleteIfEmpty(shard, IsLeft(shard));
                DeleteIfEmpty(extents, isLeft);
            }
            catch (Exception failure) when (IsOfTheDisk(failure))
            {
                // Another process has just put something into it, or deleted it.
            }
        }

        // Where something was just made or deleted, another process may be about to put a file.
        static bool IsLeft(string folder) => DateTime.UtcNow - Directory.GetLastWriteTimeUtc(folder) > Abandoned;

        static void DeleteIfEmpty(string folder, bool isLeft)
        {
            if (isLeft && !Directory.EnumerateFileSystemEntries(folder).Any())
                Directory.Delete(folder);
        }
    }

    private readonly record struct CachedFile(string Path, DateTime LastUse, long Length, bool IsTemporary);
}

using System.Runtime.InteropServices;

namespace VectorEngine.Tests.Kernels;

/// <summary>
/// Memory whose end touches a page that may be neither read nor written: a kernel that leaves its span at the upper end stops the process.
/// Where the platform offers no such page, plain memory. Below the span lie canaries, checked when the next span is taken and at the end.
/// </summary>
internal sealed unsafe partial class GuardedMemory : IDisposable
{
    private const byte Canary = 0xA5;
    private readonly byte* _start;
    private readonly nuint _usable, _reserved;
    private nuint _canaries;

    public GuardedMemory(int capacity)
    {
        nuint page = (nuint)Environment.SystemPageSize;
        _usable = ((nuint)capacity + 64 + page - 1) / page * page;
        _reserved = _usable + page;
        _start = Reserve(_reserved);
        // SAFETY: page after page was reserved; only the last one becomes unreachable.
        Protect(_start + _usable, page);
    }

    ~GuardedMemory() => Release();

    /// <summary>A span that ends <paramref name="trailing"/> bytes before the forbidden page.</summary>
    public Span<T> Last<T>(int length, int trailing = 0) where T : unmanaged
    {
        CheckCanaries();
        nuint bytes = ((nuint)length * (nuint)sizeof(T)) + (nuint)trailing;
        Assert.True(bytes + 64 <= _usable, "The guarded memory is too small.");
        _canaries = _usable - bytes;
        // SAFETY: the canaries and the span divide the usable bytes between them.
        new Span<byte>(_start + _canaries - 64, 64).Fill(Canary);
        return new Span<T>(_start + _canaries, length);
    }

    /// <summary>Copies values to the end of the memory.</summary>
    public Span<T> Last<T>(ReadOnlySpan<T> values, int trailing = 0) where T : unmanaged
    {
        Span<T> span = Last<T>(values.Length, trailing);
        values.CopyTo(span);
        return span;
    }

    public void Dispose()
    {
        CheckCanaries();
        Release();
        GC.SuppressFinalize(this);
    }

    private void CheckCanaries()
    {
        // SAFETY: 64 canaries lie below the latest span.
        if (_canaries != 0)
            Assert.Equal(-1, new ReadOnlySpan<byte>(_start + _canaries - 64, 64).IndexOfAnyExcept(Canary));
    }

    private static byte* Reserve(nuint bytes)
    {
        void* start = null;
        if (OperatingSystem.IsLinux())
            start = MemoryMap(0, bytes, protection: 3, flags: 0x22, file: -1, offset: 0);
        else if (OperatingSystem.IsWindows())
            start = VirtualAlloc(0, bytes, type: 0x3000, protection: 4);
        else
            start = NativeMemory.AllocZeroed(bytes);
        if (start == null || start == (void*)-1)
            throw new OutOfMemoryException();
        return (byte*)start;
    }

    private static void Protect(byte* page, nuint bytes)
    {
        bool done = true;
        if (OperatingSystem.IsLinux())
            done = MemoryProtect(page, bytes, protection: 0) == 0;
        else if (OperatingSystem.IsWindows())
            done = VirtualProtect(page, bytes, protection: 1, out _) != 0;
        Assert.True(done, "The guard page could not be protected.");
    }

    private void Release()
    {
        // SAFETY: called once, by Dispose or by the finaliser.
        if (OperatingSystem.IsLinux())
            _ = MemoryUnmap(_start, _reserved);
        else if (OperatingSystem.IsWindows())
            _ = VirtualFree(_start, 0, type: 0x8000);
        else
            NativeMemory.Free(_start);
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* MemoryMap(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int MemoryProtect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int MemoryUnmap(void* address, nuint length);

    [LibraryImport("kernel32")]
    private static partial void* VirtualAlloc(nint address, nuint size, uint type, uint protection);

    [LibraryImport("kernel32")]
    private static partial int VirtualProtect(void* address, nuint size, uint protection, out uint previous);

    [LibraryImport("kernel32")]
    private static partial int VirtualFree(void* address, nuint size, uint type);
}

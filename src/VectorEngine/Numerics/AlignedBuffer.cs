using System.Runtime.InteropServices;

namespace VectorEngine.Numerics;

/// <summary>
/// Zeroed native memory that starts on a 64-byte boundary and may be read up to <see cref="ReadablePadding"/> bytes past its end,
/// so that kernels can load whole registers at the tail.
/// </summary>
internal sealed unsafe class AlignedBuffer<T> : IDisposable where T : unmanaged
{
    /// <summary>Cache line and widest register.</summary>
    public const int Alignment = 64;

    /// <summary>Bytes past the end that are allocated and zero.</summary>
    public const int ReadablePadding = 64;

    private T* _pointer;

    public AlignedBuffer(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        nuint bytes = checked((nuint)length * (nuint)sizeof(T) + ReadablePadding);
        _pointer = (T*)NativeMemory.AlignedAlloc(bytes, Alignment);
        NativeMemory.Clear(_pointer, bytes);
        Length = length;
    }

    ~AlignedBuffer() => Free();

    /// <summary>Number of elements.</summary>
    public int Length { get; }

    /// <summary>The elements; not to be used after disposal.</summary>
    public Span<T> Span
    {
        get
        {
            ObjectDisposedException.ThrowIf(_pointer is null, this);
            return new Span<T>(_pointer, Length); // SAFETY: the memory holds Length elements until Free.
        }
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(_pointer); // SAFETY: null is allowed and the pointer is cleared, so a second call frees nothing.
        _pointer = null;
    }
}

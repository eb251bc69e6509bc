using System.Runtime.CompilerServices;

namespace VectorEngine.Numerics;

/// <summary>
/// Memory that starts on a 64-byte boundary and may be read up to <see cref="ReadablePadding"/> bytes past its end,
/// so that kernels can load whole registers at the tail. A pinned array: a span of it keeps it alive, and nobody has to free it.
/// </summary>
internal sealed class AlignedBuffer<T> where T : unmanaged
{
    /// <summary>Cache line and widest register.</summary>
    public const int Alignment = 64;

    /// <summary>Bytes past the end that may be read.</summary>
    public const int ReadablePadding = 64;

    /// <summary>The longest buffer of bytes.</summary>
    public static int MaxBytes => Array.MaxLength - Alignment - ReadablePadding;

    private readonly T[] _array;
    private readonly int _start;

    /// <summary>Allocates zeroed memory.</summary>
    public AlignedBuffer(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        int size = Unsafe.SizeOf<T>();
        _array = GC.AllocateArray<T>(checked(length + ((Alignment + ReadablePadding) / size)), pinned: true);
        unsafe
        {
            // SAFETY: the array is pinned for its whole life, so its address does not change; a multiple of the element's size is skipped.
            nuint address = (nuint)Unsafe.AsPointer(ref _array[0]);
            _start = (int)(((address + Alignment - 1) & ~(nuint)(Alignment - 1)) - address) / size;
        }

        Length = length;
    }

    /// <summary>Number of elements.</summary>
    public int Length { get; }

    public Span<T> Span => _array.AsSpan(_start, Length);

    public Memory<T> Memory => _array.AsMemory(_start, Length);
}

using System.Buffers;
using System.Runtime.InteropServices;

namespace VectorEngine.Numerics;

/// <summary>
/// A long array of floats outside the managed heap: freed the moment it is disposed, where a managed one would wait for a full collection,
/// and grown without a copy where the system can. Nothing may use its memory after it was disposed or grown.
/// </summary>
internal sealed unsafe class NativeFloats : MemoryManager<float>
{
    private float* _values;
    private int _length;

    /// <summary>Makes room for more floats; those that are there stay, new ones are undefined.</summary>
    public void Grow(int length)
    {
        // SAFETY: the pointer is null or came from here; the old block is not used again.
        _values = (float*)NativeMemory.Realloc(_values, (nuint)length * sizeof(float));
        _length = length;
    }

    // SAFETY: as many floats were allocated.
    public override Span<float> GetSpan() => new(_values, _length);

    // SAFETY: the index is within the allocation, which does not move unless it grows.
    public override MemoryHandle Pin(int elementIndex = 0) => new(_values + elementIndex);

    public override void Unpin() { }

    protected override void Dispose(bool disposing)
    {
        // SAFETY: freed once: the pointer is cleared.
        NativeMemory.Free(_values);
        _values = null;
        _length = 0;
    }
}

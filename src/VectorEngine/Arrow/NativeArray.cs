using System.Buffers;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace VectorEngine.Arrow;

/// <summary>
/// An array of another implementation, moved into a structure of our own. It is released when it is disposed and nothing of it is pinned,
/// or when neither it nor any memory that views it can be reached any more.
/// </summary>
internal sealed unsafe class NativeArray : SafeHandleZeroOrMinusOneIsInvalid
{
    /// <exception cref="ArgumentException">The array has been released.</exception>
    public NativeArray(CArray* source) : base(ownsHandle: true)
    {
        // SAFETY: the caller vouches for the source. Who moves a structure copies it and marks the source as released.
        if (source->Release is null)
            throw new ArgumentException("The array has been released.");
        SetHandle((nint)NativeMemory.Alloc((nuint)sizeof(CArray)));
        *Root = *source;
        source->Release = null;
    }

    public CArray* Root => (CArray*)handle;

    protected override bool ReleaseHandle()
    {
        // SAFETY: the handle is released once, when nobody refers to the array.
        Root->Release(Root);
        NativeMemory.Free(Root);
        return true;
    }
}

/// <summary>Memory of a <see cref="NativeArray"/>, which it keeps from being released.</summary>
internal sealed unsafe class NativeArrayMemory<T>(NativeArray owner, T* values, int length) : MemoryManager<T> where T : unmanaged
{
    public override Span<T> GetSpan()
    {
        ObjectDisposedException.ThrowIf(owner.IsClosed, owner);
        // SAFETY: the array has been checked to have a buffer here, and the interface says that it holds so many values.
        return new Span<T>(values, length);
    }

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elementIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(elementIndex, length);
        bool added = false;
        owner.DangerousAddRef(ref added);
        // SAFETY: the index is at most the length, and the array is not released before Unpin is called.
        return new MemoryHandle(values + elementIndex, pinnable: this);
    }

    public override void Unpin() => owner.DangerousRelease();

    protected override void Dispose(bool disposing) { }
}

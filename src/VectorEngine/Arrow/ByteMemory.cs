using System.Buffers;
using System.Runtime.InteropServices;

namespace VectorEngine.Arrow;

/// <summary>Views memory of values as bytes, so that files are read into typed arrays and written from them without a copy.</summary>
internal sealed class ByteMemory<T> : MemoryManager<byte> where T : unmanaged
{
    private readonly Memory<T> _values;

    private ByteMemory(Memory<T> values) => _values = values;

    /// <exception cref="OverflowException">The values take 2 GiB or more.</exception>
    public static Memory<byte> Of(Memory<T> values) => values.IsEmpty ? Memory<byte>.Empty : new ByteMemory<T>(values).Memory;

    /// <inheritdoc cref="Of(Memory{T})"/>
    public static ReadOnlyMemory<byte> Of(ReadOnlyMemory<T> values) => Of(MemoryMarshal.AsMemory(values));

    public override Span<byte> GetSpan() => MemoryMarshal.AsBytes(_values.Span);

    public override unsafe MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elementIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(elementIndex, GetSpan().Length);
        MemoryHandle handle = _values.Pin();
        // SAFETY: the values are pinned until the new handle is disposed, and the index is at most their length in bytes.
        return new MemoryHandle((byte*)handle.Pointer + elementIndex, pinnable: new PinnedValues(handle));
    }

    public override void Unpin() { }

    protected override void Dispose(bool disposing) { }

    private sealed class PinnedValues(MemoryHandle handle) : IPinnable
    {
        private MemoryHandle _handle = handle;

        public MemoryHandle Pin(int elementIndex) => throw new NotSupportedException();

        public void Unpin() => _handle.Dispose();
    }
}

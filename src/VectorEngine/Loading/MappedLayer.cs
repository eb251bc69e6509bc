using System.Buffers;
using System.Diagnostics;
using System.IO.MemoryMappedFiles;

namespace VectorEngine.Loading;

/// <summary>
/// A layer read straight from a mapped file; each extent is verified when it is first touched. For files that nobody rewrites:
/// truncating a mapped file kills the process, and a change after the check goes unnoticed.
/// </summary>
internal sealed class MappedLayer : Layer, IDisposable
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly MappedExtent?[] _extents;

    public MappedLayer(LayerSource source, string path) : base(source)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
            throw new ObjectNotFoundException(source.Key);
        // An empty file cannot be mapped, and kernels read past the last code of a list, up to the end that the file should have.
        if (file.Length < Math.Max(1, source.Length))
            throw new CorruptDataException(source.Key, 0, file.Length, $"the file should have {source.Length} bytes");
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        _view = _file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        _extents = new MappedExtent?[source.Count];
    }

    public override bool TryRead(int extent, out ReadOnlyMemory<byte> bytes)
    {
        bytes = Read(extent);
        return true;
    }

    public override bool Contains(int extent) => true;

    public override ExtentReads Start(ReadOnlySpan<int> extents, ReadScope scope) =>
        throw new UnreachableException("All of a mapped file is at hand.");

    private ReadOnlyMemory<byte> Read(int extent)
    {
        if (Volatile.Read(ref _extents[extent]) is { } verified)
            return verified.Memory;
        (long offset, int length) = Source.Extent(extent);
        if (offset + length > _view.Capacity)
            throw new CorruptDataException(Source.Key, offset, length, "the file ends before this range does");
        var mapped = new MappedExtent(_view, offset, length);
        Source.Check(extent, mapped.Memory);
        Volatile.Write(ref _extents[extent], mapped);
        return mapped.Memory;
    }

    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }

    /// <summary>A range of the mapping as memory. It holds the view, so that the mapping outlives whoever still has this.</summary>
    private sealed unsafe class MappedExtent(MemoryMappedViewAccessor view, long offset, int length) : MemoryManager<byte>
    {
        // SAFETY: the caller checked that the range lies within the view. The pointer is valid while the view is: the index disposes it
        // only after its last search has ended.
        private readonly byte* _start = (byte*)view.SafeMemoryMappedViewHandle.DangerousGetHandle() + view.PointerOffset + offset;
        private readonly MemoryMappedViewAccessor _view = view;

        public override Span<byte> GetSpan() => new(_start, length);

        public override MemoryHandle Pin(int elementIndex = 0) => new(_start + elementIndex);

        public override void Unpin() => GC.KeepAlive(_view);

        protected override void Dispose(bool disposing) { }
    }
}

using VectorEngine.Numerics;

namespace VectorEngine.Loading;

/// <summary>A range of a layer on its way: extents that operations wait for together, and others between them.</summary>
/// <param name="first">Its first extent.</param>
/// <param name="last">Its last extent.</param>
internal sealed class RangeFetch(int first, int last)
{
    private readonly CancellationTokenSource _cancellation = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly AlignedBuffer<byte>?[] _buffers = new AlignedBuffer<byte>?[last - first + 1];

    /// <summary>Its bytes, where the cache on disk had them; not verified yet.</summary>
    public AlignedBuffer<byte>? Cached { get; set; }

    /// <summary>Whether there is room for its wanted extents in memory; otherwise they are only for those who wait for them.</summary>
    public bool IsKept { get; set; }

    public int First => first;

    public int Last => last;

    /// <summary>The extents that somebody has asked for.</summary>
    public List<int> Wanted { get; } = [];

    /// <summary>Operations that wait for it; changes under the layer's lock.</summary>
    public int Interested { get; set; }

    /// <summary>Cancelled when no operation waits any more.</summary>
    public CancellationToken Cancelled => _cancellation.Token;

    /// <summary>Ends when all wanted extents are there and verified.</summary>
    public Task Completion => _ended.Task;

    /// <summary>A wanted extent of a completed range.</summary>
    public ReadOnlyMemory<byte> Bytes(int extent) => _buffers[extent - first]!.Memory;

    public void Set(int extent, AlignedBuffer<byte> buffer) => _buffers[extent - first] = buffer;

    public void Cancel() => _cancellation.Cancel();

    public void Complete() => _ended.SetResult();

    public void Fail(Exception failure)
    {
        _ended.SetException(failure);
        _ = _ended.Task.Exception; // observed, also if nobody waits any more
    }
}

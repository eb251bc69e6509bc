using VectorEngine.Telemetry;

namespace VectorEngine.Loading;

/// <summary>
/// How many bytes the layers of an index keep in memory together. Where they all fit, nothing is ever evicted;
/// otherwise the layers drop what was not used lately (the clock algorithm) before more is loaded.
/// What a search still reads stays alive until it is done, and what is dropped until the garbage collector has run.
/// </summary>
internal sealed class MemoryBudget(long limit) : IDisposable
{
    private readonly Lock _changing = new();
    private readonly List<ResidentLayer> _layers = [];
    private int _hand;
    private long _used;

    /// <summary>Bytes kept now, with those that are reserved for what is on its way.</summary>
    public long Used => Volatile.Read(ref _used);

    /// <summary>Bytes that can be kept without dropping any.</summary>
    public long Free => limit - Used;

    /// <summary>The bytes by what they are of.</summary>
    public ResidentBytes ByKind { get; } = new();

    /// <summary>Adds a layer, before anything is loaded.</summary>
    public void Register(ResidentLayer layer)
    {
        lock (_changing)
            _layers.Add(layer);
    }

    /// <summary>Takes bytes for what is about to be loaded.</summary>
    /// <param name="kind">What they are of.</param>
    /// <param name="length">How many.</param>
    /// <param name="mayEvict">Whether to make room for them, and to take them even if there is none.</param>
    /// <returns>Whether they were taken.</returns>
    public bool TryReserve(LayerKind kind, long length, bool mayEvict)
    {
        lock (_changing)
        {
            if (mayEvict)
                MakeRoom(limit - length);
            else if (_used + length > limit)
                return false;
            Add(kind, length);
            return true;
        }
    }

    /// <summary>Drops what was not used lately until so many bytes are left, or none can be dropped.</summary>
    public void TrimTo(long bytes)
    {
        lock (_changing)
            MakeRoom(bytes);
    }

    /// <summary>Gives back what was reserved and not kept, and drops what is too much of the rest.</summary>
    public void Return(LayerKind kind, long length)
    {
        lock (_changing)
        {
            Add(kind, -length);
            MakeRoom(limit);
        }
    }

    public void Dispose() => ByKind.Dispose();

    private void Add(LayerKind kind, long length)
    {
        _used += length;
        ByKind.Add(kind, length);
    }

    private void MakeRoom(long most)
    {
        // Two full rounds of the clock: the first may only clear marks of recent use.
        int layerEnds = (2 * _layers.Count) + 1;
        while (_used > most && layerEnds > 0)
        {
            ResidentLayer layer = _layers[_hand];
            if (layer.TryAdvance(out long freed))
            {
                Add(layer.Source.Kind, -freed);
                continue;
            }

            _hand = (_hand + 1) % _layers.Count;
            layerEnds--;
        }
    }
}

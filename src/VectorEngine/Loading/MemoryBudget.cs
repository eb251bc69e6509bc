namespace VectorEngine.Loading;

/// <summary>
/// How many bytes the layers of an index keep in memory together. Where they all fit, nothing is ever evicted;
/// otherwise the layers drop what was not used lately (the clock algorithm) before more is loaded.
/// What a search still reads stays alive until it is done, and what is dropped until the garbage collector has run.
/// </summary>
internal sealed class MemoryBudget(long limit)
{
    private readonly Lock _changing = new();
    private readonly List<ResidentLayer> _layers = [];
    private int _hand;
    private long _used;

    /// <summary>Bytes kept now.</summary>
    public long Used => Volatile.Read(ref _used);

    /// <summary>Adds a layer, before anything is loaded.</summary>
    public void Register(ResidentLayer layer)
    {
        lock (_changing)
            _layers.Add(layer);
    }

    /// <summary>Makes room for bytes that are about to be loaded.</summary>
    public void Reserve(long length)
    {
        lock (_changing)
        {
            MakeRoom(limit - length);
            _used += length;
        }
    }

    /// <summary>Takes bytes that are free, if there are so many.</summary>
    public bool TryReserve(long length)
    {
        lock (_changing)
        {
            if (_used + length > limit)
                return false;
            _used += length;
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
    public void Return(long length)
    {
        lock (_changing)
        {
            _used -= length;
            MakeRoom(limit);
        }
    }

    private void MakeRoom(long most)
    {
        // Two full rounds of the clock: the first may only clear marks of recent use.
        int layerEnds = (2 * _layers.Count) + 1;
        while (_used > most && layerEnds > 0)
        {
            if (_layers[_hand].TryAdvance(out long freed))
            {
                _used -= freed;
                continue;
            }

            _hand = (_hand + 1) % _layers.Count;
            layerEnds--;
        }
    }
}

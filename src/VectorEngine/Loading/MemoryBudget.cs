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
    private long _round, _used;

    /// <summary>Bytes kept now.</summary>
    public long Used => Volatile.Read(ref _used);

    /// <summary>Adds a layer, before anything is loaded.</summary>
    public void Register(ResidentLayer layer)
    {
        lock (_changing)
        {
            _layers.Add(layer);
            _round += layer.Count + 1L;
        }
    }

    /// <summary>Makes room for bytes that are about to be loaded.</summary>
    public void Reserve(int length)
    {
        lock (_changing)
        {
            // Two full rounds of the clock: the first may only clear marks of recent use.
            for (long steps = 2 * _round; _used + length > limit && steps > 0; steps--)
                _used -= EvictNext();
            _used += length;
        }
    }

    /// <summary>Gives back what was reserved and not kept.</summary>
    public void Return(int length)
    {
        lock (_changing)
            _used -= length;
    }

    private long EvictNext()
    {
        if (_layers[_hand].TryAdvance(out long freed))
            return freed;
        _hand = (_hand + 1) % _layers.Count;
        return 0;
    }
}

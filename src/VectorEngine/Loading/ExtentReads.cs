namespace VectorEngine.Loading;

/// <summary>Extents that an operation waits for. Disposed, it no longer does, and what nobody else waits for is cancelled.</summary>
internal sealed class ExtentReads(ResidentLayer layer) : IDisposable
{
    private readonly Dictionary<int, RangeFetch> _fetches = [];
    private readonly List<RangeFetch> _distinct = [];

    /// <summary>Waits for an extent, too.</summary>
    public void Add(int extent, RangeFetch fetch)
    {
        // Neighbours come one after the other, so it is the last more often than not.
        if (_distinct.Count == 0 || (_distinct[^1] != fetch && !_distinct.Contains(fetch)))
        {
            fetch.Interested++;
            _distinct.Add(fetch);
        }

        _fetches.Add(extent, fetch);
    }

    /// <summary>Whether an extent is among them.</summary>
    public bool Contains(int extent) => _fetches.ContainsKey(extent);

    /// <summary>The verified bytes of one of the extents, as soon as they are there.</summary>
    /// <exception cref="CorruptDataException">They are not what was written.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> GetAsync(int extent, CancellationToken cancellationToken)
    {
        RangeFetch fetch = _fetches[extent];
        await fetch.Completion.WaitAsync(cancellationToken).ConfigureAwait(false);
        return fetch.Bytes(extent);
    }

    /// <summary>The verified bytes of one of the extents, all of which have been waited for.</summary>
    public ReadOnlyMemory<byte> Get(int extent) => _fetches[extent].Bytes(extent);

    /// <summary>Waits until the first range is there.</summary>
    public Task AnyAsync(CancellationToken cancellationToken) =>
        _distinct.Count == 0
            ? Task.CompletedTask
            : Task.WhenAny(_distinct.ConvertAll(fetch => fetch.Completion)).WaitAsync(cancellationToken);

    /// <summary>Waits until all are there.</summary>
    /// <exception cref="CorruptDataException">Some are not what was written.</exception>
    public async Task AllAsync(CancellationToken cancellationToken)
    {
        foreach (RangeFetch fetch in _distinct)
            await fetch.Completion.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    public void Dispose()
    {
        foreach (RangeFetch fetch in _distinct)
            layer.Leave(fetch);
        _distinct.Clear();
    }
}

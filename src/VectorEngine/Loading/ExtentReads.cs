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
        _distinct.Count == 0 ? Task.CompletedTask : Task.WhenAny(Completions()).WaitAsync(cancellationToken);

    /// <summary>Waits until all are there.</summary>
    /// <exception cref="CorruptDataException">Some are not what was written.</exception>
    public Task AllAsync(CancellationToken cancellationToken)
    {
        Task all = Task.WhenAll(Completions());
        all.Forget(); // by whoever is cancelled
        return all.WaitAsync(cancellationToken);
    }

    public void Dispose()
    {
        foreach (RangeFetch fetch in _distinct)
            layer.Leave(fetch);
        _distinct.Clear();
    }

    private Task[] Completions()
    {
        var completions = new Task[_distinct.Count];
        for (int i = 0; i < completions.Length; i++)
            completions[i] = _distinct[i].Completion;
        return completions;
    }
}

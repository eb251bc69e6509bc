namespace VectorEngine.Loading;

/// <summary>Extents of a layer one after the other; a group of them is read while the group before is in use.</summary>
internal sealed class ExtentStream(Layer layer, IEnumerable<int> extents, int group, ReadScope scope) : IDisposable
{
    private readonly IEnumerator<int> _extents = extents.GetEnumerator();
    private Queue<Item> _current = [], _ahead = [];
    private ExtentReads? _currentReads, _aheadReads;
    private bool _isBegun;

    /// <summary>The bytes of the next extent.</summary>
    /// <exception cref="CorruptDataException">They are not what was written.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> NextAsync(CancellationToken cancellationToken)
    {
        if (!_isBegun)
        {
            _isBegun = true;
            ReadAhead();
        }

        if (_current.Count == 0)
        {
            _currentReads?.Dispose();
            (_current, _ahead) = (_ahead, _current);
            _currentReads = _aheadReads;
            ReadAhead();
        }

        Item item = _current.Dequeue();
        return item.IsAtHand ? item.Bytes : await _currentReads!.GetAsync(item.Extent, cancellationToken).ConfigureAwait(false);
    }

    public void Dispose()
    {
        _currentReads?.Dispose();
        _aheadReads?.Dispose();
        _extents.Dispose();
    }

    private void ReadAhead()
    {
        SortedSet<int>? missing = null;
        _aheadReads = null;
        while (_ahead.Count < group && _extents.MoveNext())
        {
            bool isAtHand = layer.TryRead(_extents.Current, out ReadOnlyMemory<byte> bytes);
            _ahead.Enqueue(new Item(_extents.Current, isAtHand, bytes));
            if (!isAtHand)
                (missing ??= []).Add(_extents.Current);
        }

        if (missing is not null)
            _aheadReads = layer.Start([.. missing], scope);
    }

    private readonly record struct Item(int Extent, bool IsAtHand, ReadOnlyMemory<byte> Bytes);
}

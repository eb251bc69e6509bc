using VectorEngine.Loading;

namespace VectorEngine.Search;

/// <summary>The 3-bit codes of a list, taken when the first of them is needed: mostly none is.</summary>
internal ref struct ExList
{
    private readonly Layer? _layer;
    private readonly int _list;

    /// <param name="layer">The 3-bit layer.</param>
    /// <param name="list">The list.</param>
    /// <param name="records">Its codes, if they have been read; otherwise empty.</param>
    public ExList(Layer layer, int list, ReadOnlySpan<byte> records)
    {
        _layer = layer;
        _list = list;
        Records = records;
    }

    /// <summary>The codes of the directory, which is no posting list.</summary>
    public ExList(ReadOnlySpan<byte> records) => Records = records;

    public readonly bool IsDirectory => _layer is null;

    /// <summary>The codes, once they are at hand.</summary>
    public ReadOnlySpan<byte> Records { get; private set; }

    /// <summary>Whether they are at hand.</summary>
    public bool IsAtHand
    {
        get
        {
            if (!Records.IsEmpty)
                return true;
            if (!_layer!.TryRead(_list, out ReadOnlyMemory<byte> records))
                return false;
            Records = records.Span;
            return true;
        }
    }
}

namespace VectorEngine.Building;

/// <summary>Rows that a build leaves out: all are counted, the first are named.</summary>
internal sealed class SkippedRows
{
    private readonly List<SkippedRow> _first = [];

    public long Count { get; private set; }

    public IReadOnlyList<SkippedRow> First => _first;

    public void Add(long row, string reason)
    {
        Count++;
        if (_first.Count < BuildReport.MaxSkipped)
            _first.Add(new SkippedRow(row, reason));
    }
}

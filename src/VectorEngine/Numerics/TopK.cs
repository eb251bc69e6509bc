using System.Runtime.CompilerServices;

namespace VectorEngine.Numerics;

/// <summary>A candidate answer: where it is and how far.</summary>
/// <param name="Distance">Smaller is nearer.</param>
/// <param name="Ordinal">Row in the segment; breaks ties, so that results do not depend on the order of the scan.</param>
/// <param name="ErrorBound">Half-width of the interval around <paramref name="Distance"/>; 0 where it is exact.</param>
internal readonly record struct Neighbor(float Distance, uint Ordinal, float ErrorBound)
{
    /// <summary>True if this one ranks before <paramref name="other"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsBefore(in Neighbor other) =>
        Distance < other.Distance || (Distance == other.Distance && Ordinal < other.Ordinal);
}

/// <summary>Keeps the k nearest of the neighbours it is offered: a binary heap with the farthest at the root, in memory that is reused.</summary>
internal sealed class TopK
{
    private Neighbor[] _heap = [];
    private int _capacity;

    /// <summary>Neighbours held.</summary>
    public int Count { get; private set; }

    /// <summary>The distance that a new neighbour must not exceed: the k-th smallest so far, or <see cref="float.MaxValue"/> while fewer are held.</summary>
    public float Threshold { get; private set; }

    /// <summary>Empties the heap and sets k.</summary>
    public void Reset(int k)
    {
        if (_heap.Length < k)
            _heap = new Neighbor[k];
        _capacity = k;
        Count = 0;
        Threshold = float.MaxValue;
    }

    /// <summary>Offers a neighbour; true if it is among the k nearest so far.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Offer(in Neighbor candidate) => candidate.Distance <= Threshold && Insert(candidate);

    /// <summary>Orders what is held, nearest first, and returns it; the heap must be reset before it is used again.</summary>
    public Span<Neighbor> Sort()
    {
        Span<Neighbor> held = _heap.AsSpan(0, Count);
        held.Sort(static (a, b) => a.IsBefore(b) ? -1 : b.IsBefore(a) ? 1 : 0);
        return held;
    }

    private bool Insert(in Neighbor candidate)
    {
        if (Count < _capacity)
        {
            SiftUp(candidate, Count++);
        }
        else
        {
            if (!candidate.IsBefore(_heap[0]))
                return false;
            SiftDown(candidate);
        }

        if (Count == _capacity)
            Threshold = _heap[0].Distance;
        return true;
    }

    private void SiftUp(in Neighbor candidate, int hole)
    {
        while (hole > 0)
        {
            int parent = (hole - 1) / 2;
            if (!_heap[parent].IsBefore(candidate))
                break;
            _heap[hole] = _heap[parent];
            hole = parent;
        }

        _heap[hole] = candidate;
    }

    private void SiftDown(in Neighbor candidate)
    {
        int hole = 0;
        while (true)
        {
            int child = (2 * hole) + 1;
            if (child >= Count)
                break;
            if (child + 1 < Count && _heap[child].IsBefore(_heap[child + 1]))
                child++;
            if (!candidate.IsBefore(_heap[child]))
                break;
            _heap[hole] = _heap[child];
            hole = child;
        }

        _heap[hole] = candidate;
    }
}

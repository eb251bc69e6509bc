using System.Runtime.CompilerServices;

namespace VectorEngine.Numerics;

/// <summary>A candidate answer: where it is and how far.</summary>
/// <param name="Distance">Smaller is nearer.</param>
/// <param name="Ordinal">Row in the segment.</param>
/// <param name="ErrorBound">Half-width of the interval around <paramref name="Distance"/>; 0 where it is exact.</param>
internal readonly record struct Neighbor(float Distance, uint Ordinal, float ErrorBound);

/// <summary>
/// Keeps the k nearest of the neighbours it is offered: a binary heap with the farthest at the root, in memory that is reused.
/// Equal distances are ordered by ordinal, so that results do not depend on the order of the scan.
/// </summary>
/// <remarks>
/// Distance and ordinal are packed into one integer that sorts like the pair: the float's bits, with the sign bit flipped or, where the
/// value is negative, all bits flipped, above the ordinal. One comparison then decides.
/// </remarks>
internal sealed class TopK
{
    private ulong[] _keys = [];
    private float[] _errorBounds = [];
    private bool _isSorted;

    /// <summary>k.</summary>
    public int Capacity { get; private set; }

    /// <summary>Neighbours held.</summary>
    public int Count { get; private set; }

    /// <summary>
    /// The distance that a new neighbour must not exceed: the k-th smallest so far, or <see cref="float.MaxValue"/> while fewer are held.
    /// </summary>
    public float Threshold { get; private set; }

    /// <summary>A neighbour held; in order of distance once <see cref="Sort"/> was called.</summary>
    public Neighbor this[int index] => new(Distance(_keys[index]), Ordinal(index), _errorBounds[index]);

    /// <summary>The ordinal of a neighbour held.</summary>
    public uint Ordinal(int index) => (uint)_keys[index];

    /// <summary>Empties the heap and sets k.</summary>
    public void Reset(int k)
    {
        if (_keys.Length < k)
        {
            _keys = new ulong[k];
            _errorBounds = new float[k];
        }

        Capacity = k;
        Count = 0;
        _isSorted = false;
        Threshold = float.MaxValue;
    }

    /// <summary>Empties the heap and makes it keep all that are offered up to a distance, in memory that grows.</summary>
    public void ResetWithin(float distance)
    {
        Capacity = int.MaxValue;
        Count = 0;
        _isSorted = false;
        Threshold = distance;
    }

    /// <summary>Offers a neighbour, which is kept if it is among the k nearest so far.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Offer(float distance, uint ordinal, float errorBound)
    {
        if (distance <= Threshold)
            Insert(Key(distance, ordinal), errorBound);
    }

    /// <summary>Orders what is held, nearest first; nothing may be offered until the next <see cref="Reset"/>.</summary>
    public void Sort()
    {
        if (_isSorted)
            return;
        _isSorted = true;
        // The farthest goes to the end, and the rest is a heap again (heapsort; J. W. J. Williams, 1964).
        for (int last = Count - 1; last > 0; last--)
        {
            (ulong key, float errorBound) = (_keys[last], _errorBounds[last]);
            (_keys[last], _errorBounds[last]) = (_keys[0], _errorBounds[0]);
            SiftDown(key, errorBound, last);
        }
    }

    private static ulong Key(float distance, uint ordinal)
    {
        int bits = BitConverter.SingleToInt32Bits(distance + 0f); // -0 becomes 0
        return ((ulong)(uint)(bits ^ ((bits >> 31) | int.MinValue)) << 32) | ordinal;
    }

    private static float Distance(ulong key)
    {
        int bits = (int)(key >> 32);
        return BitConverter.Int32BitsToSingle(bits ^ (~(bits >> 31) | int.MinValue));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Insert(ulong key, float errorBound)
    {
        if (Count < Capacity)
        {
            if (Count == _keys.Length)
                Grow();
            SiftUp(key, errorBound, Count++);
        }
        else if (key < _keys[0])
        {
            SiftDown(key, errorBound, Count);
        }

        if (Count == Capacity)
            Threshold = Distance(_keys[0]);
    }

    private void Grow()
    {
        int length = (int)Math.Clamp(2L * Count, 16, Array.MaxLength);
        Array.Resize(ref _keys, length);
        Array.Resize(ref _errorBounds, length);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void SiftUp(ulong key, float errorBound, int hole)
    {
        ulong[] keys = _keys;
        float[] bounds = _errorBounds;
        while (hole > 0)
        {
            int parent = (hole - 1) / 2;
            if (keys[parent] > key)
                break;
            (keys[hole], bounds[hole]) = (keys[parent], bounds[parent]);
            hole = parent;
        }

        (keys[hole], bounds[hole]) = (key, errorBound);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void SiftDown(ulong key, float errorBound, int count)
    {
        ulong[] keys = _keys;
        float[] bounds = _errorBounds;
        int hole = 0;
        while (true)
        {
            int child = (2 * hole) + 1;
            if (child >= count)
                break;
            if (child + 1 < count && keys[child + 1] > keys[child])
                child++;
            if (keys[child] < key)
                break;
            (keys[hole], bounds[hole]) = (keys[child], bounds[child]);
            hole = child;
        }

        (keys[hole], bounds[hole]) = (key, errorBound);
    }
}

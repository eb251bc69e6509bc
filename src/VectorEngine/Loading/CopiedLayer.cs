using System.Diagnostics;

namespace VectorEngine.Loading;

/// <summary>
/// A layer of a small segment, whose root has a copy of the object: nothing is read any more. Each extent is verified when it is first
/// touched.
/// </summary>
/// <param name="source">What the object is.</param>
/// <param name="copy">The copy, of the object's length; it is verified against the root's checksum.</param>
/// <param name="rootKey">The root.</param>
/// <param name="rootLength">Its length.</param>
internal sealed class CopiedLayer(LayerSource source, ReadOnlyMemory<byte> copy, string rootKey, long rootLength) : Layer(source)
{
    private readonly bool[] _verified = new bool[source.Count];

    public override bool TryRead(int extent, out ReadOnlyMemory<byte> bytes)
    {
        (long offset, int length) = Source.Extent(extent);
        bytes = copy.Slice((int)offset, length);
        if (!Volatile.Read(ref _verified[extent]))
        {
            Verify(extent, bytes);
            Volatile.Write(ref _verified[extent], true);
        }

        return true;
    }

    public override bool Contains(int extent) => true;

    public override ExtentReads Start(ReadOnlySpan<int> extents, ReadScope scope) =>
        throw new UnreachableException("All of a copy is at hand.");

    /// <summary>Verifies all extents.</summary>
    /// <exception cref="CorruptDataException">One is not what was written.</exception>
    public void Verify()
    {
        for (int extent = 0; extent < Source.Count; extent++)
            TryRead(extent, out _);
    }

    private void Verify(int extent, ReadOnlyMemory<byte> bytes)
    {
        try
        {
            Source.Check(extent, bytes);
        }
        catch (CorruptDataException damage) when (damage.ObjectKey == Source.Key)
        {
            throw new CorruptDataException(rootKey, 0, rootLength, $"the copy in it: {damage.Message}", damage);
        }
    }
}

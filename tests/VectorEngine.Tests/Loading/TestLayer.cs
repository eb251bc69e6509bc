using VectorEngine.Loading;
using VectorEngine.Storage;

namespace VectorEngine.Tests.Loading;

/// <summary>A layer of neighbouring extents of 100 bytes, which are their numbers.</summary>
internal static class TestLayer
{
    public const int Extents = 200, Length = 100;
    public const string Key = "things/segments/0/sign";

    /// <summary>A store that has its object.</summary>
    public static async Task<MemoryObjectStore> StoreAsync()
    {
        var store = new MemoryObjectStore();
        byte[] content = [.. Enumerable.Range(0, Extents * Length).Select(i => (byte)(i / Length))];
        await store.WriteAsync(Key, content, WriteCondition.None);
        return store;
    }

    /// <summary>Opens it; extents are joined over gaps of as many bytes as are asked for.</summary>
    public static ResidentLayer Open(IObjectStore store, MemoryBudget? budget = null, DiskCache? cache = null)
    {
        var source = new LayerSource(
            LayerKind.Sign, Key, Extents * Length, Extents, extent => ((long)extent * Length, Length), Check)
        {
            Limits = new RangeLimits(FewRequests: 1, ShortGap: Length, GapShare: 1),
        };
        return new ResidentLayer(source, new StoreReader(store, cache), budget ?? new MemoryBudget(1 << 20));
    }

    /// <summary>The bytes of an extent.</summary>
    public static byte[] Bytes(int extent) => Enumerable.Repeat((byte)extent, Length).ToArray();

    private static void Check(int extent, ReadOnlyMemory<byte> bytes)
    {
        if (!bytes.Span.SequenceEqual(Bytes(extent)))
            throw new CorruptDataException(Key, extent * Length, Length, "wrong");
    }
}

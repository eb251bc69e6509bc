using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Storage;

namespace VectorEngine.Fuzz.Corruption;

/// <summary>An intact index, as the bytes of its objects.</summary>
/// <param name="Name">What is special about it.</param>
/// <param name="Objects">By short name: "pointer", "root", "sign" and so on, whatever the build has written.</param>
/// <param name="Answers">What <see cref="Exercise"/> makes of it.</param>
internal sealed record IntactIndex(string Name, SortedDictionary<string, byte[]> Objects, IReadOnlyList<StepResult> Answers)
{
    /// <summary>Every index has this name, and its segment this ID, so that objects of one can take the place of another's.</summary>
    public const string Key = "fuzz";

    public static readonly Guid Segment = new("0123456789abcdef0123456789abcdef");

    /// <summary>The key of an object.</summary>
    public static string KeyOf(string name) =>
        name == "pointer" ? IndexKeys.Pointer(Key) : $"{IndexKeys.Segment(Key, Segment).Prefix}/{name}";
}

/// <summary>The indexes that are damaged: small, of every kind, and the same for the same seed.</summary>
internal static class Corpus
{
    public static async Task<IntactIndex[]> BuildAsync(int seed)
    {
        var indexes = new List<IntactIndex>();
        foreach ((string name, int count, int dimensions, bool metadata, VectorIndexOptions options) in Kinds())
        {
            VectorMatrix vectors = Vectors(count, dimensions, seed + indexes.Count);
            SortedDictionary<string, byte[]> objects = await BuildAsync(vectors, options, metadata ? Metadata(count) : null);
            CheckSeal(name, objects);
            using var store = new CaseStore(objects, StoreKind.Memory);
            indexes.Add(new IntactIndex(name, objects, await Exercise.RunAsync(store.Store, new OpenOptions())));
        }

        return [.. indexes];
    }

    /// <summary>Normal values around a few centres.</summary>
    public static VectorMatrix Vectors(int count, int dimensions, int seed)
    {
        const int Centres = 8;
        var random = new Random(seed);
        float[] centres = [.. Enumerable.Range(0, Centres * dimensions).Select(_ => 3 * Normal(random))];
        float[] values = new float[count * dimensions];
        for (int i = 0; i < values.Length; i++)
            values[i] = centres[(i / dimensions % Centres * dimensions) + (i % dimensions)] + Normal(random);
        return new VectorMatrix(values, dimensions);
    }

    private static IEnumerable<(string Name, int Count, int Dimensions, bool Metadata, VectorIndexOptions Options)> Kinds()
    {
        yield return ("flat, float32, L2", 150, 12, true, new VectorIndexOptions());
        yield return ("flat, float16, cosine", 90, 33, false, new VectorIndexOptions
        {
            Metric = Metric.Cosine,
            StoredVectors = StoredVectors.Float16,
        });
        yield return ("flat, one dimension, inner product", 70, 1, false, new VectorIndexOptions { Metric = Metric.InnerProduct });
        yield return ("clusters, L2", 300, 20, true, new VectorIndexOptions { ClusterCount = 9 });
        yield return ("clusters, inner product, float32", 260, 72, true, new VectorIndexOptions
        {
            ClusterCount = 7,
            Metric = Metric.InnerProduct,
            StoredVectors = StoredVectors.Float32,
        });
        yield return ("clusters, cosine, float16", 200, 64, true, new VectorIndexOptions
        {
            ClusterCount = 40,
            Metric = Metric.Cosine,
            StoredVectors = StoredVectors.Float16,
        });
        yield return ("clusters, several pages and chunks", 2500, 8, true, new VectorIndexOptions
        {
            ClusterCount = 5,
            StoredVectors = StoredVectors.Float32,
        });
    }

    /// <summary>Columns of several types, most of them with missing values.</summary>
    public static RecordBatch Metadata(int count)
    {
        var rows = Enumerable.Range(0, count).ToArray();
        return new RecordBatch(
            ("text", ArrowArray.From(rows.Select(i => i % 7 == 0 ? null : $"rów {i} of {count}").ToArray())),
            ("number", ArrowArray.From<long>(rows.Select(i => (long)i * i).ToArray())),
            ("sparse", ArrowArray.From<short>(rows.Select(i => i % 3 == 0 ? (short?)null : (short)i).ToArray())),
            ("flag", ArrowArray.From(rows.Select(i => i % 5 == 0 ? (bool?)null : i % 2 == 0).ToArray())),
            ("vector", ArrowArray.Vectors(rows.Select(i => i % 11 == 0 ? null : new float[] { i, -i, 0 }).ToArray(), 3)));
    }

    private static async Task<SortedDictionary<string, byte[]>> BuildAsync(
        VectorMatrix vectors, VectorIndexOptions options, RecordBatch? metadata)
    {
        var store = new MemoryObjectStore();
        await VectorIndexBuilder.BuildAsync(store, IntactIndex.Key, vectors, options, metadata);
        var objects = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        await foreach (ObjectInfo found in store.ListAsync(""))
        {
            ObjectContent content = (await store.TryReadAsync(found.Key))!;
            objects[found.Key[(found.Key.LastIndexOf('/') + 1)..]] = content.Content.ToArray();
        }

        objects["pointer"] = Pointer(objects["root"]);
        return objects;
    }

    /// <summary>Checksums that are made another way than the engine's would be found by them: sealed cases would test nothing else.</summary>
    private static void CheckSeal(string name, SortedDictionary<string, byte[]> objects)
    {
        var copies = new SortedDictionary<string, byte[]>(objects.ToDictionary(o => o.Key, o => o.Value.ToArray()), StringComparer.Ordinal);
        Seal.All(copies, link: true);
        foreach ((string key, byte[] bytes) in objects)
        {
            if (!bytes.AsSpan().SequenceEqual(copies[key]))
                throw new InvalidOperationException($"{name}: sealing changes '{key}', which is intact.");
        }
    }

    /// <summary>A pointer without what is left to time and chance.</summary>
    private static byte[] Pointer(byte[] root)
    {
        var segment = new SegmentReference(IntactIndex.Segment, root.Length, Crc32C.Compute(root));
        byte[] pointer = new Manifest(1, DateTimeOffset.UnixEpoch, [segment]).ToPointer();
        DamagedContainer container = new(pointer);
        pointer.AsSpan(container.Section(SectionKind.Manifest).Start.Value + 16, 16).Fill(7);
        container.Seal();
        return pointer;
    }

    private static float Normal(Random random) =>
        (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
}

using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Storage;

namespace VectorEngine.Fuzz.Corruption;

/// <summary>An intact index, as the bytes of its objects.</summary>
/// <param name="Name">What is special about it.</param>
/// <param name="Objects">
/// By short name: "pointer", "version" (the object of the version before, which has the same segments), "0/root", "0/sign" and so on: the
/// segment's number and what its build has written.
/// </param>
/// <param name="Answers">What <see cref="Exercise"/> makes of it.</param>
internal sealed record IntactIndex(string Name, SortedDictionary<string, byte[]> Objects, IReadOnlyList<StepResult> Answers)
{
    /// <summary>Every index has this name, and its segments have IDs by number, so that objects of one can take the place of another's.</summary>
    public const string Key = "fuzz";

    /// <summary>Segments of an index, at most.</summary>
    public const int MaxSegments = 2;

    /// <summary>Whether an object has sections.</summary>
    public static bool IsContainer(string name) => IsPointer(name) || IsRoot(name);

    /// <summary>Whether an object has a manifest.</summary>
    public static bool IsPointer(string name) => name is "pointer" or "version";

    public static bool IsRoot(string name) => name.EndsWith("/root", StringComparison.Ordinal);

    /// <summary>The ID of a segment.</summary>
    public static Guid Segment(int number) => new(number, 1, 2, [3, 4, 5, 6, 7, 8, 9, 10]);

    /// <summary>A version, with a nonce that follows from its number.</summary>
    public static VersionId Version(long number) => new(number, Segment((int)number + 100));

    /// <summary>The key of an object.</summary>
    public static string KeyOf(string name) => name switch
    {
        "pointer" => IndexKeys.Pointer(Key),
        "version" => IndexKeys.Version(Key, Version(1)),
        _ => $"{IndexKeys.Segment(Key, Segment(name[0] - '0')).Prefix}{name[1..]}",
    };
}

/// <summary>The indexes that are damaged: small, of every kind, and the same for the same seed.</summary>
internal static class Corpus
{
    public static async Task<IntactIndex[]> BuildAsync(int seed)
    {
        var indexes = new List<IntactIndex>();
        foreach (IndexKind kind in Kinds().SelectMany(BothWays))
        {
            SortedDictionary<string, byte[]> objects = await BuildAsync(kind, seed + indexes.Count);
            CheckSeal(kind.Name, objects);
            using var store = new CaseStore(objects, StoreKind.Memory);
            IReadOnlyList<StepResult> answers = await Exercise.RunAsync(store.Store, new OpenOptions());
            if (answers.FirstOrDefault(answer => answer.Failure is not null) is { } failed)
                throw new InvalidOperationException($"{kind.Name}, intact: {failed.Step}: {failed.Failure}");
            indexes.Add(new IntactIndex(kind.Name, objects, answers));
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

    /// <summary>An index to build.</summary>
    /// <param name="Name">What is special about it.</param>
    /// <param name="Dimensions">Of its vectors.</param>
    /// <param name="Counts">Vectors of each segment.</param>
    /// <param name="HasMetadata">Whether it has metadata.</param>
    /// <param name="Options">How it is built.</param>
    private sealed record IndexKind(string Name, int Dimensions, int[] Counts, bool HasMetadata, VectorIndexOptions Options);

    /// <summary>An index whose objects are read when they are needed, and the same with copies of them in the roots.</summary>
    private static IEnumerable<IndexKind> BothWays(IndexKind kind)
    {
        yield return kind with { Options = kind.Options with { CopyLimit = 0 } };
        yield return kind with { Name = $"{kind.Name}, copies", Options = kind.Options with { CopyLimit = 1 << 20 } };
    }

    private static IEnumerable<IndexKind> Kinds()
    {
        yield return new("flat, float32, L2, ids", 12, [150], true, new VectorIndexOptions { IdColumn = "number" });
        yield return new("flat, float16, cosine", 33, [90], false, new VectorIndexOptions
        {
            Metric = Metric.Cosine,
            StoredVectors = StoredVectors.Float16,
        });
        yield return new("flat, one dimension, inner product", 1, [70], false, new VectorIndexOptions { Metric = Metric.InnerProduct });
        yield return new("clusters, L2", 20, [300], true, new VectorIndexOptions { ClusterCount = 9 });
        yield return new("clusters, inner product, float32", 72, [260], true, new VectorIndexOptions
        {
            ClusterCount = 7,
            Metric = Metric.InnerProduct,
            StoredVectors = StoredVectors.Float32,
        });
        yield return new("clusters, cosine, float16, ids", 64, [200], true, new VectorIndexOptions
        {
            ClusterCount = 40,
            Metric = Metric.Cosine,
            StoredVectors = StoredVectors.Float16,
            IdColumn = "name",
        });
        yield return new("clusters, several pages and chunks, ids", 8, [2500], true, new VectorIndexOptions
        {
            ClusterCount = 5,
            StoredVectors = StoredVectors.Float32,
            IdColumn = "number",
        });
        yield return new("two segments, ids", 16, [130, 75], true, new VectorIndexOptions
        {
            ClusterCount = 6,
            StoredVectors = StoredVectors.Float16,
            IdColumn = "name",
        });
    }

    /// <summary>Columns of several types, most of them with missing values.</summary>
    /// <param name="count">Number of rows.</param>
    /// <param name="first">The first row's number, from which its values follow.</param>
    public static RecordBatch Metadata(int count, int first = 0)
    {
        var rows = Enumerable.Range(first, count).ToArray();
        return new RecordBatch(
            ("text", ArrowArray.From(rows.Select(i => i % 7 == 0 ? null : $"rów {i} of {count}").ToArray())),
            ("kind", ArrowArray.From(rows.Select(i => i % 6 == 0 ? null : $"{i % 8} ä").ToArray(), large: true)),
            ("name", ArrowArray.From(rows.Select(i => NameOf(i)).ToArray())),
            ("number", ArrowArray.From<long>(rows.Select(i => (long)i * i).ToArray())),
            ("sparse", ArrowArray.From<short>(rows.Select(i => i % 3 == 0 ? (short?)null : (short)i).ToArray())),
            ("float", ArrowArray.From<double>(rows.Select(i => i % 4 == 0 ? (double?)null : i % 9 == 0 ? double.NaN : i / 2.0).ToArray())),
            ("flag", ArrowArray.From(rows.Select(i => i % 5 == 0 ? (bool?)null : i % 2 == 0).ToArray())),
            ("time", ArrowArray.Timestamps(
                rows.Select(i => i % 10 == 0 ? (long?)null : i * 1_000_000_000L).ToArray(), ArrowTimeUnit.Nanosecond, "UTC")),
            ("vector", ArrowArray.Vectors(rows.Select(i => i % 11 == 0 ? null : new float[] { i, -i, 0 }).ToArray(), 3)));
    }

    /// <summary>The name of a row, which no other has.</summary>
    public static string NameOf(int row) => $"Nämë {row}";

    private static async Task<SortedDictionary<string, byte[]>> BuildAsync(IndexKind kind, int seed)
    {
        var store = new MemoryObjectStore();
        for (int segment = 0, first = 0; segment < kind.Counts.Length; first += kind.Counts[segment++])
        {
            int count = kind.Counts[segment];
            VectorMatrix vectors = Vectors(count, kind.Dimensions, seed + (1000 * segment));
            RecordBatch? metadata = kind.HasMetadata ? Metadata(count, first) : null;
            if (segment == 0)
                await VectorIndexBuilder.BuildAsync(store, IntactIndex.Key, vectors, kind.Options, metadata);
            else
                await VectorIndexBuilder.AppendAsync(store, IntactIndex.Key, vectors, kind.Options, metadata);
        }

        string pointer = IndexKeys.Pointer(IntactIndex.Key);
        Manifest manifest = Manifest.ReadPointer(pointer, (await store.TryReadAsync(pointer))!.Content);
        var objects = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        for (int segment = 0; segment < manifest.Segments.Count; segment++)
        {
            string prefix = IndexKeys.Segment(IntactIndex.Key, manifest.Segments[segment].Id).Prefix;
            await foreach (ObjectInfo found in store.ListAsync(prefix))
                objects[$"{segment}{found.Key[prefix.Length..]}"] = (await store.TryReadAsync(found.Key))!.Content.ToArray();
        }

        SegmentReference[] segments = [.. Enumerable.Range(0, manifest.Segments.Count).Select(i => Reference(i, objects[$"{i}/root"]))];
        // Without what is left to time and chance.
        var before = new Manifest(IntactIndex.Version(1), DateTimeOffset.UnixEpoch, segments, []);
        objects["version"] = before.ToPointer();
        objects["pointer"] = (before with { Id = IntactIndex.Version(2), History = [.. before.Versions] }).ToPointer();
        return objects;

        static SegmentReference Reference(int segment, byte[] root) =>
            new(IntactIndex.Segment(segment), root.Length, Crc32C.Compute(root));
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

    private static float Normal(Random random) =>
        (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
}

using FsCheck;
using FsCheck.Fluent;
using VectorEngine.Arrow;
using VectorEngine.Input;
using VectorEngine.Storage;
using VectorEngine.Tests.Input;
using VectorEngine.Tests.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Building;

/// <summary>The same rows make the same bytes, however they come.</summary>
public sealed class InputIdentityTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(Metric.SquaredL2, StoredVectors.None, 10)]
    [InlineData(Metric.InnerProduct, StoredVectors.Float16, 10)]
    [InlineData(Metric.Cosine, StoredVectors.Float32, null)]
    public async Task Every_kind_of_input_makes_the_same_objects(Metric metric, StoredVectors stored, int? clusters)
    {
        // More rows than are sampled for so few clusters; values that each of the types has.
        VectorMatrix vectors = Integers(5000, 6, 1);
        var options = new VectorIndexOptions { Metric = metric, StoredVectors = stored, ClusterCount = clusters };
        SortedDictionary<string, byte[]> expected = await BuiltObjects.BuildAsync(VectorSource.FromMatrix(vectors), options);
        foreach (VectorSource source in new[]
        {
            VectorSource.FromBatches(VectorFiles.BatchesAsync(vectors, null, 1, 700, 3), canReread: true),
            VectorSource.FromBatches(VectorFiles.BatchesAsync(vectors, null, 999)),
            await FileAsync("a.fvecs", VectorFiles.Rows(vectors, VectorFiles.Singles)),
            await FileAsync("a.bvecs", VectorFiles.Rows(vectors, VectorFiles.Bytes)),
            await FileAsync("a.npy", VectorFiles.Numpy(vectors, "<f4", VectorFiles.Singles)),
            await FileAsync("b.npy", VectorFiles.Numpy(vectors, "<f2", VectorFiles.Halves)),
            await FileAsync("c.npy", VectorFiles.Numpy(vectors, "|u1", VectorFiles.Bytes)),
            await FileAsync("a.arrow", await VectorFiles.ArrowAsync(new RecordBatch(("v", ArrowArray.Vectors(vectors))))),
            await FileAsync("b.feather", await VectorFiles.ArrowAsync(new RecordBatch(("v", Halves(vectors))), 77)),
        })
            BuiltObjects.AssertEqual(expected, await BuiltObjects.BuildAsync(source, options), source.Name ?? "");
    }

    [Fact]
    public async Task Metadata_of_every_kind_of_input_make_the_same_objects()
    {
        VectorMatrix vectors = Integers(900, 5, 2);
        RecordBatch metadata = Metadata(900);
        var options = new VectorIndexOptions { ClusterCount = 7, IdColumn = "id" };
        var store = new MemoryObjectStore();
        SortedDictionary<string, byte[]> expected = await BuiltObjects.BuildAsync(
            VectorSource.FromMatrix(vectors, metadata), options, store);
        ArrowArray stamps = ArrowArray.Timestamps([.. Enumerable.Range(0, 900).Select(i => (long?)i)], ArrowTimeUnit.Second);
        var table = new RecordBatch(
            new ArrowSchema([metadata.Schema.Fields[0], new ArrowField("v", ArrowArray.Vectors(vectors).Type),
                new ArrowField("stamp", stamps.Type), .. metadata.Schema.Fields.Skip(1)]),
            [metadata.Columns[0], ArrowArray.Vectors(vectors), stamps, .. metadata.Columns.Skip(1)]);
        byte[] file = await VectorFiles.WithDurationsAsync(await VectorFiles.ArrowAsync(table, 100), "stamp", _folder.Path);
        foreach (VectorSource source in new[]
        {
            VectorSource.FromBatches(VectorFiles.BatchesAsync(vectors, metadata, 31, 1), canReread: true),
            VectorSource.FromBatches(VectorFiles.BatchesAsync(vectors, metadata, 500)),
            await FileAsync("a.arrow", file),
        })
            BuiltObjects.AssertEqual(expected, await BuiltObjects.BuildAsync(source, options), source.Name ?? "");

        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        long[] found = await index.FindAsync(ArrowArray.From<long>([1017, 17]));
        Assert.Equal([17, -1], found);
    }

    [Fact]
    public void Sizes_of_batches_and_threads_do_not_matter()
    {
        VectorMatrix vectors = GeneratedVectors.Latent(1500, 8, 3);
        RecordBatch metadata = Metadata(1500);
        var options = new VectorIndexOptions { ClusterCount = 5, StoredVectors = StoredVectors.Float16, IdColumn = "id" };
        SortedDictionary<string, byte[]> expected = Wait(BuiltObjects.BuildAsync(VectorSource.FromMatrix(vectors, metadata), options));
        var cases =
            from sizes in Gen.Choose(0, 400).NonEmptyListOf()
            from threads in Gen.Choose(1, 8)
            from canReread in Gen.Elements(false, true)
            where sizes.Max() > 0
            select (Sizes: sizes.ToArray(), Threads: threads, CanReread: canReread);
        Prop.ForAll(cases.ToArbitrary(), one => BuiltObjects.AssertEqual(expected, Wait(BuiltObjects.BuildAsync(
            VectorSource.FromBatches(VectorFiles.BatchesAsync(vectors, metadata, one.Sizes), one.CanReread),
            options with { MaxDegreeOfParallelism = one.Threads }))))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(TestScale.IsSlow ? 5 : 30));

        static T Wait<T>(Task<T> task) => task.GetAwaiter().GetResult();
    }

    [Fact]
    public async Task Rows_that_are_left_out_leave_no_trace_and_several_chunks_make_one_index()
    {
        // More rows than a chunk takes.
        const int Good = 70_000, Dimensions = 2;
        VectorMatrix vectors = GeneratedVectors.Normal(Good, Dimensions, 4);
        RecordBatch metadata = Metadata(Good);
        int[] places = [.. Enumerable.Range(0, Good).Select(i => i + (i / 10))];
        int all = places[^1] + 1;
        float[] values = Enumerable.Repeat(float.NaN, all * Dimensions).ToArray();
        int[] rows = new int[all];
        for (int i = 0; i < Good; i++)
        {
            vectors[i].CopyTo(values.AsSpan(places[i] * Dimensions));
            rows[places[i]] = i;
        }

        var options = new VectorIndexOptions { ClusterCount = 20, IdColumn = "id", SkipInvalidRows = true };
        SortedDictionary<string, byte[]> expected = await BuiltObjects.BuildAsync(VectorSource.FromMatrix(vectors, metadata), options);
        var mixed = new VectorMatrix(values, Dimensions);
        RecordBatch around = metadata.Take(rows);
        foreach (VectorSource source in new[]
        {
            VectorSource.FromMatrix(mixed, around),
            VectorSource.FromBatches(VectorFiles.BatchesAsync(mixed, around, 5000, 11), canReread: true),
            VectorSource.FromBatches(VectorFiles.BatchesAsync(mixed, around, 12_345)),
        })
            BuiltObjects.AssertEqual(expected, await BuiltObjects.BuildAsync(source, options));
    }

    private static RecordBatch Metadata(int count) => new(
        new ArrowSchema([new ArrowField("id", ArrowType.Int64, Nullable: false), new ArrowField("text", ArrowType.Utf8)]),
        [
            ArrowArray.From<long>([.. Enumerable.Range(1000, count).Select(i => (long)i)]),
            ArrowArray.From([.. Enumerable.Range(0, count).Select(i => i % 5 == 2 ? null : $"text {i % 40}")]),
        ]);

    private static VectorMatrix Integers(int count, int dimensions, int seed)
    {
        var random = new Random(seed);
        return new VectorMatrix(Enumerable.Range(0, count * dimensions).Select(_ => (float)random.Next(256)).ToArray(), dimensions);
    }

    private static FixedSizeListArray<Half> Halves(VectorMatrix vectors) => ArrowArray.Vectors<Half>(
        Array.ConvertAll(vectors.Values.ToArray(), value => (Half)value), vectors.Dimensions);

    private async Task<VectorSource> FileAsync(string name, byte[] content) =>
        VectorSource.FromFile(await VectorFiles.WriteAsync(_folder.Path, name, content));
}

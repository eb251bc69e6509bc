using VectorEngine.Arrow;
using VectorEngine.Storage;
using VectorEngine.Testing;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Index;

/// <summary>An index tells how it is made, and finds all damage in one go.</summary>
public sealed class InspectionTests
{
    private const int Count = 3000;

    private static readonly VectorMatrix Vectors = GeneratedVectors.Normal(Count, 12, 1);

    private static readonly RecordBatch Metadata = new(
        ("id", ArrowArray.From<long>([.. Enumerable.Range(0, Count).Select(i => 3L * i)])),
        ("text", ArrowArray.From([.. Enumerable.Range(0, Count).Select(i => $"row {i}")])));

    private static readonly VectorIndexOptions Options =
        new() { ClusterCount = 20, StoredVectors = StoredVectors.Float16, IdColumn = "id", CopyLimit = 0 };

    private static readonly string[] Objects = ["root", "sign", "ex", "vectors", "checksums", "metadata", "ids", "zones"];

    private readonly MemoryObjectStore _store = new();

    [Theory]
    [InlineData(StoredVectors.None, 20)]
    [InlineData(StoredVectors.Float16, 20)]
    [InlineData(StoredVectors.Float32, null)]   // compared one by one
    public async Task An_intact_index_is_read_whole(StoredVectors stored, int? clusters)
    {
        VectorIndexOptions options = Options with { StoredVectors = stored, ClusterCount = clusters };
        await VectorIndexBuilder.BuildAsync(_store, TestIndex.Name, Vectors.Slice(0, 2000), options, Metadata.Slice(0, 2000));
        await VectorIndexBuilder.AppendAsync(_store, TestIndex.Name, Vectors.Slice(2000, 1000), options, Metadata.Slice(2000, 1000));
        using VectorIndex index = await VectorIndex.OpenAsync(_store, TestIndex.Name);
        var shares = new Shares();
        VerificationReport report = await index.VerifyAsync(shares);
        Assert.True(report.IsIntact, report.Damages.FirstOrDefault()?.Message);
        Assert.Empty(report.Damages);
        Assert.InRange(report.BytesRead, 0.97 * index.Size.TotalBytes, index.Size.TotalBytes);
        Assert.Equal(shares.Order(), shares);
        Assert.Equal(1, shares[^1]);
    }

    [Fact]
    public async Task Damage_in_every_object_is_found_at_once_also_of_what_is_in_memory()
    {
        using VectorIndex index = await TestIndex.BuildAsync(Vectors, Options, _store, Metadata);
        await index.SearchAsync(Vectors[0].ToArray(), 10, new SearchOptions { ProbeCount = 20, Stage = SearchStage.BruteForce });
        SortedDictionary<string, byte[]> objects = await TestIndex.ObjectsAsync(_store);
        foreach (string name in Objects)
        {
            byte[] damaged = objects[objects.Key("/" + name)];
            damaged[damaged.Length / 2] ^= 4;
            await _store.WriteAsync(objects.Key("/" + name), damaged, WriteCondition.None);
        }

        VerificationReport report = await index.VerifyAsync();
        Assert.False(report.IsIntact);
        Assert.Equal(Objects.Length, report.DamagedRanges);
        Assert.Equal(Objects.Select(name => objects.Key("/" + name)).Order(), report.Damages.Select(damage => damage.ObjectKey).Order());
        foreach (CorruptDataException damage in report.Damages)
            Assert.InRange(objects[damage.ObjectKey].Length / 2, damage.Offset, damage.Offset + damage.Length - 1);
    }

    [Fact]
    public async Task Missing_and_truncated_objects_are_found()
    {
        using VectorIndex index = await TestIndex.BuildAsync(Vectors, Options, _store, Metadata);
        SortedDictionary<string, byte[]> objects = await TestIndex.ObjectsAsync(_store);
        string checksums = objects.Key("/checksums"), ex = objects.Key("/ex");
        int half = objects[ex].Length / 2;
        await _store.DeleteAsync(checksums);
        await _store.WriteAsync(ex, objects[ex].AsMemory(0, half), WriteCondition.None);

        VerificationReport report = await index.VerifyAsync();
        Assert.Equal(2, report.DamagedRanges);
        CorruptDataException missing = Assert.Single(report.Damages, damage => damage.ObjectKey == checksums);
        Assert.IsType<ObjectNotFoundException>(missing.InnerException);
        CorruptDataException cut = Assert.Single(report.Damages, damage => damage.ObjectKey == ex);
        Assert.Equal(objects[ex].Length, cut.Offset + cut.Length);
        Assert.InRange(cut.Offset, half / 2, half);   // from the list that is cut off
    }

    [Fact]
    public async Task Pieces_are_of_bounded_length_and_a_store_that_fails_ends_it()
    {
        VectorMatrix vectors = GeneratedVectors.Normal(30_000, 64, 1);
        using VectorIndex built = await TestIndex.BuildAsync(
            vectors, new VectorIndexOptions { ClusterCount = 20, StoredVectors = StoredVectors.Float32 }, _store);
        long longest = 0;
        Fault? fault = null;
        var store = new FaultyStore(_store, request =>
        {
            InterlockedMax(ref longest, request.Length);
            return fault;
        });
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        Assert.True((await index.VerifyAsync()).IsIntact);
        Assert.InRange(longest, 3 << 20, 4 << 20);
        Assert.Equal(0, index.Describe().Segments[0].DuplicateLists);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => index.VerifyAsync(null, new CancellationToken(canceled: true)));
        fault = Fault.Throttling;
        await Assert.ThrowsAsync<StoreException>(() => index.VerifyAsync());

        static void InterlockedMax(ref long largest, long value)
        {
            for (long seen = Volatile.Read(ref largest); value > seen;)
                seen = Interlocked.CompareExchange(ref largest, value, seen) is var now && now == seen ? value : now;
        }
    }

    [Fact]
    public async Task Statistics_tell_what_is_in_the_lists()
    {
        using VectorIndex index = await TestIndex.BuildAsync(Vectors, Options, _store, Metadata);
        IndexStatistics statistics = index.Describe();
        Assert.Equal((1L, index.Size), (statistics.Version, statistics.Size));
        Assert.InRange(statistics.Published, DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow);
        SegmentStatistics segment = Assert.Single(statistics.Segments);
        Assert.Equal((Count, 20, 20), ((int)segment.Count, segment.ListSizes.Count, segment.Spreads.Count));
        Assert.Equal(Count, segment.ListSizes.Sum());
        double mean = segment.ListSizes.Average(), variance = segment.ListSizes.Average(size => (size - mean) * (size - mean));
        Assert.Equal(1 + (variance / (mean * mean)), segment.Imbalance, 1e-9);
        Assert.Equal(0, segment.DuplicateLists);
        Assert.All(segment.Spreads, spread => Assert.InRange(spread, 1, 30));
    }

    [Theory]
    [InlineData(Metric.InnerProduct, 1, true)]
    [InlineData(Metric.InnerProduct, 3, false)]
    [InlineData(Metric.Cosine, 3, true)]
    public async Task Statistics_tell_whether_vectors_have_one_length(Metric metric, float scale, bool same)
    {
        float[] values = [.. Enumerable.Range(0, 1000).SelectMany(row =>
        {
            float[] unit = Vectors[row].ToArray();
            float length = MathF.Sqrt(unit.Sum(x => x * x)) / (row % 2 == 0 ? 1 : scale);
            return unit.Select(x => x / length);
        })];
        using VectorIndex index = await TestIndex.BuildAsync(
            new VectorMatrix(values, 12), new VectorIndexOptions { Metric = metric, ClusterCount = 4 }, _store);
        float? length = index.Describe().Segments[0].CommonLength;
        Assert.Equal(same, length is not null);
        if (same)
            Assert.Equal(1, length!.Value, 1e-3);
    }

    [Fact]
    public async Task The_lists_of_a_cluster_that_is_too_long_for_one_are_duplicates()
    {
        using VectorIndex index = await TestIndex.BuildAsync(
            GeneratedVectors.Normal(600_000, 2, 1), new VectorIndexOptions { ClusterCount = 1 }, _store);
        SegmentStatistics segment = index.Describe().Segments[0];
        Assert.Equal((2, 1), (segment.ListSizes.Count, segment.DuplicateLists));
    }

    private sealed class Shares : List<double>, IProgress<double>
    {
        public void Report(double value) => Add(value);
    }
}

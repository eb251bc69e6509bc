using VectorEngine.Arrow;
using VectorEngine.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Index;

/// <summary>Mistakes are refused with exceptions that say which, and a mistake in one search does not harm the next.</summary>
public sealed class BadInputTests
{
    private const int Dimensions = 8;

    private static readonly VectorMatrix Vectors = GeneratedVectors.Normal(200, Dimensions, 1);

    public static TheoryData<bool, Metric> Kinds => new()
    {
        { true, Metric.SquaredL2 }, { true, Metric.InnerProduct }, { true, Metric.Cosine },
        { false, Metric.SquaredL2 }, { false, Metric.InnerProduct }, { false, Metric.Cosine },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Queries_that_cannot_be_searched_are_named(bool flat, Metric metric)
    {
        using VectorIndex index = await TestIndex.BuildAsync(
            Vectors, new VectorIndexOptions { ClusterCount = flat ? null : 5, Metric = metric });
        (long, float)[] before = index.Search(Vectors[0], 3).Hits();
        foreach (float bad in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity, 2e18f, float.MaxValue })
        {
            float[] query = Vectors[0].ToArray();
            query[5] = bad;
            Assert.Equal(0, Assert.Throws<InvalidVectorException>(() => index.Search(query, 3)).Row);
            await Assert.ThrowsAsync<InvalidVectorException>(async () => await index.SearchAsync(query, 3));
            VectorMatrix batch = GeneratedVectors.FromRows(Vectors[0].ToArray(), Vectors[1].ToArray(), query);
            Assert.Equal(2, (await Assert.ThrowsAsync<InvalidVectorException>(async () => await index.SearchBatchAsync(batch, 3))).Row);
        }

        foreach (int wrong in new[] { 0, Dimensions - 1, Dimensions + 1 })
        {
            Assert.Throws<ArgumentException>(() => index.Search(new float[wrong], 3));
            await Assert.ThrowsAsync<ArgumentException>(async () => await index.SearchAsync(new float[wrong], 3));
        }

        await Assert.ThrowsAsync<ArgumentException>(async () => await index.SearchBatchAsync(GeneratedVectors.Normal(3, 7, 1), 3));
        if (metric == Metric.Cosine)
            Assert.Throws<InvalidVectorException>(() => index.Search(new float[Dimensions], 3));
        else
            Assert.Equal(3, index.Search(new float[Dimensions], 3).Count);
        Assert.Equal(before, index.Search(Vectors[0], 3).Hits());
    }

    [Fact]
    public async Task Options_out_of_range_are_refused()
    {
        using VectorIndex index = await TestIndex.BuildAsync(Vectors, new VectorIndexOptions { ClusterCount = 5 });
        Assert.Throws<ArgumentOutOfRangeException>(() => index.Search(Vectors[0], 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => index.Search(Vectors[0], -1));
        SearchOptions[] wrong =
        [
            new() { ProbeCount = 0 }, new() { ProbeCount = -5 },
            new() { Epsilon0 = 0 }, new() { Epsilon0 = -1 }, new() { Epsilon0 = float.NaN }, new() { Epsilon0 = float.PositiveInfinity },
            new() { Stage = (SearchStage)9 }, new() { Bound = (ErrorBound)9 },
            new() { Stage = SearchStage.Exact }, // no vectors are stored
            new() { Columns = ["text"] }, // no metadata
        ];
        foreach (SearchOptions options in wrong)
        {
            Assert.Throws<ArgumentException>(() => index.Search(Vectors[0], 3, options));
            await Assert.ThrowsAsync<ArgumentException>(async () => await index.SearchAsync(Vectors[0], 3, options));
            await Assert.ThrowsAsync<ArgumentException>(async () => await index.SearchBatchAsync(Vectors, 3, options));
        }

        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await index.SearchBatchAsync(Vectors, 3, null, 0));
    }

    [Fact]
    public async Task Vectors_that_cannot_be_indexed_are_named_by_their_row()
    {
        foreach (float bad in new[] { float.NaN, float.PositiveInfinity, 2e18f })
            Assert.Equal(137, (await BuildFailureAsync(With(137, bad), new VectorIndexOptions())).Row);
        VectorMatrix large = With(150, 70_000);
        Assert.Equal(150, (await BuildFailureAsync(large, new VectorIndexOptions { StoredVectors = StoredVectors.Float16 })).Row);

        // The first of several, however many threads look for it.
        VectorMatrix several = GeneratedVectors.Normal(5000, Dimensions, 1);
        float[] values = several.Values.ToArray();
        foreach (int row in new[] { 1100, 1101, 3000, 4999 })
            values[row * Dimensions] = float.NaN;
        Assert.Equal(1100, (await BuildFailureAsync(new VectorMatrix(values, Dimensions), new VectorIndexOptions())).Row);
    }

    [Fact]
    public async Task Vectors_without_direction_are_refused_under_cosine()
    {
        float[] values = Vectors.Values.ToArray();
        values.AsSpan(9 * Dimensions, Dimensions).Clear();
        var zero = new VectorMatrix(values, Dimensions);
        Assert.Equal(9, (await BuildFailureAsync(zero, new VectorIndexOptions { Metric = Metric.Cosine })).Row);
        using VectorIndex other = await TestIndex.BuildAsync(zero);

        // Too short for float16, in which they would be stored as zeros.
        values.AsSpan(9 * Dimensions, Dimensions).Fill(1e-9f);
        var options = new VectorIndexOptions { Metric = Metric.Cosine, StoredVectors = StoredVectors.Float16 };
        Assert.Equal(9, (await BuildFailureAsync(new VectorMatrix(values, Dimensions), options)).Row);
        using VectorIndex whole = await TestIndex.BuildAsync(
            new VectorMatrix(values, Dimensions), options with { StoredVectors = StoredVectors.Float32 });
        Assert.Equal(9, whole.Search(values.AsSpan(9 * Dimensions, Dimensions), 1)[0].Ordinal);
    }

    [Fact]
    public async Task Builds_of_nothing_or_of_too_much_are_refused()
    {
        var store = new MemoryObjectStore();
        await RefusedAsync(new VectorMatrix(default, 5), new VectorIndexOptions());
        await RefusedAsync(default, new VectorIndexOptions());
        await RefusedAsync(new VectorMatrix(new float[8193], 8193), new VectorIndexOptions());
        await RefusedAsync(Vectors, new VectorIndexOptions { ClusterCount = 0 });
        await RefusedAsync(Vectors, new VectorIndexOptions { ClusterCount = 201 });
        await RefusedAsync(Vectors, new VectorIndexOptions { MaxDegreeOfParallelism = 0 });
        await RefusedAsync(Vectors, new VectorIndexOptions { MaxDegreeOfParallelism = -2 });
        await RefusedAsync(Vectors, new VectorIndexOptions { Metric = (Metric)7 });
        await RefusedAsync(Vectors, new VectorIndexOptions { StoredVectors = (StoredVectors)7 });
        await RefusedAsync(Vectors, new VectorIndexOptions(), new RecordBatch(("a", ArrowArray.From<long>([1, 2, 3]))));
        await Assert.ThrowsAsync<ArgumentException>(() => VectorIndexBuilder.BuildAsync(store, "not a key!", Vectors));
        await Assert.ThrowsAsync<ArgumentException>(() => VectorIndexBuilder.BuildAsync(store, "", Vectors));
        await Assert.ThrowsAsync<ArgumentNullException>(() => VectorIndexBuilder.BuildAsync(null!, "a", Vectors));
        Assert.Empty(await TestIndex.ObjectsAsync(store));

        Task RefusedAsync(VectorMatrix vectors, VectorIndexOptions options, RecordBatch? metadata = null) =>
            Assert.ThrowsAsync<ArgumentException>(() => VectorIndexBuilder.BuildAsync(store, "a", vectors, options, metadata));
    }

    [Fact]
    public async Task Opening_what_is_not_there_is_refused()
    {
        var store = new MemoryObjectStore();
        Assert.Equal("a/pointer", (await Assert.ThrowsAsync<ObjectNotFoundException>(
            async () => await VectorIndex.OpenAsync(store, "a"))).ObjectKey);
        await VectorIndexBuilder.BuildAsync(store, "a", Vectors);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            async () => await VectorIndex.OpenAsync(store, "a", new OpenOptions { MemoryBudget = -1 }));
        await Assert.ThrowsAsync<NotSupportedException>(
            async () => await VectorIndex.OpenAsync(store, "a", new OpenOptions { MemoryMap = true }));
        await Assert.ThrowsAsync<ArgumentNullException>(async () => await VectorIndex.OpenAsync(null!, "a"));
    }

    [Fact]
    public async Task A_disposed_index_refuses_searches()
    {
        VectorIndex index = await TestIndex.BuildAsync(Vectors, new VectorIndexOptions { ClusterCount = 5 });
        index.Search(Vectors[0], 3);
        index.Dispose();
        index.Dispose();
        for (int i = 0; i < 3; i++)
        {
            Assert.Throws<ObjectDisposedException>(() => index.Search(Vectors[0], 3));
            await Assert.ThrowsAsync<ObjectDisposedException>(async () => await index.SearchAsync(Vectors[0], 3));
            await Assert.ThrowsAsync<ObjectDisposedException>(async () => await index.SearchBatchAsync(Vectors, 3));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_cancelled_search_is_cancelled(bool flat)
    {
        using VectorIndex index = await TestIndex.BuildAsync(Vectors, new VectorIndexOptions { ClusterCount = flat ? null : 5 });
        var cancelled = new CancellationToken(true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await index.SearchAsync(Vectors[0], 3, null, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await index.SearchBatchAsync(Vectors, 3, null, -1, null, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await VectorIndex.OpenAsync(new MemoryObjectStore(), "a", null, cancelled));
        Assert.Equal(3, (await index.SearchAsync(Vectors[0], 3)).Count);
    }

    private static VectorMatrix With(int row, float value)
    {
        float[] values = Vectors.Values.ToArray();
        values[(row * Dimensions) + 3] = value;
        return new VectorMatrix(values, Dimensions);
    }

    private static async Task<InvalidVectorException> BuildFailureAsync(VectorMatrix vectors, VectorIndexOptions options)
    {
        var store = new MemoryObjectStore();
        InvalidVectorException flat = await Assert.ThrowsAsync<InvalidVectorException>(
            () => VectorIndexBuilder.BuildAsync(store, "a", vectors, options));
        InvalidVectorException clustered = await Assert.ThrowsAsync<InvalidVectorException>(
            () => VectorIndexBuilder.BuildAsync(store, "a", vectors, options with { ClusterCount = 5 }));
        Assert.Equal((flat.Row, flat.Reason), (clustered.Row, clustered.Reason));
        Assert.Empty(await TestIndex.ObjectsAsync(store));
        return flat;
    }
}

using System.Diagnostics;
using VectorEngine.Storage;
using VectorEngine.Testing;
using VectorEngine.Tests.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Testing;

public sealed class SimulatedStoreTests : ObjectStoreContract
{
    private readonly MemoryObjectStore _inner = new();

    public SimulatedStoreTests() => Store = new SimulatedStore(_inner, new NetworkProfile { RoundTrip = TimeSpan.Zero });

    protected override IObjectStore Store { get; }

    [Fact]
    public async Task Requests_bytes_and_errors_are_counted()
    {
        var store = (SimulatedStore)Store;
        string tag = await store.WriteAsync("a", new byte[1000], WriteCondition.None);
        await store.TryReadAsync("a");
        await store.TryReadAsync("missing");
        Assert.Null(await store.ReadIfChangedAsync("a", tag));
        await ((IObjectStore)store).ReadAsync("a", [new ObjectRange(0, new byte[10]), new ObjectRange(5, new byte[20])]);
        await Assert.ThrowsAsync<ObjectNotFoundException>(() => store.ReadAsync("missing", 0, new byte[50]).AsTask());
        await Assert.ThrowsAsync<WriteConflictException>(() => store.WriteAsync("a", new byte[7], WriteCondition.Absent).AsTask());
        await using (ObjectWriter writer = await store.CreateAsync("b"))
        {
            await writer.WriteAsync(new byte[(20 << 20) + 5]);   // two parts of 8 MiB, and the rest
            await writer.CommitAsync();
        }
        Assert.Equal(2, (await store.ListAsync("").ToListAsync()).Count);
        await store.DeleteAsync("b");

        var expected = new StoreStatistics
        {
            Reads = 6,
            Writes = 5,
            Listings = 1,
            Deletions = 1,
            BytesRead = 1000 + 10 + 20,
            BytesWritten = 1000 + (20 << 20) + 5,
            Errors = 2,
        };
        Assert.Equal(13, expected.Requests);
        Assert.Equal(expected, store.Statistics);
        Assert.Equal(expected, store.ResetStatistics());
        Assert.Equal(default, store.Statistics);
    }

    [Fact]
    public async Task A_listing_is_one_request_per_thousand_objects()
    {
        for (int i = 0; i < 2500; i++)
            await _inner.WriteAsync($"{i:d4}", default, WriteCondition.None);
        var store = (SimulatedStore)Store;
        Assert.Equal(2500, (await store.ListAsync("").ToListAsync()).Count);
        Assert.Equal(3, store.Statistics.Listings);
    }

    [Fact]
    public async Task What_is_cancelled_on_its_way_has_not_happened()
    {
        var time = new ManualTime();
        var store = new SimulatedStore(_inner, time: time);
        using var cancellation = new CancellationTokenSource();
        await using ObjectWriter writer = await store.CreateAsync("b");
        Task[] requests =
        [
            store.TryReadAsync("a", cancellation.Token).AsTask(),
            store.WriteAsync("a", new byte[1000], WriteCondition.None, cancellation.Token).AsTask(),
            writer.WriteAsync(new byte[10 << 20], cancellation.Token).AsTask(),
            store.ListAsync("", cancellation.Token).ToListAsync().AsTask(),
            store.DeleteAsync("a", cancellation.Token).AsTask(),
        ];
        time.Advance(TimeSpan.FromMilliseconds(29));
        await cancellation.CancelAsync();
        foreach (Task request in requests)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        Assert.Equal(0, writer.Length);
        Assert.Empty(await _inner.ListAsync("").ToListAsync());
        Assert.Equal(new StoreStatistics { Reads = 1, Writes = 2, Listings = 1, Deletions = 1, Cancellations = 5 }, store.Statistics);
    }

    [Fact]
    public async Task An_index_is_built_opened_and_searched_as_without_a_network()
    {
        VectorMatrix vectors = GeneratedVectors.Normal(500, 16, 1);
        var options = new VectorIndexOptions { ClusterCount = 8 };
        using VectorIndex near = await TestIndex.BuildAsync(vectors, options);
        using VectorIndex far = await TestIndex.BuildAsync(vectors, options, Store);
        ((SimulatedStore)Store).ResetStatistics();
        using VectorIndex opened = await VectorIndex.OpenAsync(Store, TestIndex.Name);
        Assert.Equal(2, ((SimulatedStore)Store).Statistics.Requests);   // pointer and root
        Assert.Equal(near.Search(vectors[3], 10).Hits(), (await opened.SearchAsync(vectors[3].ToArray(), 10)).Hits());
    }

    [Fact]
    public void A_profile_out_of_range_is_refused()
    {
        NetworkProfile good = new();
        foreach (NetworkProfile bad in (NetworkProfile[])
        [
            good with { RoundTrip = TimeSpan.FromTicks(-1) }, good with { ConnectionBytesPerSecond = 0 },
            good with { BytesPerSecond = double.NaN }, good with { MaxConnections = 0 }, good with { StragglerShare = 1.1 },
            good with { StragglerFactor = 0.5 },
        ])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => new SimulatedStore(_inner, bad));
        }
    }
}

/// <summary>The same on the real clock.</summary>
[Collection(nameof(AloneCollection))]
public sealed class SimulatedTimeTests
{
    private static readonly TimeSpan Late = TimeSpan.FromMilliseconds(30);   // more than a machine that is not busy needs, 2 ms

    [Theory]
    [InlineData(1, 130)]   // 30 ms + 9 MB at 90 MB/s
    [InlineData(8, 606)]   // 30 ms + 8 x 9 MB at 125 MB/s
    public async Task Reads_take_their_time(int count, int milliseconds)
    {
        var inner = new MemoryObjectStore();
        await inner.WriteAsync("a", new byte[9_000_000], WriteCondition.None);
        var store = new SimulatedStore(inner);
        byte[][] read = [.. Enumerable.Range(0, count).Select(_ => new byte[9_000_000])];
        TimeSpan due = TimeSpan.FromMilliseconds(milliseconds), shortest = TimeSpan.MaxValue;
        for (int attempt = 0; attempt < 5 && shortest > due + Late; attempt++)
        {
            var watch = Stopwatch.StartNew();
            await Task.WhenAll(read.Select(bytes => store.ReadAsync("a", 0, bytes).AsTask()));
            shortest = watch.Elapsed < shortest ? watch.Elapsed : shortest;
        }
        Assert.InRange(shortest, due - TimeSpan.FromMilliseconds(1), due + Late);
    }
}

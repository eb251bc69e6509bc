using System.Diagnostics;
using VectorEngine.Storage;

namespace VectorEngine.S3.Tests;

/// <summary>Answers that break off are gone on with where they broke.</summary>
public sealed class BrokenReadTests
{
    private const int Length = 300_000;

    private readonly string _folder = TestServer.NewFolder();

    [Theory]
    [InlineData(CutEnd.Ends)]
    [InlineData(CutEnd.Breaks)]
    [InlineData(CutEnd.Stalls)]
    public async Task What_is_missing_is_asked_for_again(CutEnd end)
    {
        byte[] content = Random(1, Length);
        await TestServer.Store(_folder).WriteAsync("a", content, WriteCondition.None);
        var wire = new Wire(async (_, n, send) => CutContent.Cut(await send(), n % 2 == 0 ? 70_000 : 0, end));
        S3ObjectStore store = TestServer.Store(_folder, wire, config => config.Timeout = TimeSpan.FromSeconds(0.3));

        Assert.True((await store.TryReadAsync("a"))!.Content.Span.SequenceEqual(content));
        Assert.Equal(9, wire.Requests);   // four times 70,000 bytes, each time followed by an answer without any; then the rest
        byte[] range = new byte[150_000];
        await store.ReadAsync("a", 100_001, range);
        Assert.True(range.AsSpan().SequenceEqual(content.AsSpan(100_001, range.Length)));
    }

    [Theory]
    [InlineData(CutEnd.Ends)]
    [InlineData(CutEnd.Breaks)]
    [InlineData(CutEnd.Stalls)]
    public async Task Where_nothing_more_comes_the_read_fails(CutEnd end)
    {
        await TestServer.Store(_folder).WriteAsync("a/b", Random(1, Length), WriteCondition.None);
        var wire = new Wire(async (_, n, send) => CutContent.Cut(await send(), n == 0 ? 10 : 0, end));
        S3ObjectStore store = TestServer.Store(_folder, wire, config => config.Timeout = TimeSpan.FromSeconds(0.3));
        var e = await Assert.ThrowsAsync<StoreException>(() => store.ReadAsync("a/b", 1000, new byte[500]).AsTask());
        Assert.Equal(("a/b", 1000, 500, true), (e.ObjectKey, e.Offset, e.Length, e.IsTransient));
        Assert.Equal(5, wire.Requests);
    }

    [Fact]
    public async Task Parts_of_two_objects_never_mix()
    {
        S3ObjectStore direct = TestServer.Store(_folder);
        byte[] before = Random(1, Length), after = Random(2, Length / 2);
        var wire = new Wire(async (_, n, send) =>
        {
            if (n % 3 == 1)
                await direct.WriteAsync("a", after, WriteCondition.None);
            return n % 3 == 0 ? CutContent.Cut(await send(), 70_000, CutEnd.Breaks) : await send();
        });
        S3ObjectStore store = TestServer.Store(_folder, wire);

        await direct.WriteAsync("a", before, WriteCondition.None);
        ObjectContent read = (await store.TryReadAsync("a"))!;
        Assert.True(read.Content.Span.SequenceEqual(after));
        Assert.Equal((await direct.TryReadAsync("a"))!.ETag, read.ETag);

        await direct.WriteAsync("a", before, WriteCondition.None);
        byte[] range = new byte[100_000];
        await store.ReadAsync("a", 20_000, range);
        Assert.True(range.AsSpan().SequenceEqual(after.AsSpan(20_000, range.Length)));
        Assert.Equal(6, wire.Requests);
    }

    [Fact]
    public async Task A_cancelled_read_ends_at_once()
    {
        await TestServer.Store(_folder).WriteAsync("a", Random(1, Length), WriteCondition.None);
        var wire = new Wire(async (_, _, send) => CutContent.Cut(await send(), 10, CutEnd.Stalls));
        S3ObjectStore store = TestServer.Store(_folder, wire);
        using var cancellation = new CancellationTokenSource(TimeSpan.FromSeconds(0.2));
        long start = Stopwatch.GetTimestamp();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => store.ReadAsync("a", 0, new byte[100], cancellation.Token).AsTask());
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0, 10);
    }

    internal static byte[] Random(int seed, int length)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}

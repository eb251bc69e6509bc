using System.Net;
using VectorEngine.Storage;

namespace VectorEngine.S3.Tests;

/// <summary>Large objects are uploaded in parts, and appear whole or not at all.</summary>
public sealed class MultipartTests
{
    private const int MiB = 1 << 20;

    private readonly string _folder = TestServer.NewFolder();

    [Theory]
    [InlineData(8 * MiB, 1)]            // one part: put whole
    [InlineData((8 * MiB) + 1, 4)]      // two parts, start, completion
    [InlineData(40 * MiB, 7)]
    [InlineData((43 * MiB) + 17, 8)]
    public async Task An_object_of_any_length_is_written(int length, int requests)
    {
        var wire = new Wire((_, _, send) => send());
        S3ObjectStore store = TestServer.Store(_folder, wire);
        byte[] content = BrokenReadTests.Random(1, length);
        await using (ObjectWriter writer = await store.CreateAsync("a"))
        {
            for (int start = 0, piece = 1; start < length; start += piece, piece = (piece * 3) + 1)
                await writer.WriteAsync(content.AsMemory(start, Math.Min(piece, length - start)));
            Assert.Equal(length, writer.Length);
            await writer.CommitAsync();
        }

        Assert.Equal(requests, wire.Requests);
        ObjectContent read = (await store.TryReadAsync("a"))!;
        Assert.True(read.Content.Span.SequenceEqual(content));
        Assert.Null(await store.ReadIfChangedAsync("a", read.ETag));
        await store.WriteAsync("a", new byte[1], WriteCondition.Matches(read.ETag));
        Assert.Equal(0, await TestServer.CountUploadsAsync(_folder));
    }

    [Fact]
    public async Task An_abandoned_upload_leaves_no_parts()
    {
        S3ObjectStore store = TestServer.Store(_folder);
        await using (ObjectWriter writer = await store.CreateAsync("a"))
        {
            await writer.WriteAsync(new byte[30 * MiB]);
            Assert.Equal(1, await TestServer.CountUploadsAsync(_folder));
        }

        Assert.Equal(0, await TestServer.CountUploadsAsync(_folder));
        Assert.Null(await store.TryReadAsync("a"));
    }

    [Fact]
    public async Task A_part_that_the_client_gives_up_is_sent_again()
    {
        int refused = 0;
        var wire = new Wire((request, _, send) =>
            request.RequestUri!.Query.Contains("partNumber=2", StringComparison.Ordinal) && Interlocked.Increment(ref refused) <= 2
                ? Task.FromResult(Wire.Error(HttpStatusCode.ServiceUnavailable, "SlowDown"))
                : send());
        S3ObjectStore store = TestServer.Store(_folder, wire, config => config.MaxErrorRetry = 0);
        byte[] content = new byte[30 * MiB];
        new Random(1).NextBytes(content);
        await using (ObjectWriter writer = await store.CreateAsync("a"))
        {
            await writer.WriteAsync(content);
            await writer.CommitAsync();
        }

        Assert.Equal(3, refused);
        Assert.Equal(content, (await store.TryReadAsync("a"))!.Content.ToArray());
    }

    [Fact]
    public async Task A_failed_part_fails_the_object()
    {
        var wire = new Wire((request, _, send) => request.RequestUri!.Query.Contains("partNumber=2", StringComparison.Ordinal)
            ? Task.FromResult(Wire.Error(HttpStatusCode.Forbidden, "AccessDenied"))
            : send());
        S3ObjectStore store = TestServer.Store(_folder, wire);
        await using (ObjectWriter writer = await store.CreateAsync("a"))
        {
            var e = await Assert.ThrowsAsync<StoreException>(async () =>
            {
                await writer.WriteAsync(new byte[30 * MiB]);
                await writer.CommitAsync();
            });
            Assert.Equal(("a", 8L * MiB, 8L * MiB, false), (e.ObjectKey, e.Offset, e.Length, e.IsTransient));
            Assert.Same(e, await Assert.ThrowsAsync<StoreException>(() => writer.CommitAsync().AsTask()));
        }

        Assert.Equal(0, await TestServer.CountUploadsAsync(_folder));
        Assert.Null(await store.TryReadAsync("a"));
    }
}

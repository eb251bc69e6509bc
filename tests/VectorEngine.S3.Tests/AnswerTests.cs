using System.Net;
using Amazon.S3;
using VectorEngine.Storage;
using static VectorEngine.S3.Tests.Wire;

namespace VectorEngine.S3.Tests;

/// <summary>What the store makes of a server's answers; these tests are the server.</summary>
public sealed class AnswerTests
{
    private const string Tag = "0123456789abcdef0123456789abcdef", OtherTag = "fedcba9876543210fedcba9876543210";

    [Xunit.Theory]
    [InlineData(HttpStatusCode.Forbidden, "AccessDenied", false)]
    [InlineData(HttpStatusCode.NotFound, "NoSuchBucket", false)]
    [InlineData(HttpStatusCode.BadRequest, "RequestTimeout", true)]
    [InlineData(HttpStatusCode.TooManyRequests, "TooManyRequests", true)]
    [InlineData(HttpStatusCode.InternalServerError, "InternalError", true)]
    [InlineData(HttpStatusCode.NotImplemented, "NotImplemented", false)]
    [InlineData(HttpStatusCode.ServiceUnavailable, "SlowDown", true)]
    public async Task An_error_names_the_range_and_tells_whether_to_try_again(HttpStatusCode status, string code, bool transient)
    {
        S3ObjectStore store = Store(Answering(_ => Error(status, code)));
        var e = await Assert.ThrowsAsync<StoreException>(() => store.ReadAsync("some/key", 7, new byte[9]).AsTask());
        Assert.Equal(("some/key", 7L, 9L, transient), (e.ObjectKey, e.Offset, e.Length, e.IsTransient));
        Assert.Contains($"{(int)status} {code}", e.Message, StringComparison.Ordinal);
        Assert.IsType<AmazonS3Exception>(e.InnerException);
    }

    [Xunit.Fact]
    public async Task A_server_that_cannot_be_reached_is_a_transient_failure()
    {
        AmazonS3Config config = S3ObjectStore.CompatibleServer("http://127.0.0.1:1");
        config.MaxErrorRetry = 0;
        using var client = new AmazonS3Client("key", "secret", config);
        var e = await Assert.ThrowsAsync<StoreException>(() => new S3ObjectStore(client, "bucket").TryReadAsync("a").AsTask());
        Assert.True(e.IsTransient);
    }

    [Xunit.Fact]
    public async Task A_server_that_does_not_answer_is_a_transient_failure()
    {
        var wire = new Wire(async (_, _, _) =>
        {
            await Task.Delay(Timeout.Infinite);
            throw Broken;
        });
        S3ObjectStore store = Store(wire, config => config.Timeout = TimeSpan.FromSeconds(0.3));
        var e = await Assert.ThrowsAsync<StoreException>(() => store.DeleteAsync("a").AsTask());
        Assert.True(e.IsTransient);
    }

    [Xunit.Fact]
    public async Task Where_tags_are_taken_in_quotes_they_are_never_sent_without()
    {
        var wire = Answering(
            request => Condition(HttpStatusCode.PreconditionFailed, request, quoted: true),
            _ => Answer(HttpStatusCode.OK, tag: OtherTag),
            request => Condition(HttpStatusCode.OK, request, quoted: true));
        S3ObjectStore store = Store(wire);
        await Assert.ThrowsAsync<WriteConflictException>(() => store.WriteAsync("a", new byte[1], WriteCondition.Matches(Tag)).AsTask());
        Assert.Equal(OtherTag, await store.WriteAsync("a", new byte[1], WriteCondition.Matches(Tag)));
    }

    [Xunit.Fact]
    public async Task Where_tags_are_taken_without_quotes_they_are_sent_so_from_then_on()
    {
        var wire = Answering(
            request => Condition(HttpStatusCode.PreconditionFailed, request, quoted: true),
            _ => Answer(HttpStatusCode.OK, tag: Tag),
            request => Condition(HttpStatusCode.OK, request, quoted: false),
            request => Condition(HttpStatusCode.OK, request, quoted: false));
        S3ObjectStore store = Store(wire);
        for (int i = 0; i < 2; i++)
            Assert.Equal(OtherTag, await store.WriteAsync("a", new byte[1], WriteCondition.Matches(Tag)));
        Assert.Equal(4, wire.Requests);
    }

    [Xunit.Fact]
    public async Task A_server_that_refuses_both_forms_is_a_conflict()
    {
        var wire = Answering(
            request => Condition(HttpStatusCode.PreconditionFailed, request, quoted: true),
            _ => Answer(HttpStatusCode.OK, tag: Tag),
            request => Condition(HttpStatusCode.PreconditionFailed, request, quoted: false),
            _ => Answer(HttpStatusCode.OK, tag: Tag));
        await Assert.ThrowsAsync<WriteConflictException>(
            () => Store(wire).WriteAsync("a", new byte[1], WriteCondition.Matches(Tag)).AsTask());
    }

    [Xunit.Fact]
    public async Task A_collision_of_writes_is_tried_again()
    {
        var wire = Answering(
            _ => Error(HttpStatusCode.Conflict, "ConditionalRequestConflict"),
            _ => Error(HttpStatusCode.Conflict, "ConditionalRequestConflict"),
            _ => Answer(HttpStatusCode.OK, tag: Tag));
        Assert.Equal(Tag, await Store(wire).WriteAsync("a", new byte[1], WriteCondition.Absent));
    }

    [Xunit.Fact]
    public async Task An_object_that_should_match_and_is_missing_is_a_conflict()
    {
        var wire = Answering(_ => Error(HttpStatusCode.NotFound, "NoSuchKey"), _ => Answer(HttpStatusCode.NotFound));
        await Assert.ThrowsAsync<WriteConflictException>(
            () => Store(wire).WriteAsync("a", new byte[1], WriteCondition.Matches(Tag)).AsTask());
    }

    [Xunit.Fact]
    public async Task A_server_that_ignores_ranges_is_found_out()
    {
        S3ObjectStore store = Store(Answering(_ => Answer(HttpStatusCode.OK, "0123456789", Tag)));
        var e = await Assert.ThrowsAsync<StoreException>(() => store.ReadAsync("a", 2, new byte[3]).AsTask());
        Assert.False(e.IsTransient);
    }

    [Xunit.Theory]
    [InlineData("")]
    [InlineData("a/")]
    [InlineData("a/b")]
    public void A_folder_of_the_bucket_is_named_with_or_without_a_slash(string prefix) =>
        _ = new S3ObjectStore(Client(Answering()), "bucket", prefix);

    [Xunit.Theory]
    [InlineData("/")]
    [InlineData("/a")]
    [InlineData("a//")]
    [InlineData("../a")]
    public void A_prefix_that_is_no_folder_is_refused(string prefix) =>
        Assert.Throws<ArgumentException>(() => new S3ObjectStore(Client(Answering()), "bucket", prefix));

    private static HttpResponseMessage Condition(HttpStatusCode status, HttpRequestMessage request, bool quoted)
    {
        Assert.Equal(quoted ? $"\"{Tag}\"" : Tag, request.Headers.NonValidated["If-Match"].ToString());
        return status == HttpStatusCode.OK ? Answer(status, tag: OtherTag) : Error(status, "PreconditionFailed");
    }

    private static S3ObjectStore Store(Wire wire, Action<AmazonS3Config>? configure = null) => new(Client(wire, configure), "bucket");

    private static AmazonS3Client Client(Wire wire, Action<AmazonS3Config>? configure = null)
    {
        AmazonS3Config config = S3ObjectStore.CompatibleServer("http://localhost");
        config.HttpClientFactory = wire;
        config.MaxErrorRetry = 0;
        configure?.Invoke(config);
        return new AmazonS3Client("key", "secret", config);
    }
}

using System.Text;
using VectorEngine.Storage;

namespace VectorEngine.S3.Tests;

/// <summary>Writes whose answer gets lost are repeated by the client, and still happen once.</summary>
public sealed class LostAnswerTests
{
    private readonly string _folder = TestServer.NewFolder();

    [Fact]
    public async Task A_conditional_write_succeeds_once()
    {
        S3ObjectStore direct = TestServer.Store(_folder), store = TestServer.Store(_folder, LosingFirst(HttpMethod.Put, "a"));
        string first = await store.WriteAsync("a", "one"u8.ToArray(), WriteCondition.Absent);
        Assert.Equal(first, (await direct.TryReadAsync("a"))!.ETag);

        Wire wire = LosingFirst(HttpMethod.Put, "a");
        string second = await TestServer.Store(_folder, wire).WriteAsync("a", "two"u8.ToArray(), WriteCondition.Matches(first));
        ObjectContent read = (await direct.TryReadAsync("a"))!;
        Assert.Equal(("two", second), (Encoding.UTF8.GetString(read.Content.Span), read.ETag));
    }

    [Fact]
    public async Task A_conditional_write_that_lost_is_a_conflict_even_if_the_content_is_the_same()
    {
        await TestServer.Store(_folder).WriteAsync("a", "one"u8.ToArray(), WriteCondition.Absent);
        S3ObjectStore store = TestServer.Store(_folder, LosingFirst(HttpMethod.Put, "a"));
        var e = await Assert.ThrowsAsync<WriteConflictException>(
            () => store.WriteAsync("a", "one"u8.ToArray(), WriteCondition.Absent).AsTask());
        Assert.Equal("a", e.ObjectKey);
    }

    [Fact]
    public async Task Every_step_of_an_upload_may_be_repeated()
    {
        byte[] content = BrokenReadTests.Random(1, 20 << 20);
        S3ObjectStore store = TestServer.Store(_folder, LosingEveryFirst());
        await using ObjectWriter writer = await store.CreateAsync("a");
        await writer.WriteAsync(content);
        await writer.CommitAsync();
        Assert.True((await TestServer.Store(_folder).TryReadAsync("a"))!.Content.Span.SequenceEqual(content));
    }

    [Theory]
    [InlineData(20 << 20)]
    [InlineData(1 << 20)]
    public async Task A_commit_can_be_tried_again_though_all_answers_were_lost(int length)
    {
        byte[] content = BrokenReadTests.Random(1, length);
        bool loses = false;
        var wire = new Wire(async (request, _, send) =>
        {
            HttpResponseMessage answer = await send();
            bool isPart = request.RequestUri!.Query.Contains("partNumber", StringComparison.Ordinal);
            return Volatile.Read(ref loses) && !isPart ? throw Wire.Broken : answer;
        });
        await using ObjectWriter writer = await TestServer.Store(_folder, wire, config => config.MaxErrorRetry = 1).CreateAsync("a");
        await writer.WriteAsync(content);
        Volatile.Write(ref loses, true);
        Assert.True((await Assert.ThrowsAsync<StoreException>(() => writer.CommitAsync().AsTask())).IsTransient);
        Volatile.Write(ref loses, false);
        await writer.CommitAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => writer.CommitAsync().AsTask());
        Assert.True((await TestServer.Store(_folder).TryReadAsync("a"))!.Content.Span.SequenceEqual(content));
    }

    private static Wire LosingFirst(HttpMethod method, string end)
    {
        int lost = 0;
        return new Wire(async (request, _, send) =>
        {
            HttpResponseMessage answer = await send();
            bool loses = request.Method == method && request.RequestUri!.AbsolutePath.EndsWith(end, StringComparison.Ordinal);
            return loses && Interlocked.Exchange(ref lost, 1) == 0 ? throw Wire.Broken : answer;
        });
    }

    // Of each different request.
    private static Wire LosingEveryFirst()
    {
        var seen = new HashSet<string>();
        return new Wire(async (request, _, send) =>
        {
            HttpResponseMessage answer = await send();
            lock (seen)
                return seen.Add($"{request.Method} {request.RequestUri}") ? throw Wire.Broken : answer;
        });
    }
}

using System.Net;
using System.Text;
using Amazon.Runtime;

namespace VectorEngine.S3.Tests;

/// <summary>What lies between a client and a server, and may do as it likes with requests and answers.</summary>
/// <param name="pass">Answers a request, the n-th from 0: itself, or by sending it on.</param>
internal sealed class Wire(Func<HttpRequestMessage, int, Func<Task<HttpResponseMessage>>, Task<HttpResponseMessage>> pass)
    : HttpClientFactory
{
    private int _requests;

    /// <summary>Requests so far.</summary>
    public int Requests => _requests;

    public static HttpRequestException Broken => new(HttpRequestError.ResponseEnded, "The wire broke.");

    /// <summary>The end of a server of its own, which gives these answers and no more.</summary>
    public static Wire Answering(params Func<HttpRequestMessage, HttpResponseMessage>[] answers) =>
        new((request, n, _) => Task.FromResult(answers[n](request)));

    public static HttpResponseMessage Answer(HttpStatusCode status, string body = "", string? tag = null)
    {
        var answer = new HttpResponseMessage(status) { Content = new StringContent(body, Encoding.UTF8, "application/xml") };
        if (tag is not null)
            answer.Headers.TryAddWithoutValidation("ETag", $"\"{tag}\"");
        return answer;
    }

    public static HttpResponseMessage Error(HttpStatusCode status, string code) =>
        Answer(status, $"<Error><Code>{code}</Code><Message>So it is.</Message></Error>");

    public override HttpClient CreateHttpClient(IClientConfig clientConfig) =>
        new(new Handler(this)) { Timeout = clientConfig.Timeout ?? TimeSpan.FromSeconds(100) };

    private sealed class Handler(Wire wire) : DelegatingHandler(new SocketsHttpHandler())
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            wire.Pass(request, () => base.SendAsync(request, cancellationToken)).WaitAsync(cancellationToken);
    }

    private Task<HttpResponseMessage> Pass(HttpRequestMessage request, Func<Task<HttpResponseMessage>> send) =>
        pass(request, Interlocked.Increment(ref _requests) - 1, send);
}

using System.Net;
using Amazon.Runtime;

namespace VectorEngine.S3.Tests;

/// <summary>What lies between a client and a server, and may do as it likes with requests and answers.</summary>
/// <param name="pass">Answers a request, the n-th from 0: itself, or by sending it on.</param>
internal sealed class Wire(Func<HttpRequestMessage, int, Func<Task<HttpResponseMessage>>, Task<HttpResponseMessage>> pass) : HttpClientFactory
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
        var answer = new HttpResponseMessage(status) { Content = new StringContent(body) };
        if (tag is not null)
            answer.Headers.TryAddWithoutValidation("ETag", $"\"{tag}\"");
        return answer;
    }

    public static HttpResponseMessage Error(HttpStatusCode status, string code) =>
        Answer(status, $"<Error><Code>{code}</Code><Message>So it is.</Message></Error>");

    public override HttpClient CreateHttpClient(IClientConfig clientConfig) => new(new Handler(this));

    private sealed class Handler(Wire wire) : DelegatingHandler(new SocketsHttpHandler())
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            wire.Pass(request, () => base.SendAsync(request, cancellationToken));
    }

    private Task<HttpResponseMessage> Pass(HttpRequestMessage request, Func<Task<HttpResponseMessage>> send) =>
        pass(request, Interlocked.Increment(ref _requests) - 1, send);
}

/// <summary>A body that ends early or breaks after some bytes.</summary>
internal sealed class CutContent(HttpContent whole, int length, bool breaks) : HttpContent
{
    public static HttpResponseMessage Cut(HttpResponseMessage answer, int length, bool breaks)
    {
        HttpContent whole = answer.Content;
        answer.Content = new CutContent(whole, length, breaks);
        foreach ((string name, IEnumerable<string> values) in whole.Headers)
            answer.Content.Headers.TryAddWithoutValidation(name, values);
        return answer;
    }

    protected override async Task<Stream> CreateContentReadStreamAsync() =>
        new CutStream(await whole.ReadAsStreamAsync(), length, breaks);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => throw new NotSupportedException();

    protected override bool TryComputeLength(out long contentLength)
    {
        contentLength = 0;
        return false;
    }

    private sealed class CutStream(Stream inner, int length, bool breaks) : Stream
    {
        private int _left = length;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_left == 0)
                return breaks ? throw new IOException("The wire broke.") : 0;
            int read = await inner.ReadAsync(buffer[..Math.Min(_left, buffer.Length)], cancellationToken);
            _left -= read;
            return read;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() { }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}

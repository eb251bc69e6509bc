using System.Net;

namespace VectorEngine.S3.Tests;

/// <summary>What happens where a body is cut.</summary>
public enum CutEnd
{
    /// <summary>It ends, as if that were all.</summary>
    Ends,

    /// <summary>The connection breaks.</summary>
    Breaks,

    /// <summary>Nothing comes any more.</summary>
    Stalls,
}

/// <summary>The body of an answer, of which only some bytes come.</summary>
internal sealed class CutContent(HttpContent whole, int length, CutEnd end) : HttpContent
{
    /// <summary>The same answer with a body that is cut after some bytes.</summary>
    public static HttpResponseMessage Cut(HttpResponseMessage answer, int length, CutEnd end)
    {
        HttpContent whole = answer.Content;
        answer.Content = new CutContent(whole, length, end);
        foreach ((string name, IEnumerable<string> values) in whole.Headers)
            answer.Content.Headers.TryAddWithoutValidation(name, values);
        return answer;
    }

    protected override async Task<Stream> CreateContentReadStreamAsync() => new CutStream(await whole.ReadAsStreamAsync(), length, end);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => throw new NotSupportedException();

    protected override bool TryComputeLength(out long contentLength)
    {
        contentLength = 0;
        return false;
    }

    private sealed class CutStream(Stream inner, int length, CutEnd end) : Stream
    {
        private int _left = length;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_left == 0 && end == CutEnd.Stalls)
                await Task.Delay(Timeout.Infinite, cancellationToken);
            if (_left == 0)
                return end == CutEnd.Ends ? 0 : throw new IOException("The wire broke.");
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

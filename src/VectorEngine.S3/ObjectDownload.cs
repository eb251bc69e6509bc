using System.Net;
using System.Net.Http.Headers;
using Amazon.S3.Model;
using VectorEngine.Storage;

namespace VectorEngine.S3;

/// <summary>One read of an object, which goes on where an answer broke off.</summary>
internal sealed class ObjectDownload(S3Bucket bucket, string key)
{
    /// <summary>Answers in a row that may end without having brought a byte.</summary>
    private const int MaxFruitless = 4;

    private string? _tag;
    private int _filled;

    /// <summary>Reads the object, whatever its length.</summary>
    /// <param name="knownETag">
    /// A tag that the object should not have, or null; if it has, the failure's status is <see cref="HttpStatusCode.NotModified"/>.
    /// </param>
    /// <param name="cancellationToken">Cancels the read.</param>
    public async Task<ObjectContent> ReadWholeAsync(string? knownETag, CancellationToken cancellationToken)
    {
        while (true)
        {
            var request = new GetObjectRequest { BucketName = bucket.Name, Key = bucket.FullKey(key) };
            if (knownETag is not null)
                request.EtagToNotMatch = S3Bucket.Quoted(knownETag);
            using GetObjectResponse response = await SendAsync(request, 0, 0, cancellationToken).ConfigureAwait(false);
            if (response.ContentLength > Array.MaxLength)
                throw new CorruptDataException(key, 0, response.ContentLength, "too long to be read whole");
            var content = new byte[response.ContentLength];
            (_tag, _filled) = (response.ETag, 0);
            if (await TryFillAsync(response, 0, content, cancellationToken).ConfigureAwait(false) is not null
                && !await TryFinishAsync(0, content, cancellationToken).ConfigureAwait(false))
                continue;   // the object was replaced: the new one may have another length
            return new ObjectContent(content, S3Bucket.Unquoted(_tag));
        }
    }

    /// <summary>Fills <paramref name="destination"/> with the bytes from <paramref name="offset"/> on.</summary>
    public async Task ReadRangeAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        if (destination.IsEmpty || offset > long.MaxValue - destination.Length)
        {
            await RequireRangeAsync(offset, destination.Length, cancellationToken).ConfigureAwait(false);
            return;
        }

        while (!await TryFinishAsync(offset, destination, cancellationToken).ConfigureAwait(false))
            (_tag, _filled) = (null, 0);
    }

    /// <summary>Gets what is missing; false if that is of another object than what is there.</summary>
    private async Task<bool> TryFinishAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        for (int fruitless = 0; ;)
        {
            int before = _filled;
            Exception? broken;
            try
            {
                using GetObjectResponse response = await RequestRestAsync(offset, destination.Length, cancellationToken)
                    .ConfigureAwait(false);
                _tag = response.ETag;
                broken = await TryFillAsync(response, offset, destination, cancellationToken).ConfigureAwait(false);
            }
            catch (StoreException e) when (_tag is not null && S3Errors.StatusOf(e) == HttpStatusCode.PreconditionFailed)
            {
                return false;
            }

            if (broken is null)
                return true;
            fruitless = _filled > before ? 0 : fruitless + 1;
            if (fruitless == MaxFruitless)
                throw S3Errors.ToStoreException(broken, key, offset, destination.Length);
            await Retries.PauseAsync(fruitless + 1, layer: null, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Asks for the bytes that are missing, and sees that the answer has them.</summary>
    private async Task<GetObjectResponse> RequestRestAsync(long offset, int length, CancellationToken cancellationToken)
    {
        long first = offset + _filled, last = offset + length - 1;
        var request = new GetObjectRequest { BucketName = bucket.Name, Key = bucket.FullKey(key), ByteRange = new ByteRange(first, last) };
        if (_tag is not null)
            request.EtagToMatch = _tag;
        GetObjectResponse response;
        try
        {
            response = await SendAsync(request, offset, length, cancellationToken).ConfigureAwait(false);
        }
        catch (StoreException e) when (S3Errors.StatusOf(e) == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            await RequireRangeAsync(offset, length, cancellationToken).ConfigureAwait(false);
            throw;
        }

        bool ranged = ContentRangeHeaderValue.TryParse(response.ContentRange, out ContentRangeHeaderValue? range) && range.From == first;
        if (ranged && range!.To == last)
            return response;
        response.Dispose();
        if (ranged && range!.Length is { } whole)
            throw Short(offset, length, whole);
        throw new StoreException(key, offset, length, "the server did not send the range that was asked for", isTransient: false);
    }

    /// <summary>Copies an answer behind what is there; null if it was complete, else why not.</summary>
    private async Task<Exception?> TryFillAsync(
        GetObjectResponse response, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        using var stalled = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            Stream body = response.ResponseStream;
            while (_filled < destination.Length)
            {
                stalled.CancelAfter(bucket.Timeout);
                int read = await body.ReadAsync(destination[_filled..], stalled.Token).ConfigureAwait(false);
                if (read == 0)
                    return new EndOfStreamException($"The answer ended before byte {offset + destination.Length}");
                _filled += read;
            }

            return null;
        }
        catch (Exception e) when (S3Errors.IsOfStore(e) && !cancellationToken.IsCancellationRequested)
        {
            return e;
        }
    }

    /// <summary>Throws if the object ends before a range does.</summary>
    private async Task RequireRangeAsync(long offset, int length, CancellationToken cancellationToken)
    {
        GetObjectMetadataResponse found = await bucket.HeadAsync(key, cancellationToken).ConfigureAwait(false);
        if (offset > found.ContentLength - length)
            throw Short(offset, length, found.ContentLength);
    }

    private Task<GetObjectResponse> SendAsync(GetObjectRequest request, long offset, int length, CancellationToken cancellationToken) =>
        S3Errors.TranslateAsync(bucket.Client.GetObjectAsync(request, cancellationToken), key, offset, length, cancellationToken);

    private CorruptDataException Short(long offset, int length, long whole) =>
        new(key, offset, length, $"the object has only {whole} bytes");
}

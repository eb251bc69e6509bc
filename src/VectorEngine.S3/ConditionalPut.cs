using System.Net;
using System.Runtime.InteropServices;
using Amazon.S3.Model;
using VectorEngine.Storage;

namespace VectorEngine.S3;

/// <summary>Writes whole objects, on a condition or without.</summary>
/// <remarks>
/// <para>The client repeats a request whose answer got lost; if the first had succeeded, the second finds the condition broken. So every
/// conditional write marks its object with a number of its own in the metadata: a refused write whose mark is there has happened.</para>
/// <para>Amazon takes the tag of a condition in quotes, as HTTP says; Ceph only without. A write that is refused although the tag is the
/// expected one is tried again in the other form. Each attempt is a conditional write that the service decides, so no form can overwrite
/// what has another tag.</para>
/// </remarks>
internal sealed class ConditionalPut(S3Bucket bucket)
{
    private const int MaxCollisions = 6;

    private volatile bool _quotes = true;

    /// <summary>Writes an object and returns its tag.</summary>
    public async Task<string> WriteAsync(
        string key, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken)
    {
        bool quotes = _quotes, otherFormTried = false;
        string? mark = condition == WriteCondition.None ? null : Guid.NewGuid().ToString("N");
        for (int collisions = 0; ;)
        {
            try
            {
                PutObjectResponse written = await SendAsync(
                    Request(key, content, condition, quotes, mark), key, cancellationToken).ConfigureAwait(false);
                _quotes = quotes;
                return S3Bucket.Unquoted(written.ETag);
            }
            catch (StoreException e) when (S3Errors.StatusOf(e) == HttpStatusCode.Conflict && collisions < MaxCollisions)
            {
                // Another write is being decided.
                await Retries.PauseAsync(++collisions, layer: null, cancellationToken).ConfigureAwait(false);
            }
            catch (VectorEngineException e) when (mark is not null && IsRefusal(e, condition))
            {
                GetObjectMetadataResponse? found = await TryHeadAsync(key, cancellationToken).ConfigureAwait(false);
                string tag = S3Bucket.Unquoted(found?.ETag);
                if (found is not null && S3Bucket.HasMark(found, mark))
                    return tag;
                if (tag != condition.IfMatch || otherFormTried)
                    throw new WriteConflictException(key, e.InnerException);
                (quotes, otherFormTried) = (!quotes, true);
            }
        }
    }

    // Some services say of a tag that is to match that there is no such object.
    private static bool IsRefusal(VectorEngineException e, WriteCondition condition) => e switch
    {
        StoreException refused => S3Errors.StatusOf(refused) == HttpStatusCode.PreconditionFailed,
        _ => e is ObjectNotFoundException && condition.IfMatch is not null,
    };

    private PutObjectRequest Request(string key, ReadOnlyMemory<byte> content, WriteCondition condition, bool quotes, string? mark)
    {
        var request = new PutObjectRequest { BucketName = bucket.Name, Key = bucket.FullKey(key), InputStream = ToStream(content) };
        if (mark is not null)
            request.Metadata.Add(S3Bucket.WriteMark, mark);
        if (condition.IfAbsent)
            request.IfNoneMatch = "*";
        if (condition.IfMatch is { } tag)
            request.IfMatch = quotes ? S3Bucket.Quoted(tag) : tag;
        return request;
    }

    private Task<PutObjectResponse> SendAsync(PutObjectRequest request, string key, CancellationToken cancellationToken) =>
        S3Errors.TranslateAsync(bucket.Client.PutObjectAsync(request, cancellationToken), key, 0, 0, cancellationToken);

    private async Task<GetObjectMetadataResponse?> TryHeadAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            return await bucket.HeadAsync(key, cancellationToken).ConfigureAwait(false);
        }
        catch (ObjectNotFoundException)
        {
            return null;
        }
    }

    private static MemoryStream ToStream(ReadOnlyMemory<byte> content) =>
        MemoryMarshal.TryGetArray(content, out ArraySegment<byte> array)
            ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false)
            : new MemoryStream(content.ToArray(), writable: false);
}

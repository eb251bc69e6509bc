using System.Net;
using System.Runtime.CompilerServices;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using VectorEngine.Storage;

namespace VectorEngine.S3;

/// <summary>Keeps objects in a bucket of Amazon S3, or of a server that speaks its protocol.</summary>
/// <remarks>
/// <para>Credentials, region, timeouts and retries of requests are the client's. An answer that breaks off, or of which nothing comes for
/// the client's timeout, is asked for again from there on, as long as it is still the same object.</para>
/// <para>What the service refuses or fails to do is a <see cref="StoreException"/>, transient where the same request may succeed later:
/// no connection, no answer in time, too many requests, an error of the service's own.</para>
/// <para>Builds need a service with conditional writes (S3, Ceph, MinIO, R2) and lists in the order of keys, so no directory bucket. A
/// key may be a folder of another here.</para>
/// <para>A writer whose process dies leaves parts that no listing shows and that cost as much as an object: give the bucket a rule that
/// aborts incomplete multipart uploads after some days.</para>
/// </remarks>
public sealed class S3ObjectStore : IObjectStore
{
    private const int MaxUploads = 4;

    private readonly S3Bucket _bucket;
    private readonly ConditionalPut _put;
    private readonly SemaphoreSlim _uploads = new(MaxUploads);

    /// <summary>Uses a bucket that exists.</summary>
    /// <param name="client">Stays the caller's: it is to be disposed after the store's last use.</param>
    /// <param name="bucket">The bucket's name.</param>
    /// <param name="prefix">
    /// The folder of the bucket under which all objects are, such as "indexes/docs", by the rules of keys; empty for the whole bucket.
    /// </param>
    /// <exception cref="ArgumentException">The bucket has no name, or the prefix is none.</exception>
    public S3ObjectStore(IAmazonS3 client, string bucket, string prefix = "")
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentException.ThrowIfNullOrEmpty(bucket);
        ArgumentNullException.ThrowIfNull(prefix);
        if (prefix.Length > 0)
        {
            prefix = prefix.EndsWith('/') ? prefix[..^1] : prefix;
            ObjectKey.Validate(prefix);
            prefix += "/";
        }

        _bucket = new S3Bucket(client, bucket, prefix);
        _put = new ConditionalPut(_bucket);
    }

    /// <summary>
    /// How to talk to a server that is not Amazon's, such as Ceph, MinIO or R2: buckets are named in the path, not in the host, checksums
    /// are sent only where the protocol demands them, and signatures name a region that most servers ignore. Give it to a new
    /// <see cref="AmazonS3Client"/>; for Amazon's own service, that needs no settings.
    /// </summary>
    /// <param name="endpoint">The server, such as "http://localhost:9000".</param>
    /// <param name="region">What the server calls its region.</param>
    public static AmazonS3Config CompatibleServer(string endpoint, string region = "us-east-1")
    {
        ArgumentException.ThrowIfNullOrEmpty(endpoint);
        return new AmazonS3Config
        {
            ServiceURL = endpoint,
            AuthenticationRegion = region,
            ForcePathStyle = true,
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
    }

    /// <inheritdoc/>
    public async ValueTask<ObjectContent?> TryReadAsync(string key, CancellationToken cancellationToken = default)
    {
        ObjectKey.Validate(key);
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return await new ObjectDownload(_bucket, key).ReadWholeAsync(null, cancellationToken).ConfigureAwait(false);
        }
        catch (ObjectNotFoundException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<ObjectContent?> ReadIfChangedAsync(string key, string knownETag, CancellationToken cancellationToken = default)
    {
        ObjectKey.Validate(key);
        ArgumentException.ThrowIfNullOrEmpty(knownETag);
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            ObjectContent content = await new ObjectDownload(_bucket, key).ReadWholeAsync(knownETag, cancellationToken)
                .ConfigureAwait(false);
            return content.ETag == knownETag ? null : content;   // a server may ignore the condition
        }
        catch (StoreException e) when (S3Errors.StatusOf(e) == HttpStatusCode.NotModified)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public async ValueTask ReadAsync(string key, long offset, Memory<byte> destination, CancellationToken cancellationToken = default)
    {
        ObjectKey.Validate(key);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        cancellationToken.ThrowIfCancellationRequested();
        await new ObjectDownload(_bucket, key).ReadRangeAsync(offset, destination, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<string> WriteAsync(
        string key, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken = default)
    {
        ObjectKey.Validate(key);
        cancellationToken.ThrowIfCancellationRequested();
        return await _put.WriteAsync(key, content, condition, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Starts an object that is uploaded in parts, up to 4 TiB; a small one, up to 8 MiB, in one request.</summary>
    /// <remarks>
    /// Parts have 8 MiB, twice as much after each thousand. At most four are being uploaded at a time, whatever the number of writers of
    /// this store, and each writer has one more in memory.
    /// </remarks>
    /// <inheritdoc/>
    public async ValueTask<ObjectWriter> CreateAsync(string key, CancellationToken cancellationToken = default)
    {
        ObjectKey.Validate(key);
        cancellationToken.ThrowIfCancellationRequested();
        return new MultipartWriter(_bucket, _put, _uploads, key);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ObjectKey.ValidatePrefix(prefix);
        var request = new ListObjectsV2Request { BucketName = _bucket.Name, Prefix = _bucket.FullKey(prefix) };
        ListObjectsV2Response page;
        do
        {
            cancellationToken.ThrowIfCancellationRequested();
            page = await S3Errors.TranslateAsync(
                _bucket.Client.ListObjectsV2Async(request, cancellationToken), prefix, 0, 0, cancellationToken).ConfigureAwait(false);
            foreach (S3Object found in page.S3Objects ?? [])
            {
                cancellationToken.ThrowIfCancellationRequested();
                string key = found.Key[_bucket.Prefix.Length..];
                if (ObjectKey.IsValid(key))   // others may keep something else in the bucket
                    yield return new ObjectInfo(key, found.Size ?? 0, found.LastModified?.ToUniversalTime() ?? default);
            }

            request.ContinuationToken = page.NextContinuationToken;
        }
        while (page.IsTruncated == true);
    }

    /// <inheritdoc/>
    public async ValueTask DeleteAsync(string key, CancellationToken cancellationToken = default)
    {
        ObjectKey.Validate(key);
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            await S3Errors.TranslateAsync(
                _bucket.Client.DeleteObjectAsync(_bucket.Name, _bucket.FullKey(key), cancellationToken),
                key, 0, 0, cancellationToken).ConfigureAwait(false);
        }
        catch (ObjectNotFoundException)
        {
            // Some servers say so.
        }
    }
}

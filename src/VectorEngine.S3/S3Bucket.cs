using Amazon.S3;
using Amazon.S3.Model;

namespace VectorEngine.S3;

/// <summary>A folder of a bucket.</summary>
/// <param name="Client">Sends the requests.</param>
/// <param name="Name">The bucket's.</param>
/// <param name="Prefix">What the store's keys have in front of them in the bucket: empty, or ending with '/'.</param>
internal sealed record S3Bucket(IAmazonS3 Client, string Name, string Prefix)
{
    /// <summary>The name of the metadata that tells one write from all others.</summary>
    public const string WriteMark = "x-amz-meta-write";

    /// <summary>How long a request, or an answer that stops, is waited for.</summary>
    public TimeSpan Timeout => Client.Config.Timeout ?? TimeSpan.FromSeconds(100);   // what the SDK waits if nothing is said

    public string FullKey(string key) => Prefix + key;

    /// <summary>An object's length, tag and metadata.</summary>
    /// <exception cref="ObjectNotFoundException">There is no such object.</exception>
    public Task<GetObjectMetadataResponse> HeadAsync(string key, CancellationToken cancellationToken) =>
        S3Errors.TranslateAsync(
            Client.GetObjectMetadataAsync(Name, FullKey(key), cancellationToken), key, 0, 0, cancellationToken);

    /// <summary>Whether an object is the one that a writer marked so.</summary>
    public static bool HasMark(GetObjectMetadataResponse found, string mark) => found.Metadata[WriteMark] == mark;

    /// <summary>A tag without its quotes, as stores give them to their users.</summary>
    public static string Unquoted(string? tag) => tag?.Trim('"') ?? "";

    /// <summary>A tag as HTTP writes it.</summary>
    public static string Quoted(string tag) => $"\"{tag}\"";
}

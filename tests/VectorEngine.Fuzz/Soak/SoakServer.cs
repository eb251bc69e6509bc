using Amazon.S3;
using VectorEngine.S3;
using VectorEngine.Storage;

namespace VectorEngine.Fuzz.Soak;

/// <summary>A place of one's own on an S3 server, such as <c>tests/s3-server</c> starts; the SDK's own variables have the keys.</summary>
internal static class SoakServer
{
    private const string Bucket = "vectorengine-soak";

    public static async Task<IObjectStore> OpenAsync(string endpoint)
    {
        var client = new AmazonS3Client(S3ObjectStore.CompatibleServer(endpoint));
        await client.PutBucketAsync(Bucket);
        return new S3ObjectStore(client, Bucket, $"{Guid.NewGuid():N}");
    }
}

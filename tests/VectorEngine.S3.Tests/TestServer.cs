using Amazon.S3;
using Amazon.S3.Model;

namespace VectorEngine.S3.Tests;

/// <summary>
/// A test that needs an S3 server: VECTORENGINE_S3_ENDPOINT names it, and the SDK's own variables have the keys. Without, it is reported as
/// skipped, with the reason.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ServerFactAttribute : Xunit.FactAttribute
{
    public ServerFactAttribute() => Skip = TestServer.WhyMissing;
}

/// <summary>As <see cref="ServerFactAttribute"/>, once for each set of arguments.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ServerTheoryAttribute : Xunit.TheoryAttribute
{
    public ServerTheoryAttribute() => Skip = TestServer.WhyMissing;
}

/// <summary>The server of the tests, which <c>tests/s3-server/up.sh</c> starts, and a bucket on it.</summary>
internal static class TestServer
{
    private const string Variable = "VECTORENGINE_S3_ENDPOINT", Bucket = "vectorengine-tests";

    private static readonly Lazy<AmazonS3Client> Client = new(() =>
    {
        var client = new AmazonS3Client(S3ObjectStore.CompatibleServer(Endpoint!));
        client.PutBucketAsync(Bucket).GetAwaiter().GetResult();
        return client;
    });

    public static string? WhyMissing { get; } =
        string.IsNullOrEmpty(Endpoint) ? $"{Variable} does not name an S3 server, such as tests/s3-server/up.sh starts." : null;

    private static string? Endpoint => Environment.GetEnvironmentVariable(Variable);

    /// <summary>A folder of the bucket that nobody else uses, and so empty.</summary>
    public static string NewFolder() => $"tests/{Guid.NewGuid():N}";

    public static S3ObjectStore Store(string folder) => new(Client.Value, Bucket, folder);

    /// <summary>A store whose requests and answers pass a wire.</summary>
    public static S3ObjectStore Store(string folder, Wire wire, Action<AmazonS3Config>? configure = null)
    {
        _ = Client.Value;   // makes the bucket
        AmazonS3Config config = S3ObjectStore.CompatibleServer(Endpoint!);
        config.HttpClientFactory = wire;
        configure?.Invoke(config);
        return new S3ObjectStore(new AmazonS3Client(config), Bucket, folder);
    }

    /// <summary>The uploads in a folder that were started and neither completed nor aborted.</summary>
    public static async Task<int> CountUploadsAsync(string folder)
    {
        ListMultipartUploadsResponse found = await Client.Value.ListMultipartUploadsAsync(Bucket, folder);
        return found.MultipartUploads?.Count ?? 0;
    }
}

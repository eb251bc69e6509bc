using System.CommandLine;
using Amazon.S3;
using VectorEngine.S3;

namespace VectorEngine.ColdBench;

/// <summary>The options of commands that work on a bucket; keys come as the SDK finds them.</summary>
internal sealed class S3Options
{
    private readonly Option<string> _endpoint = new("--endpoint")
    {
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable("VECTORENGINE_S3_ENDPOINT") ?? "http://127.0.0.1:7490",
        Description = "The server, or a proxy before it.",
    };

    private readonly Option<string> _bucket = new("--bucket") { DefaultValueFactory = _ => "peers", Description = "The bucket." };

    private readonly Option<string> _name = new("--name") { Required = true, Description = "The index." };

    private readonly Option<int> _counters = new("--counters")
    {
        Description = "Port of the proxy's counters; left out, nothing is counted.",
    };

    public void AddTo(Command command)
    {
        command.Add(_endpoint);
        command.Add(_bucket);
        command.Add(_name);
        command.Add(_counters);
    }

    public string Name(ParseResult parsed) => parsed.GetRequiredValue(_name);

    public ProxyCounters Counters(ParseResult parsed) => ProxyCounters.Read(parsed.GetValue(_counters));

    /// <summary>A client of the server and the bucket's store; the caller disposes the client.</summary>
    public (AmazonS3Client Client, S3ObjectStore Store) Connect(ParseResult parsed)
    {
        var client = new AmazonS3Client(S3ObjectStore.CompatibleServer(parsed.GetRequiredValue(_endpoint)));
        return (client, new S3ObjectStore(client, parsed.GetRequiredValue(_bucket)));
    }
}

using System.CommandLine;
using Amazon.S3;
using VectorEngine.S3;
using VectorEngine.Storage;
using VectorEngine.Testing;

namespace VectorEngine.ColdBench;

/// <summary>Where the index is: in a folder that seems as far away as a store in the cloud, or in a bucket that is.</summary>
/// <param name="Folder">The folder, unless there is a bucket.</param>
/// <param name="Endpoint">The server, which may be behind the proxy; credentials are in the environment.</param>
/// <param name="Bucket">The bucket.</param>
internal sealed record StoreSettings(string? Folder, string? Endpoint, string? Bucket)
{
    /// <summary>Opens the store, for as long as the process lives, without the simulated network.</summary>
    public IObjectStore Open() => Bucket is null
        ? new FileObjectStore(Folder!)
        : new S3ObjectStore(new AmazonS3Client(S3ObjectStore.CompatibleServer(Endpoint!)), Bucket);

    /// <summary>Opens the store as it is measured, for as long as the process lives.</summary>
    public async Task<IObjectStore> OpenFarAsync()
    {
        if (Bucket is not null)
            return Open();
        // The network's own code is no part of what is measured: it is compiled before.
        var near = new NetworkProfile { RoundTrip = TimeSpan.FromMilliseconds(1) };
        await new SimulatedStore(new MemoryObjectStore(), near).TryReadAsync("nothing");
        return new SimulatedStore(Open(), new NetworkProfile());
    }

    /// <summary>Reads all files of the index, so that measured reads find them in memory.</summary>
    public async Task WarmFilesAsync(CancellationToken cancellationToken)
    {
        foreach (string path in Folder is null ? [] : Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories))
        {
            using FileStream file = File.OpenRead(path);
            await file.CopyToAsync(Stream.Null, 1 << 20, cancellationToken);
        }
    }

    /// <summary>The options of commands that open an index.</summary>
    internal sealed class Options
    {
        private readonly Option<string?> _folder = new("--index") { Description = "Folder of the index, behind a simulated network." };
        private readonly Option<string?> _endpoint = new("--s3") { Description = "Instead: a server, such as http://127.0.0.1:7490." };
        private readonly Option<string?> _bucket = new("--bucket") { Description = "The bucket that has the index." };

        public Options(Command command)
        {
            command.Add(_folder);
            command.Add(_endpoint);
            command.Add(_bucket);
            command.Validators.Add(result =>
            {
                bool isRemote = result.GetValue(_endpoint) is not null;
                if (isRemote != result.GetValue(_bucket) is not null || isRemote == result.GetValue(_folder) is not null)
                    result.AddError("Either --index, or --s3 and --bucket.");
            });
        }

        public StoreSettings Read(ParseResult parsed) =>
            new(parsed.GetValue(_folder), parsed.GetValue(_endpoint), parsed.GetValue(_bucket));
    }
}

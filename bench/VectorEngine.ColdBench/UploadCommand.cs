using System.CommandLine;
using Amazon.S3;
using VectorEngine.S3;
using VectorEngine.Storage;

namespace VectorEngine.ColdBench;

/// <summary>Copies the objects of a folder into a bucket.</summary>
internal static class UploadCommand
{
    public static Command Create()
    {
        var folder = new Option<string>("--folder") { Required = true, Description = "Folder of the index." };
        var endpoint = new Option<string>("--s3") { Required = true, Description = "The server; credentials are in the environment." };
        var bucket = new Option<string>("--bucket") { Required = true, Description = "The bucket; made if it is missing." };
        var command = new Command("upload", "Copies an index from a folder into a bucket.") { folder, endpoint, bucket };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var from = new FileObjectStore(parsed.GetRequiredValue(folder));
            using var client = new AmazonS3Client(S3ObjectStore.CompatibleServer(parsed.GetRequiredValue(endpoint)));
            await client.PutBucketAsync(parsed.GetRequiredValue(bucket), cancellationToken);
            var to = new S3ObjectStore(client, parsed.GetRequiredValue(bucket));
            byte[] buffer = new byte[8 << 20];
            await foreach (ObjectInfo item in from.ListAsync("", cancellationToken))
            {
                await using ObjectWriter writer = await to.CreateAsync(item.Key, cancellationToken);
                while (writer.Length < item.Length)
                {
                    Memory<byte> piece = buffer.AsMemory(0, (int)Math.Min(buffer.Length, item.Length - writer.Length));
                    await from.ReadAsync(item.Key, writer.Length, piece, cancellationToken);
                    await writer.WriteAsync(piece, cancellationToken);
                }

                await writer.CommitAsync(cancellationToken);
            }
        });
        return command;
    }
}

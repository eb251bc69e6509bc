using Amazon.S3;
using Spectre.Console;
using VectorEngine;
using VectorEngine.S3;
using VectorEngine.Storage;
using VectorEngine.Testing;

namespace ColdStart;

/// <summary>From an index in a folder to its answers from afar.</summary>
internal static class Session
{
    private const int Count = 100_000, Dimensions = 256;

    /// <summary>Shows a cold start of the index that the settings name, or of a small one; returns the exit code: 1 if it failed.</summary>
    public static async Task<int> RunAsync(IAnsiConsole console, Settings settings, CancellationToken cancellationToken)
    {
        DirectoryInfo? temporary = settings.Folder is null ? Directory.CreateTempSubdirectory("vectorengine-coldstart-") : null;
        try
        {
            using var folder = new FileObjectStore(settings.Folder ?? temporary!.FullName);
            if (temporary is not null)
                await console.Status().StartAsync(
                    "building an index", _ => GeneratedIndex.BuildAsync(folder, settings.Name, Count, Dimensions, cancellationToken));
            await (settings.Bucket is { } bucket
                ? ShowRemoteAsync(console, folder, bucket, settings, cancellationToken)
                : ShowSimulatedAsync(console, folder, settings.Name, cancellationToken));
            return 0;
        }
        catch (Exception e) when (e is ObjectNotFoundException or CorruptDataException or StoreException)
        {
            console.MarkupLineInterpolated($"[red]{e.Message}[/]");
            return 1;
        }
        finally
        {
            temporary?.Delete(recursive: true);
        }
    }

    private static Task ShowSimulatedAsync(IAnsiConsole console, FileObjectStore folder, string name, CancellationToken cancellationToken)
    {
        console.WriteLine("Behind a simulated network: 30 ms to the first byte, 90 MB/s per connection, 125 MB/s in all");
        return ShowAsync(console, folder, new NetworkProfile(), name, cancellationToken);
    }

    private static async Task ShowRemoteAsync(
        IAnsiConsole console, FileObjectStore folder, string bucket, Settings settings, CancellationToken cancellationToken)
    {
        using AmazonS3Client client = settings.Endpoint is { } endpoint
            ? new AmazonS3Client(S3ObjectStore.CompatibleServer(endpoint))
            : new AmazonS3Client();
        var store = new S3ObjectStore(client, bucket);
        await console.Status().StartAsync(
            "copying it to the bucket", _ => Upload.RunAsync(folder, store, settings.Name, cancellationToken));
        console.MarkupLineInterpolated($"In the bucket {bucket}");
        // Without delay: it only counts.
        var counting = new NetworkProfile
        {
            RoundTrip = TimeSpan.Zero, ConnectionBytesPerSecond = double.PositiveInfinity, BytesPerSecond = double.PositiveInfinity,
        };
        await ShowAsync(console, store, counting, settings.Name, cancellationToken);
    }

    private static async Task ShowAsync(
        IAnsiConsole console, IObjectStore store, NetworkProfile network, string name, CancellationToken cancellationToken)
    {
        float[] query = await ChooseQueryAsync(console, store, name, cancellationToken);
        foreach (string title in (string[])["the first time: code is compiled meanwhile", "once more, nothing at hand"])
        {
            Timeline timeline = await Timeline.MeasureAsync(new SimulatedStore(store, network), name, query, cancellationToken);
            console.Write(timeline.ToTable(title));
        }
    }

    /// <summary>A vector of the index or, where none are stored, a random one, to look for.</summary>
    private static async Task<float[]> ChooseQueryAsync(
        IAnsiConsole console, IObjectStore store, string name, CancellationToken cancellationToken)
    {
        using VectorIndex index = await VectorIndex.OpenAsync(store, name, null, cancellationToken);
        console.MarkupLineInterpolated(
            $"[bold]{name}[/]: {index.Count:N0} vectors of {index.Dimensions:N0} dimensions, {index.Size.TotalBytes / 1e6:N1} MB");
        long ordinal = Random.Shared.NextInt64(index.Count);
        return index.StoredVectors == StoredVectors.None
            ? [.. Enumerable.Range(0, index.Dimensions).Select(_ => Random.Shared.NextSingle() - 0.5f)]
            : (await index.GetVectorsAsync(new[] { ordinal }, cancellationToken))[0].ToArray();
    }
}

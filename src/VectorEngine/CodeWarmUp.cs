using System.Reflection;
using System.Runtime.CompilerServices;
using VectorEngine.Format;
using VectorEngine.Storage;
using VectorEngine.Telemetry;

namespace VectorEngine;

/// <summary>
/// Has the code of searches compiled while the first index of a process is being opened: otherwise that would take longer than the round
/// trips, and begin when they end. Small indexes that the library has in it are opened and searched; they are also the tests' examples
/// of the format.
/// </summary>
internal static class CodeWarmUp
{
    private const string Name = "warm";

    private static int _started;

    /// <summary>Starts it, once in a process, where code is compiled at all.</summary>
    public static void Start()
    {
        if (!RuntimeFeature.IsDynamicCodeCompiled || Interlocked.Exchange(ref _started, 1) != 0)
            return;
        // A thread of its own: the few of the pool have to be free for the answers of the store. What runs when a store answers later is
        // compiled by the opening itself.
        new Thread(TryRun) { IsBackground = true, Name = "VectorEngine warm-up" }.Start();
    }

    /// <summary>Does it, on a thread that does nothing else: nobody wants to have it counted.</summary>
    internal static void Run()
    {
        UnobservedThread.IsCurrent = true;
        RunAsync().GetAwaiter().GetResult();
    }

    private static void TryRun()
    {
        try
        {
            Run();
        }
        catch (Exception)
        {
            // Whatever it is will show where it matters.
        }
    }

    private static async Task RunAsync()
    {
        float[] query;
        // What every index needs comes first: it is needed soon.
        using (VectorIndex bare = await VectorIndex.OpenAsync(new ResourceStore("bare-"), Name).ConfigureAwait(false))
        {
            query = new float[bare.Dimensions];
            query[0] = 1;
            await foreach (SearchSnapshot _ in bare.SearchProgressiveAsync(query, 3).ConfigureAwait(false))
            {
            }
        }

        using VectorIndex index = await VectorIndex.OpenAsync(new ResourceStore(""), Name).ConfigureAwait(false);
        await index.SearchAsync(query, 3).ConfigureAwait(false);
    }

    /// <summary>Has the index, and answers at once.</summary>
    private sealed class ResourceStore(string prefix) : IObjectStore
    {
        public async ValueTask<ObjectContent?> TryReadAsync(string key, CancellationToken cancellationToken = default) =>
            key == IndexKeys.Pointer(Name) ? new ObjectContent(Resource("pointer"), key) : null;

        public async ValueTask ReadAsync(
            string key, long offset, Memory<byte> destination, CancellationToken cancellationToken = default) =>
            Resource(key[(key.LastIndexOf('/') + 1)..]).AsMemory((int)offset, destination.Length).CopyTo(destination);

        public ValueTask<string> WriteAsync(
            string key, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public ValueTask<ObjectWriter> CreateAsync(string key, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public ValueTask DeleteAsync(string key, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        private byte[] Resource(string name)
        {
            using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(prefix + name)!;
            byte[] content = new byte[stream.Length];
            stream.ReadExactly(content);
            return content;
        }
    }
}

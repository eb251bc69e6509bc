using System.CommandLine;
using System.Diagnostics;
using VectorEngine.Storage;

namespace VectorEngine.ColdBench;

/// <summary>Reads stored vectors of random rows from a bucket and tells what of it were vectors and what their checksums.</summary>
internal static class PointReads
{
    private static readonly S3Options S3 = new();

    public static Command Create()
    {
        var rows = new Option<int>("--rows") { DefaultValueFactory = _ => 10_000, Description = "Rows to read." };
        var batch = new Option<int>("--batch") { DefaultValueFactory = _ => 10_000, Description = "Rows of a call." };
        var command = new Command("s3-rows", "Reads stored vectors of random rows of an index in a bucket.") { rows, batch };
        S3.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var (client, s3) = S3.Connect(parsed);
            using (client)
            {
                var store = new CountingStore(s3);
                using VectorIndex index = await VectorIndex.OpenAsync(store, S3.Name(parsed), cancellationToken: cancellationToken);
                for (int pass = 0; pass < 3; pass++)
                {
                    // Others each time; with the checksums of the first pass in memory from the second on.
                    long[] ordinals = RandomRows(parsed.GetValue(rows), index.Count, seed: pass);
                    store.Reset();
                    ProxyCounters before = S3.Counters(parsed);
                    long start = Stopwatch.GetTimestamp();
                    foreach (long[] some in ordinals.Chunk(parsed.GetValue(batch)))
                        await index.GetVectorsAsync(some, cancellationToken);
                    double elapsed = PeerCommands.Milliseconds(start);
                    ProxyCounters passed = S3.Counters(parsed) - before;
                    (int vectorRequests, long vectorBytes) = store.Sum(key => key.EndsWith("/vectors", StringComparison.Ordinal));
                    (int checksumRequests, long checksumBytes) = store.Sum(key => key.EndsWith("/checksums", StringComparison.Ordinal));
                    long rowBytes = (long)ordinals.Length * index.Dimensions * sizeof(float);
                    PeerCommands.Print(new
                    {
                        peer = "VectorEngine", step = $"rows, pass {pass + 1}", ms = elapsed, rows = ordinals.Length, rowBytes,
                        vectorRequests, vectorBytes, ratio = Math.Round((double)vectorBytes / rowBytes, 4), checksumRequests, checksumBytes,
                        passed.Requests, Bytes = passed.BytesDown,
                    });
                }
            }
        });
        return command;
    }

    private static long[] RandomRows(int count, long all, int seed)
    {
        var random = new Random(seed);
        var rows = new HashSet<long>();
        while (rows.Count < count)
            rows.Add(random.NextInt64(all));
        return [.. rows];
    }

    /// <summary>Counts ranges that are read of a store, and their bytes, by object.</summary>
    private sealed class CountingStore(IObjectStore inner) : IObjectStore
    {
        private readonly Lock _changing = new();
        private readonly Dictionary<string, (int Requests, long Bytes)> _read = [];

        public void Reset()
        {
            lock (_changing)
                _read.Clear();
        }

        public (int Requests, long Bytes) Sum(Func<string, bool> isCounted)
        {
            lock (_changing)
                return _read.Where(pair => isCounted(pair.Key)).Select(pair => pair.Value)
                    .Aggregate((0, 0L), (x, y) => (x.Item1 + y.Requests, x.Item2 + y.Bytes));
        }

        public ValueTask<ObjectContent?> TryReadAsync(string key, CancellationToken cancellationToken) =>
            inner.TryReadAsync(key, cancellationToken);

        public ValueTask ReadAsync(string key, long offset, Memory<byte> destination, CancellationToken cancellationToken)
        {
            lock (_changing)
            {
                (int requests, long bytes) = _read.GetValueOrDefault(key);
                _read[key] = (requests + 1, bytes + destination.Length);
            }

            return inner.ReadAsync(key, offset, destination, cancellationToken);
        }

        public ValueTask<string> WriteAsync(
            string key, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken) =>
            inner.WriteAsync(key, content, condition, cancellationToken);

        public ValueTask<ObjectWriter> CreateAsync(string key, CancellationToken cancellationToken) =>
            inner.CreateAsync(key, cancellationToken);

        public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken) =>
            inner.ListAsync(prefix, cancellationToken);

        public ValueTask DeleteAsync(string key, CancellationToken cancellationToken) => inner.DeleteAsync(key, cancellationToken);
    }
}

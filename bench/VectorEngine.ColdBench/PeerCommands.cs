using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using VectorEngine.Input;
using VectorEngine.Storage;

namespace VectorEngine.ColdBench;

/// <summary>
/// Searches an index in a bucket as the script for LanceDB searches a table beside it, and prints the same lines of JSON: a new process's
/// first answer step by step, then queries with what is in memory by then; or the recall of many.
/// </summary>
internal static class PeerCommands
{
    private const int K = 10;

    private static readonly S3Options S3 = new();

    private static readonly Option<string> QueryFile = new("--queries") { Required = true, Description = "Queries: .fvecs." };

    private static readonly Option<string> TruthFile = new("--groundtruth") { Required = true, Description = "True neighbours: .ivecs." };

    private static readonly Option<int?> Probes = new("--probes") { Description = "Lists visited; the engine's own choice if left out." };

    private static readonly Option<SearchStage?> Stage = new("--stage")
    {
        Description = "How far to go; as exact as the index can if left out.",
    };

    public static Command CreateBuild()
    {
        var baseFile = new Option<string>("--base") { Required = true, Description = "Vectors to index." };
        var stored = new Option<StoredVectors>("--stored-vectors")
        {
            DefaultValueFactory = _ => StoredVectors.Float32,
            Description = "How the vectors are kept.",
        };
        var command = new Command("s3-build", "Builds an index in a bucket.") { baseFile, stored };
        S3.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var (client, store) = S3.Connect(parsed);
            using (client)
            {
                long start = Stopwatch.GetTimestamp();
                var options = new VectorIndexOptions { Metric = Metric.SquaredL2, StoredVectors = parsed.GetValue(stored) };
                VectorSource vectors = VectorSource.FromFile(parsed.GetRequiredValue(baseFile));
                await VectorIndexBuilder.BuildAsync(store, S3.Name(parsed), vectors, options, cancellationToken: cancellationToken);
                using VectorIndex index = await VectorIndex.OpenAsync(store, S3.Name(parsed), cancellationToken: cancellationToken);
                Print(new { step = "build", ms = Milliseconds(start), index.Count, index.ClusterCount, index.Size });
            }
        });
        return command;
    }

    public static Command CreateQuery()
    {
        var query = new Option<int>("--query") { Description = "Number of the first query." };
        var others = new Option<int>("--others") { DefaultValueFactory = _ => 3, Description = "Other queries after it." };
        var warm = new Option<bool>("--warm-client")
        {
            Description = "Read the pointer once before the clock starts: the SDK is compiled then.",
        };
        var command = new Command("s3-query", "Opens an index in a bucket and searches it, from a process's first request on.")
        {
            query, others, warm,
        };
        return Searching(command, async (parsed, store, queries, truth, cancellationToken) =>
        {
            if (parsed.GetValue(warm))
                await store.TryReadAsync($"{S3.Name(parsed)}/pointer", cancellationToken);
            await new Session(parsed, queries, truth, parsed.GetValue(warm)).RunAsync(
                store, parsed.GetValue(query), parsed.GetValue(others), cancellationToken);
        });
    }

    public static Command CreateRecall()
    {
        var command = new Command("s3-recall", "Measures the recall of searches of an index in a bucket.");
        return Searching(command, async (parsed, store, queries, truth, cancellationToken) =>
        {
            using VectorIndex index = await VectorIndex.OpenAsync(store, S3.Name(parsed), cancellationToken: cancellationToken);
            double recall = 0;
            for (int i = 0; i < queries.Count; i++)
                recall += Recall(await index.SearchAsync(queries[i], K, OptionsOf(parsed), cancellationToken), truth[i]);
            Print(new { step = "recall", recall = Math.Round(recall / queries.Count, 4), queries.Count, index.ClusterCount });
        });
    }

    /// <summary>Makes a command search: it has the options for that, and is given the store, the queries and their true neighbours.</summary>
    private static Command Searching(
        Command command, Func<ParseResult, IObjectStore, VectorMatrix, int[][], CancellationToken, Task> search)
    {
        foreach (Option option in (Option[])[QueryFile, TruthFile, Probes, Stage])
            command.Add(option);
        S3.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            VectorMatrix queries = await VectorSource.FromFile(parsed.GetRequiredValue(QueryFile)).LoadAsync(cancellationToken);
            int[][] truth = TrueNeighbours.Read(parsed.GetRequiredValue(TruthFile));
            var (client, store) = S3.Connect(parsed);
            using (client)
                await search(parsed, store, queries, truth, cancellationToken);
        });
        return command;
    }

    /// <summary>Writes one line of JSON.</summary>
    public static void Print<T>(T line) => Console.WriteLine(JsonSerializer.Serialize(line));

    /// <summary>Milliseconds since a timestamp.</summary>
    public static double Milliseconds(long start) => Math.Round(Stopwatch.GetElapsedTime(start).TotalMilliseconds, 2);

    private static SearchOptions OptionsOf(ParseResult parsed) =>
        new() { ProbeCount = parsed.GetValue(Probes), Stage = parsed.GetValue(Stage) };

    private static ReadOnlyMemory<float> Query(VectorMatrix queries, int i) => queries[i].ToArray();

    private static double Recall(SearchResult result, int[] truth) =>
        Enumerable.Range(0, result.Count).Count(rank => truth.AsSpan(0, K).Contains((int)result[rank].Ordinal)) / (double)K;

    /// <summary>One process's queries.</summary>
    private sealed class Session(ParseResult parsed, VectorMatrix queries, int[][] truth, bool isWarm)
    {
        private const int Stride = 7;

        private ProxyCounters _before;
        private TimeSpan _processorBefore;

        public async Task RunAsync(IObjectStore store, int first, int others, CancellationToken cancellationToken)
        {
            Begin();
            long start = Stopwatch.GetTimestamp();
            using VectorIndex index = await VectorIndex.OpenAsync(store, S3.Name(parsed), cancellationToken: cancellationToken);
            double opened = Milliseconds(start);
            var steps = new List<(double Time, SearchResult Result)>();
            await foreach (SearchSnapshot snapshot in index.SearchProgressiveAsync(
                Query(queries, first), K, OptionsOf(parsed), cancellationToken))
                steps.Add((Milliseconds(start), snapshot.Result));
            ProxyCounters passed = Passed;
            Print(new
            {
                peer = Peer, step = "cold", open = opened, ms = steps[^1].Time, first = steps[0].Time,
                passed.Requests, Bytes = passed.BytesDown,
                processor = Math.Round((Process.GetCurrentProcess().TotalProcessorTime - _processorBefore).TotalMilliseconds),
                load = File.ReadAllText("/proc/loadavg").Split(' ')[0],
                steps = steps.Select(step => new
                {
                    ms = step.Time, recall = Recall(step.Result, truth[first]), step.Result.Receipt.Rounds, step.Result.Receipt.Requests,
                    step.Result.Receipt.BytesRead, step.Result.Receipt.PostingsRefined, step.Result.Receipt.PostingsRescored,
                }),
            });
            await SearchAsync(index, "same", first, cancellationToken);
            for (int i = 1; i <= others; i++)
                await SearchAsync(index, "other", (first + (i * Stride)) % queries.Count, cancellationToken);
            for (int i = 0; i < 5; i++)
                await SearchAsync(index, "same", first, cancellationToken);
        }

        private string Peer => isWarm ? "VectorEngine, client warm" : "VectorEngine";

        private ProxyCounters Passed => S3.Counters(parsed) - _before;

        private void Begin()
        {
            _before = S3.Counters(parsed);
            _processorBefore = Process.GetCurrentProcess().TotalProcessorTime;
        }

        private async Task SearchAsync(VectorIndex index, string step, int query, CancellationToken cancellationToken)
        {
            Begin();
            long start = Stopwatch.GetTimestamp();
            SearchResult result = await index.SearchAsync(queries[query], K, OptionsOf(parsed), cancellationToken);
            double elapsed = Milliseconds(start);
            ProxyCounters passed = Passed;
            Print(new
            {
                peer = Peer, step, ms = elapsed, passed.Requests, Bytes = passed.BytesDown, recall = Recall(result, truth[query]),
                result.Receipt.Rounds,
            });
        }
    }
}

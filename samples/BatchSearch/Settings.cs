using System.CommandLine;

namespace BatchSearch;

/// <summary>What the command line asks for.</summary>
internal sealed record Settings(string Store, string Index, string? Base, string Queries, string Output, int K, int? Probes)
{
    /// <summary>The command, which runs <paramref name="run"/> with its settings.</summary>
    public static RootCommand CreateCommand(Func<Settings, CancellationToken, Task<int>> run)
    {
        var store = new Option<string>("--store") { Required = true, Description = "Folder that holds the index." };
        var index = new Option<string>("--index") { DefaultValueFactory = _ => "vectors", Description = "Name of the index." };
        var vectors = new Option<string?>("--base")
        {
            Description = "Build the index of these vectors first: .fvecs, .bvecs, .npy or .arrow.",
        };
        var queries = new Option<string>("--queries") { Required = true, Description = "Queries: .fvecs, .bvecs, .npy or .arrow." };
        var output = new Option<string>("--output") { DefaultValueFactory = _ => "results.csv", Description = "File for the results." };
        var k = new Option<int>("--k") { DefaultValueFactory = _ => 10, Description = "Hits per query." };
        var probes = new Option<int?>("--probes") { Description = "Lists to visit; the engine's own choice if left out." };
        var command = new RootCommand("Answers a file of queries and writes the hits as CSV.")
        {
            store, index, vectors, queries, output, k, probes,
        };
        command.SetAction((result, cancellationToken) => run(
            new Settings(
                result.GetRequiredValue(store), result.GetRequiredValue(index), result.GetValue(vectors), result.GetRequiredValue(queries),
                result.GetRequiredValue(output), result.GetValue(k), result.GetValue(probes)),
            cancellationToken));
        return command;
    }
}

using System.CommandLine;
using VectorEngine.Input;

namespace VectorEngine.ColdBench;

/// <summary>What commands that start trials are told.</summary>
internal sealed record TrialSettings(StoreSettings Store, VectorMatrix Queries, int Starts, int K, int? Probes, string? Json)
{
    /// <summary>A query for each start, as long as there are different ones.</summary>
    public float[] Query(int start) => Queries[start % Queries.Count].ToArray();
}

/// <summary>The options of commands that start trials.</summary>
internal sealed class TrialOptions
{
    private readonly StoreSettings.Options _store;
    private readonly Option<int> _starts;
    private readonly Option<string> _queries = new("--queries") { Required = true, Description = "Queries: .fvecs, .bvecs, .npy, .arrow." };
    private readonly Option<int> _k = new("--k") { DefaultValueFactory = _ => 10, Description = "Neighbours per query." };
    private readonly Option<int?> _probes = new("--probes") { Description = "Lists to visit; the engine's own choice if left out." };
    private readonly Option<string?> _json = new("--json") { Description = "File for the results as JSON." };

    /// <summary>Adds them to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="starts">How many processes it starts if it is not told.</param>
    public TrialOptions(Command command, int starts)
    {
        _store = new StoreSettings.Options(command);
        _starts = new Option<int>("--starts") { DefaultValueFactory = _ => starts, Description = "Processes, one after the other." };
        foreach (Option option in (Option[])[_queries, _starts, _k, _probes, _json])
            command.Add(option);
    }

    /// <summary>Reads them, the queries, and all files of the index, so that the trials find those in memory.</summary>
    public async Task<TrialSettings> ReadAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        StoreSettings store = _store.Read(parsed);
        await store.WarmFilesAsync(cancellationToken);
        VectorMatrix queries = await VectorSource.FromFile(parsed.GetRequiredValue(_queries)).LoadAsync(cancellationToken);
        return new TrialSettings(
            store, queries, parsed.GetValue(_starts), parsed.GetValue(_k), parsed.GetValue(_probes), parsed.GetValue(_json));
    }
}

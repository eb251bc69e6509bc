using System.CommandLine;
using VectorEngine.Input;
using VectorEngine.Storage;

namespace VectorEngine.ColdBench;

/// <summary>Builds the index that the other commands open.</summary>
internal static class BuildCommand
{
    /// <summary>The name of the index in its store.</summary>
    public const string IndexName = "cold";

    public static Command Create()
    {
        var baseFile = new Option<string>("--base") { Required = true, Description = "Vectors to index: .fvecs, .bvecs, .npy or .arrow." };
        var metric = new Option<Metric>("--metric") 
        {
            DefaultValueFactory = _ => Metric.SquaredL2,
            Description = "How distances are measured.",
        };
        var stored = new Option<StoredVectors>("--stored-vectors")
        {
            DefaultValueFactory = _ => StoredVectors.Float16,
            Description = "How the vectors are kept for exact distances.",
        };
        var clusters = new Option<int?>("--clusters") { Description = "Number of clusters; the engine's own choice if left out." };
        var command = new Command("build", "Builds an index, unless there is one.") { baseFile, metric, stored, clusters };
        var where = new StoreSettings.Options(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            IObjectStore store = where.Read(parsed).Open();
            if (await store.TryReadAsync($"{IndexName}/pointer", cancellationToken) is null)
            {
                await VectorIndexBuilder.BuildAsync(
                    store, IndexName, VectorSource.FromFile(parsed.GetRequiredValue(baseFile)),
                    new VectorIndexOptions
                    {
                        Metric = parsed.GetValue(metric),
                        StoredVectors = parsed.GetValue(stored),
                        ClusterCount = parsed.GetValue(clusters),
                    },
                    cancellationToken: cancellationToken);
            }

            using VectorIndex index = await VectorIndex.OpenAsync(store, IndexName, cancellationToken: cancellationToken);
            IndexSize size = index.Size;
            Console.WriteLine(
                $"{index.Count:n0} x {index.Dimensions}, {index.ClusterCount:n0} lists; bytes: root {size.RootBytes:n0}, sign {
                    size.SignBytes:n0}, ex {size.ExBytes:n0}, vectors {size.VectorBytes:n0}");
        });
        return command;
    }
}

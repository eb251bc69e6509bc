using QuickStart.Documentation;
using QuickStart.Embedding;
using VectorEngine;

namespace QuickStart;

/// <summary>Semantic search over the .NET API: a text model turns words into a vector, and an index finds its neighbours.</summary>
internal sealed class ApiSearch : IDisposable
{
    // Raise it with every change to what a vector is made of: an index that an earlier version built is then built anew.
    private const int Recipe = 1;
    private const string ModelFileName = "text-model.bin";

    private readonly TextModel _model;
    private readonly ApiIndex _index;

    private ApiSearch(TextModel model, ApiIndex index) => (_model, _index) = (model, index);

    /// <summary>Number of entries that can be found.</summary>
    public int Count => _index.Count;

    /// <summary>Opens what <see cref="BuildAsync"/> left in a folder; null where it must be built, first or anew.</summary>
    public static async Task<ApiSearch?> TryOpenAsync(string folder, SdkDocumentation sdk, CancellationToken cancellationToken)
    {
        if (TextModelFile.TryLoad(Path.Combine(folder, ModelFileName), Stamp(sdk)) is not { } model) return null;
        try
        {
            return new ApiSearch(model, await ApiIndex.OpenAsync(folder, cancellationToken));
        }
        catch (VectorEngineException)   // Missing or damaged.
        {
            return null;
        }
    }

    /// <summary>Reads the documentation, learns the model, and builds the index.</summary>
    /// <remarks>The model's file is deleted first and written last: while it is there, model and index belong together.</remarks>
    public static async Task BuildAsync(string folder, SdkDocumentation sdk, BuildSteps progress, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        string modelPath = Path.Combine(folder, ModelFileName);
        File.Delete(modelPath);

        (List<ApiMember> members, TextModel model, VectorMatrix vectors) = await Task.Run(
            () => Learn(sdk, progress, cancellationToken), cancellationToken);
        await ApiIndex.BuildAsync(folder, vectors, members, progress.Index, cancellationToken);
        TextModelFile.Save(modelPath, Stamp(sdk), model);
    }

    /// <summary>The entries nearest in meaning to a few words of English, one of each name.</summary>
    public IReadOnlyList<Hit> Search(string query, int count)
    {
        var vector = new float[_model.Dimensions];
        if (!_model.TryEmbed(new WordCounts().Add(query), vector)) return [];

        // Overloads with summaries of their own are entries of their own: ask for more, and show the nearest of each.
        return [.. _index.Search(vector, count * 4).DistinctBy(hit => hit.Member.Split('(')[0]).Take(count)];
    }

    public void Dispose() => _index.Dispose();

    private static string Stamp(SdkDocumentation sdk) => $"recipe {Recipe}, {sdk.Stamp}";

    private static (List<ApiMember>, TextModel, VectorMatrix) Learn(
        SdkDocumentation sdk, BuildSteps progress, CancellationToken cancellationToken)
    {
        List<ApiMember> read = DocumentationReader.Read(sdk.Files, progress.Documentation, cancellationToken);
        List<(ApiMember Member, WordCounts Words)> documents =
            [.. read.AsParallel().AsOrdered().WithCancellation(cancellationToken).Select(member => (member, Words(member)))];
        TextModel model = TextModelTrainer.Train([.. documents.Select(document => document.Words)], progress.Model, cancellationToken);

        // What shares no word with anything has no vector.
        documents.RemoveAll(document => !model.Knows(document.Words));
        var vectors = new float[documents.Count * model.Dimensions];
        Parallel.For(0, documents.Count, row =>
            model.TryEmbed(documents[row].Words, vectors.AsSpan(row * model.Dimensions, model.Dimensions)));
        return ([.. documents.Select(document => document.Member)], model, new VectorMatrix(vectors, model.Dimensions));
    }

    /// <summary>What a member is about: its names say it as well as its summary does, its namespace only hints at it.</summary>
    private static WordCounts Words(ApiMember member) => new WordCounts()
        .Add(member.Summary).Add(member.MemberName).Add(member.TypeName).Add(member.Namespace, weight: 0.3f);
}

/// <summary>Where the steps of a build report how much of them is done, from 0 to 1.</summary>
internal sealed record BuildSteps(IProgress<double> Documentation, IProgress<double> Model, IProgress<double> Index);

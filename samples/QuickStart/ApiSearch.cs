using QuickStart.Documentation;
using QuickStart.Embedding;
using VectorEngine;
using VectorEngine.Arrow;
using VectorEngine.Storage;

namespace QuickStart;

/// <summary>Semantic search over the .NET API: a text model turns words into a vector, and an index finds its neighbours.</summary>
internal sealed class ApiSearch : IDisposable
{
    // Raise it with every change to what a vector is made of: an index that an earlier version built is then built anew.
    private const int Recipe = 1;
    private const string IndexName = "dotnet-api";
    private const string ModelFileName = "text-model.bin";
    private const string LockFileName = "build.lock";

    private static readonly SearchOptions WithColumns = new() { Columns = ["member", "summary"] };

    private readonly TextModel _model;
    private readonly FileObjectStore _store;

    private ApiSearch(TextModel model, FileObjectStore store, VectorIndex index) => (_model, _store, Index) = (model, store, index);

    /// <summary>What is searched: a vector for each entry.</summary>
    public VectorIndex Index { get; }

    /// <summary>Opens what <see cref="BuildAsync"/> left in a folder; null where it must be built, first or anew.</summary>
    public static async Task<ApiSearch?> TryOpenAsync(string folder, SdkDocumentation sdk, CancellationToken cancellationToken)
    {
        if (TextModelFile.TryLoad(Path.Combine(folder, ModelFileName), Stamp(sdk)) is not { } model) return null;
        var store = new FileObjectStore(folder);
        try
        {
            return new ApiSearch(model, store, await VectorIndex.OpenAsync(store, IndexName, cancellationToken: cancellationToken));
        }
        catch (VectorEngineException)   // Missing or damaged.
        {
            store.Dispose();
            return null;
        }
    }

    /// <summary>Reads the documentation, learns the model, and builds the index.</summary>
    /// <remarks>The model's file is deleted first and written last: while it is there, model and index belong together.</remarks>
    public static async Task BuildAsync(string folder, SdkDocumentation sdk, BuildSteps progress, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        // Two builds at once would delete each other's objects: the second fails here.
        using FileStream alone = new(Path.Combine(folder, LockFileName), FileMode.Create, FileAccess.Write, FileShare.None);
        Discard(folder);
        using var store = new FileObjectStore(folder);
        await store.DeleteLeftoversAsync(cancellationToken);
        await VectorIndexBuilder.DeleteAsync(store, IndexName, cancellationToken);

        (List<ApiMember> members, TextModel model, VectorMatrix vectors) = await Task.Run(
            () => Learn(sdk, progress, cancellationToken), cancellationToken);
        var metadata = new RecordBatch(
            ("member", ArrowArray.From([.. members.Select(member => member.Display)])),
            ("summary", ArrowArray.From([.. members.Select(member => member.Summary)])));
        var options = new VectorIndexOptions { Metric = Metric.Cosine };
        await VectorIndexBuilder.BuildAsync(store, IndexName, vectors, options, metadata, progress.Index, cancellationToken);
        TextModelFile.Save(Path.Combine(folder, ModelFileName), Stamp(sdk), model);
    }

    /// <summary>Has the next start build anew what is in a folder.</summary>
    public static void Discard(string folder) => File.Delete(Path.Combine(folder, ModelFileName));

    /// <summary>Finds the entries nearest in meaning to a few words of English, one of each name.</summary>
    /// <exception cref="VectorEngineException">The index is damaged: what it reads is checked when it is read first.</exception>
    public Answer Search(string query, int count)
    {
        var vector = new float[_model.Dimensions];
        if (!_model.TryEmbed(new WordCounts().Add(query), vector)) return new Answer([], default);

        // Overloads with summaries of their own are entries of their own: ask for more, and show the nearest of each.
        SearchResult result = Index.Search(vector, count * 4, WithColumns);
        Utf8Array members = result.Rows!.Column<Utf8Array>("member"), summaries = result.Rows.Column<Utf8Array>("summary");
        IEnumerable<Hit> hits = Enumerable.Range(0, result.Count)
            .Select(i => new Hit(members.GetString(i)!, summaries.GetString(i)!, result[i].Distance))
            .DistinctBy(hit => hit.Member.Split('(')[0]);
        return new Answer([.. hits.Take(count)], result.Receipt);
    }

    public void Dispose()
    {
        Index.Dispose();
        _store.Dispose();
    }

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

/// <summary>What a search found, and what the index did to find it.</summary>
internal sealed record Answer(IReadOnlyList<Hit> Hits, SearchReceipt Receipt);

/// <summary>A member that a search found.</summary>
internal sealed record Hit(string Member, string Summary, float Distance);

/// <summary>Where the steps of a build report how much of them is done.</summary>
internal sealed record BuildSteps(IProgress<double> Documentation, IProgress<double> Model, IProgress<BuildProgress> Index);

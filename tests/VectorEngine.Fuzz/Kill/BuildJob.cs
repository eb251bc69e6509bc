using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Fuzz.Corruption;
using VectorEngine.Input;
using VectorEngine.Storage;

namespace VectorEngine.Fuzz.Kill;

/// <summary>What a version is built from.</summary>
internal sealed record BuildInput(VectorMatrix Vectors, RecordBatch Metadata);

/// <summary>The build that is killed: the one place to change what is built, and how.</summary>
/// <param name="Folder">Where the store is.</param>
/// <param name="Count">Number of vectors.</param>
/// <param name="Dimensions">Of each.</param>
internal sealed record BuildJob(string Folder, int Count, int Dimensions)
{
    public const string Index = "killed";

    private const int BatchRows = 1000;

    private string ScratchFolder => Path.Combine(Folder, "scratch");

    /// <summary>Makes the input of a version. Each has vectors of its own, so that its answers are its own.</summary>
    public BuildInput Prepare(int version) => new(Corpus.Vectors(Count, Dimensions, version), Corpus.Metadata(Count));

    /// <summary>Builds, and leaves nothing behind that no version needs.</summary>
    public async Task BuildAsync(BuildInput input, IProgress<BuildProgress>? progress)
    {
        using var store = new FileObjectStore(Folder);
        var options = new VectorIndexOptions { StoredVectors = StoredVectors.Float16, Seed = 3, ScratchFolder = ScratchFolder };
        await VectorIndexBuilder.BuildAsync(store, Index, VectorSource.FromBatches(StreamAsync(input)), options, progress);
        await store.DeleteLeftoversAsync();
    }

    /// <summary>Opens the newest version and reads all of it.</summary>
    /// <returns>The version, and what it answered.</returns>
    public async Task<(long Version, string Answers)> VerifyAsync()
    {
        using var store = new FileObjectStore(Folder);
        using VectorIndex index = await VectorIndex.OpenAsync(store, Index);
        VectorMatrix queries = Corpus.Vectors(10, Dimensions, seed: 99);
        var options = new SearchOptions
        {
            ProbeCount = int.MaxValue,
            Bound = ErrorBound.Hard,
            Columns = [.. index.Metadata!.Fields.Select(field => field.Name)],
        };
        var answers = new List<string>();
        // All rows of metadata and stored vectors once, then the nearest.
        answers.Add(Exercise.Describe(await index.SearchAsync(queries[0], (int)index.Count, options)));
        answers.AddRange((await index.SearchBatchAsync(queries, 10, options)).Select(Exercise.Describe));
        return (index.Version, string.Join('\n', answers));
    }

    /// <summary>The input as a stream that can be read once: the build copies it to its scratch folder.</summary>
    private static async IAsyncEnumerable<VectorBatch> StreamAsync(BuildInput input)
    {
        await Task.CompletedTask;
        for (int start = 0; start < input.Vectors.Count; start += BatchRows)
        {
            int rows = Math.Min(BatchRows, input.Vectors.Count - start);
            yield return new VectorBatch(input.Vectors.Slice(start, rows), input.Metadata.Slice(start, rows));
        }
    }

    /// <summary>The folder of the newest version's segment, and the object of that version.</summary>
    public string[] NewestObjects()
    {
        string key = IndexKeys.Pointer(Index);
        Manifest manifest = Manifest.ReadPointer(key, File.ReadAllBytes(Path.Combine(Folder, key)));
        return [IndexKeys.Segment(Index, manifest.Segments[0].Id).Prefix, IndexKeys.Version(Index, manifest.Id)];
    }

    /// <summary>Deletes all but the newest version; nobody builds.</summary>
    public async Task CollectAsync()
    {
        using var store = new FileObjectStore(Folder);
        await VectorIndexVersions.CollectAsync(store, Index, new GarbageOptions { KeepVersions = 1, GracePeriod = TimeSpan.Zero });
    }

    /// <summary>Files that are not among some objects and not the store's own.</summary>
    /// <param name="objects">Objects, or folders with all that is in them.</param>
    public IReadOnlyList<string> Others(params IReadOnlyCollection<string> objects) =>
    [
        .. Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Folder, path))
            .Where(path => path != IndexKeys.Pointer(Index) && path != "~lock"
                && !objects.Contains(path) && !objects.Contains(Path.GetDirectoryName(path)!)),
    ];
}

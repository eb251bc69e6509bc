using VectorEngine.Arrow;
using VectorEngine.Fuzz.Corruption;
using VectorEngine.Publishing;
using VectorEngine.Storage;

namespace VectorEngine.Fuzz.Soak;

/// <summary>
/// The versions of the index that is published over and over: what each contains follows from its number, so that any process can check
/// what it finds. Only one publishes at a time.
/// </summary>
internal static class SoakVersions
{
    public const string Index = "soak";

    private const int Period = 8, Clusters = 24;

    private static readonly int[] Widths = [16, 33, 64];

    /// <summary>The versions whose rows a version has, a segment each, in order: some replace all, some add, one goes back.</summary>
    public static IReadOnlyList<long> SegmentsOf(long version) => (version % Period) switch
    {
        1 or 4 => [version],
        7 => SegmentsOf(version - 2),
        _ => [.. SegmentsOf(version - 1), version],
    };

    /// <summary>The first vectors of a version's newest segment.</summary>
    public static VectorMatrix Sample(long version, int count)
    {
        IReadOnlyList<long> segments = SegmentsOf(version);
        return Corpus.Vectors(count, Dimensions(segments[0]), (int)segments[^1]);
    }

    /// <summary>The number of the newest version; 0 if there is none.</summary>
    public static async Task<long> NewestAsync(IObjectStore store) =>
        (await Pointer.TryReadAsync(new RetryingStore(store), Index, CancellationToken.None))?.Newest.Id.Number ?? 0;

    /// <summary>Publishes a version, if it is the one after the newest.</summary>
    public static Task PublishAsync(IObjectStore store, long version, CancellationToken cancellationToken)
    {
        IReadOnlyList<long> segments = SegmentsOf(version);
        return segments[^1] != version
            ? VectorIndexVersions.RollBackAsync(store, Index, version - 2, cancellationToken)
            : AddAsync(store, segments[0], version, cancellationToken);
    }

    /// <summary>A copy of a version, in a store without faults.</summary>
    public static async Task<VectorIndex> CopyAsync(long version)
    {
        var store = new MemoryObjectStore();
        IReadOnlyList<long> segments = SegmentsOf(version);
        foreach (long segment in segments)
            await AddAsync(store, segments[0], segment, CancellationToken.None);
        return await VectorIndex.OpenAsync(store, Index);
    }

    private static Task AddAsync(IObjectStore store, long first, long segment, CancellationToken cancellationToken)
    {
        int count = 300 + (int)(segment * 733 % 2200);
        VectorMatrix vectors = Corpus.Vectors(count, Dimensions(first), (int)segment);
        RecordBatch metadata = Corpus.Metadata(count, (int)segment * 10_000);
        var options = new VectorIndexOptions
        {
            Metric = (Metric)(first % 3),
            ClusterCount = first % 5 == 4 ? null : Clusters,
            StoredVectors = (StoredVectors)(first / 4 % 3),
            IdColumn = first % 2 == 0 ? "name" : null,
            MaxDegreeOfParallelism = 1,
            CopyLimit = segment % 3 == 0 ? 1 << 20 : 0,
        };
        return segment == first
            ? VectorIndexBuilder.BuildAsync(store, Index, vectors, options, metadata, cancellationToken: cancellationToken)
            : VectorIndexBuilder.AppendAsync(store, Index, vectors, options, metadata, cancellationToken: cancellationToken);
    }

    private static int Dimensions(long first) => Widths[first / 2 % Widths.Length];
}

/// <summary>Intact copies of the versions that were looked at lately.</summary>
internal sealed class IntactCopies
{
    private const int Kept = 12;

    private readonly Dictionary<long, Task<VectorIndex>> _copies = [];

    /// <summary>The copy of a version.</summary>
    public Task<VectorIndex> GetAsync(long version)
    {
        lock (_copies)
        {
            if (_copies.TryGetValue(version, out Task<VectorIndex>? copy))
                return copy;
            if (_copies.Count == Kept)
                _copies.Remove(_copies.Keys.Min());
            return _copies[version] = Task.Run(() => SoakVersions.CopyAsync(version));
        }
    }
}

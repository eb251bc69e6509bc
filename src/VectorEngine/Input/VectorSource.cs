using System.Buffers;
using VectorEngine.Arrow;
using VectorEngine.Storage;

namespace VectorEngine.Input;

/// <summary>
/// Where the vectors of a build come from: memory, a stream of batches, a file, or an object of a store. A build reads its source twice,
/// batch by batch, and never holds more than a few batches in memory.
/// </summary>
public abstract class VectorSource
{
    // More than any index takes, and few enough that a row fits into memory.
    private const int MaxDimensions = 1 << 24;

    private protected VectorSource() { }

    /// <summary>What messages call the source: a file's path; null where there is no name.</summary>
    internal virtual string? Name => null;

    /// <summary>Number of rows, where it is known before they are read.</summary>
    internal virtual ValueTask<long?> CountAsync(CancellationToken cancellationToken) => ValueTask.FromResult<long?>(null);

    /// <summary>Whether the rows can be read more than once.</summary>
    internal virtual bool CanReread => true;

    /// <summary>Vectors in memory.</summary>
    /// <param name="vectors">At least one vector.</param>
    /// <param name="metadata">A row for each vector; null for none.</param>
    /// <exception cref="ArgumentException">The numbers of rows differ.</exception>
    public static VectorSource FromMatrix(VectorMatrix vectors, RecordBatch? metadata = null) =>
        new MatrixSource(new VectorBatch(vectors, metadata));

    /// <summary>A stream of batches.</summary>
    /// <param name="batches">
    /// The batches. The memory of a batch's vectors, but not that of its metadata, may be reused once the next is asked for.
    /// </param>
    /// <param name="canReread">
    /// Whether <paramref name="batches"/> can be enumerated twice, with the same rows in the same order. If not, a build copies them to its
    /// scratch folder as they come.
    /// </param>
    public static VectorSource FromBatches(IAsyncEnumerable<VectorBatch> batches, bool canReread = false)
    {
        ArgumentNullException.ThrowIfNull(batches);
        return new BatchesSource(batches, canReread);
    }

    /// <summary>
    /// A file, which nobody may change meanwhile: .fvecs, .bvecs (per row an int32 dimension, then float32 or uint8 values), .npy
    /// (a two-dimensional array of float32, float16 or uint8), .arrow or .feather (Arrow IPC: a column of vectors; the other columns become
    /// metadata, but for those of types that VectorEngine does not have).
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="column">The column of the vectors in an Arrow file; null where only one column has vectors.</param>
    /// <exception cref="ArgumentException">The name ends otherwise, or a column is named although the file has none.</exception>
    public static VectorSource FromFile(string path, string? column = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string extension = Path.GetExtension(path).ToLowerInvariant();
        if (extension is ".arrow" or ".feather")
            return new ArrowFileSource(path, column);
        if (column is not null)
            throw new ArgumentException($"'{path}' has no columns.", nameof(column));
        return extension switch
        {
            ".fvecs" => new RowFileSource(path, ValueType.Float32),
            ".bvecs" => new RowFileSource(path, ValueType.UInt8),
            ".npy" => new NumpySource(path),
            _ => throw new ArgumentException($"'{path}' is not .fvecs, .bvecs, .npy, .arrow or .feather.", nameof(path)),
        };
    }

    /// <summary>
    /// An Arrow IPC file that is an object of a store, which nobody may change meanwhile: a column of vectors; the other columns become
    /// metadata, but for those of types that VectorEngine does not have. It is read by ranges. With <see cref="StoredVectors.InPlace"/> a
    /// build in the same store does not copy the vectors.
    /// </summary>
    /// <param name="store">The store.</param>
    /// <param name="key">The object.</param>
    /// <param name="column">The column of the vectors; null where only one column has vectors.</param>
    public static VectorSource FromObject(IObjectStore store, string key, string? column = null)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentException.ThrowIfNullOrEmpty(key);
        return new ObjectSource(store, key, column);
    }

    /// <summary>Finds the vectors that an index of this store can use where they are.</summary>
    /// <exception cref="ArgumentException">They are not in the store.</exception>
    /// <exception cref="InvalidInputException">They lie in a way that an index cannot describe.</exception>
    internal virtual ValueTask<VectorsInPlace> FindInPlaceAsync(IObjectStore indexStore, CancellationToken cancellationToken) =>
        throw new ArgumentException($"Only vectors of an object in the index's store can stay in place: use {nameof(FromObject)}.");

    /// <summary>Reads all rows in order; the memory of a batch's vectors is valid until the next batch is asked for.</summary>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <exception cref="InvalidInputException">The source is malformed.</exception>
    public abstract IAsyncEnumerable<VectorBatch> ReadAsync(CancellationToken cancellationToken = default);

    /// <summary>Reads all vectors into memory, such as a file of queries.</summary>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <exception cref="InvalidInputException">The source is malformed, or its rows have different dimensions.</exception>
    public async Task<VectorMatrix> LoadAsync(CancellationToken cancellationToken = default)
    {
        var values = new ArrayBufferWriter<float>();
        int dimensions = 0;
        long row = 0;
        await foreach (VectorBatch batch in ReadAsync(cancellationToken).WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            if (batch.Vectors.Count == 0)
                continue;
            if (row > 0 && batch.Vectors.Dimensions != dimensions)
                throw new InvalidInputException(Name, row, $"it has {batch.Vectors.Dimensions} dimensions, the rows before {dimensions}");
            values.Write(batch.Vectors.Values.Span);
            dimensions = batch.Vectors.Dimensions;
            row += batch.Vectors.Count;
        }

        return row == 0 ? default : new VectorMatrix(values.WrittenMemory, dimensions);
    }

    /// <summary>Refuses a file whose rows have none, or more than can be.</summary>
    private protected static int CheckDimensions(string path, long dimensions) => dimensions is >= 1 and <= MaxDimensions
        ? (int)dimensions
        : throw new InvalidInputException(path, null, $"its vectors have {dimensions} dimensions, not 1 to {MaxDimensions}");
}

using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Loading;

namespace VectorEngine;

/// <content>Reads single vectors and rows, by ordinal or by id.</content>
public sealed partial class VectorIndex
{
    /// <summary>Ids looked up at a time.</summary>
    private const int ParallelReads = 16;

    /// <summary>Finds vectors by their ids: <see cref="GetVectorsAsync"/> and <see cref="GetRowsAsync"/> take what it returns.</summary>
    /// <param name="ids">Of the type of the column <see cref="IdColumn"/>, none missing, such as <c>ArrowArray.From(["a", "b"])</c>.</param>
    /// <param name="cancellationToken">Cancels the search.</param>
    /// <returns>For each id the ordinal of its vector, or -1 if there is none.</returns>
    /// <exception cref="InvalidOperationException">The index has no ids.</exception>
    /// <exception cref="ArgumentException">The ids are of another type, or one is missing.</exception>
    /// <exception cref="CorruptDataException">What was read from the store is damaged.</exception>
    /// <exception cref="ObjectDisposedException">The index is disposed.</exception>
    public async ValueTask<long[]> FindAsync(ArrowArray ids, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ids);
        if (IdColumn is null)
            throw new InvalidOperationException("The index has no ids.");
        if (ids.Type != Metadata![IdColumn].Type || ids.NullCount > 0)
            throw new ArgumentException($"The ids of the index are {Metadata[IdColumn].Type}, and none is missing.", nameof(ids));
        using var use = new ActiveSearch(this);
        long[] ordinals = new long[ids.Length];
        var scope = new ReadScope();
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = ParallelReads, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, ordinals.Length, parallel, async (i, cancellation) =>
            ordinals[i] = await _segments.FindAsync(IdKey.Of(ids, i), scope, cancellation).ConfigureAwait(false)).ConfigureAwait(false);
        return ordinals;
    }

    /// <summary>Reads stored vectors.</summary>
    /// <param name="ordinals">Which, in any order; a vector may be asked for more than once.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <returns>The vectors in the order of <paramref name="ordinals"/>, as they are stored: unscaled, also under cosine.</returns>
    /// <exception cref="VectorsNotStoredException">The index, or a segment of it, has no stored vectors.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such vector.</exception>
    /// <exception cref="CorruptDataException">What was read from the store is damaged.</exception>
    /// <exception cref="ObjectDisposedException">The index is disposed.</exception>
    public async ValueTask<VectorMatrix> GetVectorsAsync(ReadOnlyMemory<long> ordinals, CancellationToken cancellationToken = default)
    {
        RequireVectors();
        using var use = new ActiveSearch(this);
        float[] vectors = await RowReader.ReadVectorsAsync(_segments, ordinals, new ReadScope(), cancellationToken).ConfigureAwait(false);
        return new VectorMatrix(vectors, Dimensions);
    }

    /// <summary>Reads rows of the metadata.</summary>
    /// <param name="ordinals">Which, in any order; a row may be asked for more than once.</param>
    /// <param name="columns">The columns wanted, in this order; null for all.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <returns>The rows in the order of <paramref name="ordinals"/>.</returns>
    /// <exception cref="InvalidOperationException">The index has no metadata.</exception>
    /// <exception cref="ArgumentException">The metadata has no such column.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row.</exception>
    /// <exception cref="CorruptDataException">What was read from the store is damaged.</exception>
    /// <exception cref="ObjectDisposedException">The index is disposed.</exception>
    public async ValueTask<RecordBatch> GetRowsAsync(
        ReadOnlyMemory<long> ordinals, IReadOnlyList<string>? columns = null, CancellationToken cancellationToken = default)
    {
        if (Metadata is null)
            throw new InvalidOperationException("The index has no metadata.");
        CheckColumns(columns, nameof(columns));
        using var use = new ActiveSearch(this);
        return await RowReader.ReadMetadataAsync(_segments, ordinals, columns, new ReadScope(), cancellationToken).ConfigureAwait(false);
    }

    private void RequireVectors()
    {
        if (StoredVectors == StoredVectors.None)
            throw new VectorsNotStoredException();
    }
}

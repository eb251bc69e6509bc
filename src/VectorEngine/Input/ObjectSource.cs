using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Storage;

namespace VectorEngine.Input;

/// <summary>Vectors that stay in the caller's object.</summary>
/// <param name="Key">The object, an Arrow IPC file.</param>
/// <param name="Length">Its length in bytes.</param>
/// <param name="Type">Its vectors' type, float32 or float16.</param>
/// <param name="Rows">Where they lie.</param>
internal sealed record VectorsInPlace(string Key, long Length, StoredVectors Type, RowBatches Rows);

/// <summary>An Arrow IPC file that is an object of a store.</summary>
internal sealed class ObjectSource(IObjectStore store, string key, string? column) : ArrowFileSource(key, column)
{
    private readonly RetryingStore _retrying = new(store);
    private readonly string _key = key;

    internal override async ValueTask<VectorsInPlace> FindInPlaceAsync(IObjectStore indexStore, CancellationToken cancellationToken)
    {
        if (indexStore != store)
            throw new ArgumentException($"'{_key}' is in another store than the index: its vectors cannot stay there.");
        long length = await LengthAsync(cancellationToken).ConfigureAwait(false);
        using ArrowFileReader reader = await OpenAsync(length, cancellationToken).ConfigureAwait(false);
        ArrowField vectors = FindVectors(reader.Schema);
        RowBatches rows = await reader.FindRowsAsync(vectors.Name, cancellationToken).ConfigureAwait(false)
            ?? throw new InvalidInputException(_key, null, $"column '{vectors.Name}' misses vectors, so it cannot be used in place");
        if (rows.Count > VectorBatches.MaxCount)
            throw new InvalidInputException(
                _key, null, $"it has {rows.Count} record batches; in place, {VectorBatches.MaxCount} are supported: write longer ones");
        for (int i = 1; i < rows.Count; i++)
        {
            if (rows[i].Offset < rows[i - 1].Offset + (rows[i - 1].RowCount * rows.RowLength))
                throw new InvalidInputException(_key, null, "its record batches do not lie in their order, so it cannot be used in place");
        }

        StoredVectors type = vectors.Type.ElementType!.Kind == ArrowTypeKind.Float16 ? StoredVectors.Float16 : StoredVectors.Float32;
        return new VectorsInPlace(_key, length, type, rows);
    }

    private protected override async ValueTask<ArrowFileReader> OpenAsync(CancellationToken cancellationToken) =>
        await OpenAsync(await LengthAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);

    private ValueTask<ArrowFileReader> OpenAsync(long length, CancellationToken cancellationToken) =>
        ArrowFileReader.OpenAsync(_key, new ObjectRanges(_retrying, _key, length), cancellationToken);

    private async ValueTask<long> LengthAsync(CancellationToken cancellationToken)
    {
        // What a listing has of a key comes before what it has of longer ones.
        await foreach (ObjectInfo found in _retrying.ListAsync(_key, cancellationToken).ConfigureAwait(false))
            return found.Key == _key ? found.Length : throw new ObjectNotFoundException(_key);
        throw new ObjectNotFoundException(_key);
    }

    private sealed class ObjectRanges(IObjectStore store, string key, long length) : IRangeSource
    {
        public long Length => length;

        public ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
            store.ReadAsync(key, offset, destination, cancellationToken);

        public ValueTask ReadAsync(IReadOnlyList<SourceRange> ranges, CancellationToken cancellationToken) =>
            store.ReadAsync(key, [.. ranges.Select(range => new ObjectRange(range.Offset, range.Destination))], cancellationToken);
    }
}

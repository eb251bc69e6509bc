using System.Runtime.InteropServices;
using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Input;
using VectorEngine.Kernels;
using VectorEngine.Numerics;
using VectorEngine.Quantization;

namespace VectorEngine.Building;

/// <summary>What a pass over the input met.</summary>
/// <param name="Count">Good rows.</param>
/// <param name="Checksum">CRC-32C of their values, to tell whether two passes met the same.</param>
/// <param name="Dimensions">Dimensions of each.</param>
/// <param name="Schema">The columns of the metadata; null if there is none.</param>
internal sealed record InputSummary(long Count, uint Checksum, int Dimensions, ArrowSchema? Schema);

/// <summary>
/// Reads a source in order as chunks of good rows. While a chunk is in use the next is being read and checked. All chunks but the last are
/// full, so that nothing depends on how the source divides its rows, or on the rows that are left out.
/// </summary>
/// <param name="source">The source.</param>
/// <param name="options">Which rows are good, and what to do about the others.</param>
/// <param name="skipped">Receives the rows that are left out.</param>
/// <param name="parallel">Degree of parallelism and cancellation.</param>
/// <param name="expected">What the pass before met; null in the first.</param>
internal sealed class InputReader(
    VectorSource source, VectorIndexOptions options, SkippedRows skipped, ParallelOptions parallel, InputSummary? expected = null)
{
    private const int ChunkBytes = 16 << 20, BlockRows = 256;

    private VectorBatch? _batch;
    private int _position;
    private long _rowsRead, _rowsKept;
    private uint _checksum = ~0u;
    private ArrowSchema? _schema;
    private RowCoding? _coding;

    /// <summary>Rows of a chunk; short ones are fewer than would fit, since each may have metadata.</summary>
    public static int ChunkRows(int dimensions) => Math.Clamp(ChunkBytes / (4 * dimensions) / 1024, 1, 64) * 1024;

    /// <summary>Hands all rows to <paramref name="consume"/>.</summary>
    /// <exception cref="InvalidVectorException">A row cannot be indexed; the first such row is named.</exception>
    /// <exception cref="InvalidInputException">
    /// The rows do not fit together, there are none, or they are not those of the pass before.
    /// </exception>
    public async Task<InputSummary> ReadAsync(Func<RowChunk, Task> consume)
    {
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(parallel.CancellationToken);
        IAsyncEnumerator<VectorBatch> batches = source.ReadAsync(reading.Token).GetAsyncEnumerator(reading.Token);
        await using (batches.ConfigureAwait(false))
        {
            await MoveNextAsync(batches).ConfigureAwait(false);
            int dimensions = _batch?.Vectors.Dimensions ?? 0;
            CheckDimensions(dimensions);
            _coding = new RowCoding(options.Metric, options.StoredVectors, dimensions);
            RowChunk current = new(ChunkRows(dimensions), dimensions), other = new(current.Capacity, dimensions);
            bool more = await FillAsync(current, batches).ConfigureAwait(false);
            while (more)
            {
                RowChunk next = other;
                Task<bool> filling = Task.Run(() => FillAsync(next, batches), CancellationToken.None);
                try
                {
                    await consume(current).ConfigureAwait(false);
                }
                catch
                {
                    // The source is not left while it is being read; if that fails, too, the first failure is the one to report.
                    await reading.CancelAsync().ConfigureAwait(false);
                    await ((Task)filling).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    throw;
                }

                more = await filling.ConfigureAwait(false);
                (current, other) = (other, current);
            }

            if (_rowsKept == 0)
                throw new InvalidInputException(source.Name, null, "none of its vectors can be indexed");
            if (expected is not null && (_rowsKept != expected.Count || ~_checksum != expected.Checksum))
                throw Changed();
            return new InputSummary(_rowsKept, ~_checksum, dimensions, _schema);
        }
    }

    private void CheckDimensions(int dimensions)
    {
        if (expected is not null && dimensions != expected.Dimensions)
            throw Changed();
        if (dimensions == 0)
            throw new InvalidInputException(source.Name, null, "there are no vectors");
        if (dimensions > CodeLayout.MaxDimensions)
            throw new InvalidInputException(
                source.Name, null, $"its vectors have {dimensions} dimensions, of which {CodeLayout.MaxDimensions} are supported");
    }

    /// <summary>Fills a chunk with good rows; false if there are no more.</summary>
    private async Task<bool> FillAsync(RowChunk chunk, IAsyncEnumerator<VectorBatch> batches)
    {
        chunk.Clear();
        chunk.FirstOrdinal = _rowsKept;
        while (_batch is not null && chunk.Count < chunk.Capacity)
        {
            int start = chunk.Count;
            long firstRow = _rowsRead;
            while (_batch is { } batch && chunk.Count < chunk.Capacity)
            {
                CheckFit(batch);
                int appended = chunk.Append(batch.Vectors, batch.Metadata, _position);
                _position += appended;
                _rowsRead += appended;
                if (_position == batch.Vectors.Count)
                    await MoveNextAsync(batches).ConfigureAwait(false);
            }

            // What is dropped makes room for more.
            DropBadRows(chunk, start, firstRow);
        }

        _rowsKept += chunk.Count;
        if (_rowsKept > int.MaxValue)
            throw new NotSupportedException($"More than {int.MaxValue} vectors in one segment.");
        if (_rowsKept > expected?.Count)
            throw Changed();
        _checksum = Crc32C.Append(_checksum, MemoryMarshal.AsBytes(chunk.Rows.Values.Span));
        return chunk.Count > 0;
    }

    /// <summary>Goes to the next batch that has rows.</summary>
    private async ValueTask MoveNextAsync(IAsyncEnumerator<VectorBatch> batches)
    {
        _position = 0;
        do
        {
            parallel.CancellationToken.ThrowIfCancellationRequested();
            _batch = await batches.MoveNextAsync().ConfigureAwait(false)
                ? batches.Current ?? throw new InvalidInputException(source.Name, _rowsRead, "the batch that begins with it is null")
                : null;
        }
        while (_batch is { Vectors.Count: 0 });
    }

    private void CheckFit(VectorBatch batch)
    {
        if (batch.Vectors.Dimensions != _coding!.Dimensions)
            throw new InvalidInputException(
                source.Name, _rowsRead, $"it has {batch.Vectors.Dimensions} dimensions, the rows before {_coding.Dimensions}");
        if (_rowsRead == 0)
            _schema = batch.Metadata?.Schema;
        else if (!ArrowSchema.AreEqual(_schema, batch.Metadata?.Schema))
            throw new InvalidInputException(source.Name, _rowsRead, "its metadata have other columns than those of the rows before");
        if (expected is not null && !ArrowSchema.AreEqual(_schema, expected.Schema))
            throw Changed();
    }

    private InvalidInputException Changed() => new(source.Name, null, "its rows were others when they were read again");

    /// <summary>Drops rows that cannot be indexed, or refuses the input because of the first of them.</summary>
    /// <param name="chunk">The chunk.</param>
    /// <param name="start">The first row to check, which was the first of an append.</param>
    /// <param name="firstRow">Its row in the input.</param>
    private void DropBadRows(RowChunk chunk, int start, long firstRow)
    {
        string?[] reasons = new string?[chunk.Count - start];
        ParallelLoop.Run((reasons.Length + BlockRows - 1) / BlockRows, parallel, block =>
        {
            int first = block * BlockRows, end = Math.Min(reasons.Length, first + BlockRows);
            var check = new CheckRows { Coding = _coding!, Chunk = chunk, Start = start + first, Reasons = reasons.AsSpan(first..end) };
            KernelDispatch.Run(ref check);
        });
        CheckIds(chunk, start, reasons);
        int bad = Array.FindIndex(reasons, reason => reason is not null);
        if (bad < 0)
            return;
        if (!options.SkipInvalidRows)
            throw new InvalidVectorException(firstRow + bad, reasons[bad]!, source.Name);
        for (int row = bad; row < reasons.Length; row++)
        {
            if (reasons[row] is { } reason)
                skipped.Add(firstRow + row, reason);
        }

        chunk.Drop(start, Array.ConvertAll(reasons, reason => reason is not null));
    }

    private void CheckIds(RowChunk chunk, int start, string?[] reasons)
    {
        // Whether there is such a column is checked where its type is.
        if (options.IdColumn is not { } column || _schema is null || _schema.IndexOf(column) < 0)
            return;
        ArrowArray ids = chunk.MetadataFrom(start)!.Column(column);
        for (int row = 0; ids.NullCount > 0 && row < reasons.Length; row++)
            reasons[row] ??= ids.IsNull(row) ? "it has no id." : null;
    }

    private ref struct CheckRows : IKernelAction
    {
        public RowCoding Coding;
        public RowChunk Chunk;
        public int Start;
        public Span<string?> Reasons;

        public readonly void Run<K>() where K : struct, IKernels
        {
            Span<float> coded = new float[Coding.Dimensions];
            for (int i = 0; i < Reasons.Length; i++)
                Reasons[i] = Coding.Refuse<K>(Chunk.Row(Start + i), coded);
        }
    }
}

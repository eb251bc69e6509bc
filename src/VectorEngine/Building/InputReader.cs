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
/// Reads a source in order as chunks of good rows. While a chunk is in use the next is being read and checked.
/// </summary>
internal sealed class InputReader(
    VectorSource source, VectorIndexOptions options, SkippedRows skipped, ParallelOptions parallel, CancellationToken cancellationToken)
{
    private const int ChunkBytes = 16 << 20, BlockRows = 256;

    private VectorBatch? _batch;
    private int _position;
    private long _rowsRead, _rowsKept;
    private uint _checksum = ~0u;
    private ArrowSchema? _schema;
    private RowCoding? _coding;

    /// <summary>Rows of a chunk.</summary>
    public static int ChunkRows(int dimensions) => Math.Max(1, ChunkBytes / (4 * dimensions) / 1024) * 1024;

    /// <summary>Hands all rows to <paramref name="consume"/>.</summary>
    /// <exception cref="InvalidVectorException">A row cannot be indexed; the first such row is named.</exception>
    /// <exception cref="InvalidInputException">The rows do not fit together, or there are none.</exception>
    public async Task<InputSummary> ReadAsync(Func<RowChunk, Task> consume)
    {
        IAsyncEnumerator<VectorBatch> batches = source.ReadAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
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
                    // The source is not left while it is being read.
                    await filling.ContinueWith(static _ => { }, TaskScheduler.Default).ConfigureAwait(false);
                    throw;
                }

                more = await filling.ConfigureAwait(false);
                (current, other) = (other, current);
            }

            if (_rowsKept == 0)
                throw new InvalidInputException(source.Name, null, "none of its vectors can be indexed");
            return new InputSummary(_rowsKept, ~_checksum, dimensions, _schema);
        }
    }

    private void CheckDimensions(int dimensions)
    {
        if (dimensions == 0)
            throw new InvalidInputException(source.Name, null, "there are no vectors");
        if (dimensions > CodeLayout.MaxDimensions)
            throw new InvalidInputException(
                source.Name, null, $"its vectors have {dimensions} dimensions, of which {CodeLayout.MaxDimensions} are supported");
    }

    /// <summary>Fills a chunk with good rows; false if there are no more.</summary>
    private async Task<bool> FillAsync(RowChunk chunk, IAsyncEnumerator<VectorBatch> batches)
    {
        do
        {
            chunk.Clear();
            chunk.FirstOrdinal = _rowsKept;
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

            DropBadRows(chunk, firstRow);
        }
        while (chunk.Count == 0 && _batch is not null);

        _rowsKept += chunk.Count;
        if (_rowsKept > int.MaxValue)
            throw new NotSupportedException($"More than {int.MaxValue} vectors in one segment.");
        _checksum = Crc32C.Append(_checksum, MemoryMarshal.AsBytes(chunk.Rows.Values.Span));
        return chunk.Count > 0;
    }

    /// <summary>Goes to the next batch that has rows.</summary>
    private async ValueTask MoveNextAsync(IAsyncEnumerator<VectorBatch> batches)
    {
        _position = 0;
        do
        {
            cancellationToken.ThrowIfCancellationRequested();
            _batch = await batches.MoveNextAsync().ConfigureAwait(false) ? batches.Current : null;
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
    }

    /// <summary>Drops rows that cannot be indexed, or refuses the input because of the first of them.</summary>
    private void DropBadRows(RowChunk chunk, long firstRow)
    {
        int blocks = (chunk.Count + BlockRows - 1) / BlockRows;
        string?[] reasons = new string?[chunk.Count];
        ParallelLoop.Run(blocks, parallel, block =>
        {
            int start = block * BlockRows, end = Math.Min(chunk.Count, start + BlockRows);
            var check = new CheckRows { Coding = _coding!, Chunk = chunk, Start = start, Reasons = reasons.AsSpan(start..end) };
            KernelDispatch.Run(ref check);
        });
        int first = Array.FindIndex(reasons, reason => reason is not null);
        if (first < 0)
            return;
        if (!options.SkipInvalidRows)
            throw new InvalidVectorException(firstRow + first, reasons[first]!, source.Name);
        for (int row = first; row < reasons.Length; row++)
        {
            if (reasons[row] is { } reason)
                skipped.Add(firstRow + row, reason);
        }

        chunk.Drop(Array.ConvertAll(reasons, reason => reason is not null));
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

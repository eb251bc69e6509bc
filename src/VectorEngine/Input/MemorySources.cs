using System.Runtime.CompilerServices;

namespace VectorEngine.Input;

/// <summary>Vectors in memory, as one batch.</summary>
internal sealed class MatrixSource(VectorBatch batch) : VectorSource
{
    internal override ValueTask<long?> CountAsync(CancellationToken cancellationToken) => ValueTask.FromResult<long?>(batch.Vectors.Count);

    public override async IAsyncEnumerable<VectorBatch> ReadAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await ValueTask.CompletedTask.ConfigureAwait(false);
        yield return batch;
    }
}

/// <summary>The caller's own batches.</summary>
internal sealed class BatchesSource(IAsyncEnumerable<VectorBatch> batches, bool canReread) : VectorSource
{
    internal override bool CanReread => canReread;

    public override IAsyncEnumerable<VectorBatch> ReadAsync(CancellationToken cancellationToken = default) => batches;
}

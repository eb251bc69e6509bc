using System.Runtime.CompilerServices;
using VectorEngine.Arrow;
using VectorEngine.Input;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Building;

/// <summary>A source that fails, changes or hangs leaves nothing behind, whenever it does.</summary>
[Collection(nameof(AloneCollection))]
public sealed class FailingSourceTests
{
    // Several chunks, so that one is being read while another is in use.
    private const int Count = 150_000, Dimensions = 2, Batch = 10_000;

    private static readonly VectorMatrix Vectors = GeneratedVectors.Normal(Count, Dimensions, 1);

    private static readonly VectorIndexOptions Options = new() { ClusterCount = 4, StoredVectors = StoredVectors.Float32 };

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 3)]
    [InlineData(0, 14)]
    [InlineData(0, 15)]
    [InlineData(1, 0)]
    [InlineData(1, 3)]
    [InlineData(1, 14)]
    [InlineData(1, 15)]
    public async Task A_failure_anywhere_is_the_builds_and_leaves_nothing(int pass, int batch)
    {
        var source = new Passes((_, _) => null) { Fails = (p, b) => p == pass && b == batch ? new TimeoutException("Too slow.") : null };
        await BuiltObjects.FailAsync<TimeoutException>(VectorSource.FromBatches(source, canReread: true), Options);
        Assert.Equal(source.Started, source.Ended);
        if (pass == 0)
        {
            source.Started = 0;
            await BuiltObjects.FailAsync<TimeoutException>(VectorSource.FromBatches(source), Options);
        }
    }

    [Fact]
    public async Task Rows_that_change_between_the_passes_are_noticed()
    {
        var other = new VectorMatrix(new float[] { 1, 2, 3, 4 }, Dimensions);
        VectorBatch WithMetadata(int row) =>
            new(Vectors.Slice(row, Batch), new RecordBatch(("n", ArrowArray.From<int>(new int[Batch]))));
        Func<int, int, VectorBatch?>[] changes =
        [
            (pass, batch) => pass == 1 && batch == 7 ? new VectorBatch(Vectors.Slice(0, Batch)) : null, // other rows
            (pass, batch) => pass == 1 && batch == 14 ? new VectorBatch(other) : null, // fewer
            (pass, batch) => pass == 0 && batch == 2 ? new VectorBatch(other) : null, // more
            (pass, batch) => pass == 1 ? new VectorBatch(default) : null, // none
            (pass, batch) => pass == 1 ? new VectorBatch(new VectorMatrix(new float[Batch], 1)) : null, // other dimensions
            (pass, batch) => pass == 1 ? WithMetadata(batch * Batch) : null, // metadata come
            (pass, batch) => pass == 0 ? WithMetadata(batch * Batch) : null, // metadata go
        ];
        for (int i = 0; i < changes.Length; i++)
        {
            InvalidInputException failure = await BuiltObjects.FailAsync<InvalidInputException>(
                VectorSource.FromBatches(new Passes(changes[i]), canReread: true), Options);
            Assert.True(failure.Reason == "its rows were others when they were read again", $"{i}: {failure.Reason}");
        }
    }

    [Fact]
    public async Task Batches_that_do_not_fit_together_are_named_by_their_row()
    {
        var text = new RecordBatch(("a", ArrowArray.From(["x", "y"])));
        var number = new RecordBatch(("a", ArrowArray.From<int>([1, 2])));
        var two = new VectorMatrix(new float[] { 1, 2, 3, 4 }, 2);
        Assert.Equal(2, (await RefusedAsync(new VectorBatch(two), new VectorBatch(new VectorMatrix(new float[] { 1, 2, 3 }, 3)))).Row);
        Assert.Equal(2, (await RefusedAsync(new VectorBatch(two, text), new VectorBatch(two, number))).Row);
        Assert.Equal(2, (await RefusedAsync(new VectorBatch(two, text), new VectorBatch(two))).Row);
        Assert.Equal(4, (await RefusedAsync(new VectorBatch(two), new VectorBatch(two), new VectorBatch(two, text))).Row);
        Assert.Equal(2, (await RefusedAsync(new VectorBatch(two), null!)).Row);
        Assert.Equal("there are no vectors", (await RefusedAsync()).Reason);
        Assert.Equal("there are no vectors", (await RefusedAsync(new VectorBatch(default), new VectorBatch(default))).Reason);
        InvalidInputException few = await BuiltObjects.FailAsync<InvalidInputException>(
            VectorSource.FromMatrix(two), new VectorIndexOptions { ClusterCount = 3 });
        Assert.Contains("2 vectors cannot make 3 clusters", few.Message);
        await BuiltObjects.FailAsync<NotSupportedException>(
            VectorSource.FromMatrix(two), new VectorIndexOptions { ClusterCount = int.MaxValue / 2 });

        static Task<InvalidInputException> RefusedAsync(params VectorBatch[] batches) =>
            BuiltObjects.FailAsync<InvalidInputException>(VectorSource.FromBatches(batches.ToAsyncEnumerable()));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(0, false)]
    [InlineData(1, true)]
    public async Task Cancellation_reaches_a_source_that_waits(int pass, bool canReread)
    {
        using var cancellation = new CancellationTokenSource();
        var source = new Passes((_, _) => null) { Waits = (p, b) => p == pass && b == 9 };
        source.Waiting.Task.GetAwaiter().OnCompleted(cancellation.Cancel);
        await BuiltObjects.FailAsync<OperationCanceledException>(
            VectorSource.FromBatches(source, canReread), Options, cancellationToken: cancellation.Token);
        Assert.Equal(source.Started, source.Ended);
    }

    [Fact]
    public async Task A_failure_reaches_a_source_that_waits_and_no_exception_stays_unobserved()
    {
        var unobserved = new List<Exception>();
        void Note(object? sender, UnobservedTaskExceptionEventArgs args) => unobserved.Add(args.Exception);
        TaskScheduler.UnobservedTaskException += Note;
        try
        {
            // The first chunk is refused, since it has no column of ids, while the source waits or fails in the second.
            foreach (bool waits in new[] { true, false })
            {
                var source = new Passes((_, _) => null)
                {
                    Waits = (_, b) => waits && b == 9,
                    Fails = (_, b) => !waits && b == 9 ? new TimeoutException("Too late to tell.") : null,
                };
                await BuiltObjects.FailAsync<ArgumentException>(
                    VectorSource.FromBatches(source), Options with { IdColumn = "none" });
                Assert.Equal((1, 1), (source.Started, source.Ended));
            }

            for (int i = 0; i < 3; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= Note;
        }

        Assert.DoesNotContain(unobserved, failure => failure.ToString().Contains("Too late to tell", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_failing_listener_fails_the_build()
    {
        foreach (BuildPhase phase in Enum.GetValues<BuildPhase>())
        {
            await BuiltObjects.FailAsync<TimeoutException>(
                VectorSource.FromMatrix(Vectors.Slice(0, 1000)), Options, new FailingProgress(phase));
        }
    }

    private sealed class FailingProgress(BuildPhase phase) : IProgress<BuildProgress>
    {
        public void Report(BuildProgress value)
        {
            if (value.Phase == phase)
                throw new TimeoutException("The listener is gone.");
        }
    }

    /// <summary>The vectors in batches, other ones for some, with failures and hangs.</summary>
    private sealed class Passes(Func<int, int, VectorBatch?> change) : IAsyncEnumerable<VectorBatch>
    {
        public Func<int, int, Exception?> Fails { get; init; } = (_, _) => null;

        public Func<int, int, bool> Waits { get; init; } = (_, _) => false;

        public TaskCompletionSource Waiting { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Started { get; set; }

        public int Ended { get; private set; }

        public IAsyncEnumerator<VectorBatch> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
            ReadAsync(Started++, cancellationToken).GetAsyncEnumerator(cancellationToken);

        private async IAsyncEnumerable<VectorBatch> ReadAsync(int pass, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            try
            {
                for (int batch = 0; batch <= Count / Batch; batch++)
                {
                    if (Fails(pass, batch) is { } failure)
                        throw failure;
                    if (Waits(pass, batch))
                    {
                        Waiting.TrySetResult();
                        await Task.Delay(Timeout.Infinite, cancellationToken);
                    }

                    if (batch < Count / Batch)
                        yield return change(pass, batch) ?? new VectorBatch(Vectors.Slice(batch * Batch, Batch));
                }
            }
            finally
            {
                Ended++;
            }
        }
    }
}

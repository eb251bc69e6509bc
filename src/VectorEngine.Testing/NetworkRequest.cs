namespace VectorEngine.Testing;

/// <summary>
/// A request on its way through a <see cref="FluidNetwork"/>, which alone changes it; disposing gives its connection back.
/// </summary>
internal sealed class NetworkRequest(FluidNetwork network, double slowness) : IDisposable
{
    public enum Stage
    {
        /// <summary>No connection is free.</summary>
        Queued,

        /// <summary>Waits for the first byte.</summary>
        UnderWay,

        /// <summary>The first byte could come, but how many there are is not known yet.</summary>
        Ready,

        /// <summary>Bytes are moving.</summary>
        Moving,

        /// <summary>Done or given up.</summary>
        Ended,
    }

    public Stage At { get; set; }

    /// <summary>How many times longer it takes than others; one that is slow takes so much less of the bandwidth.</summary>
    public double Slowness { get; } = slowness;

    /// <summary>How much is to be moved; null until it is known.</summary>
    public long? Bytes { get; set; }

    // Whoever waits goes on elsewhere than under the network's lock.
    public TaskCompletionSource Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Says how much is to be moved, and waits until it has been.</summary>
    public Task MoveAsync(long bytes)
    {
        network.Move(this, bytes);
        return Completion.Task;
    }

    /// <summary>Ends it without its bytes.</summary>
    public void GiveUp(CancellationToken cancellationToken)
    {
        network.End(this);
        Completion.TrySetCanceled(cancellationToken);
    }

    public void Dispose() => network.End(this);
}

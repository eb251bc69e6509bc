namespace VectorEngine.S3;

/// <summary>How long to wait before trying again.</summary>
internal static class Backoff
{
    private const double FirstMilliseconds = 50;

    /// <summary>Waits about twice as long after each failure, and never as long as others who failed at the same time.</summary>
    /// <param name="failures">Failures before, from 0.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public static Task DelayAsync(int failures, CancellationToken cancellationToken) =>
        Task.Delay(TimeSpan.FromMilliseconds(FirstMilliseconds * (1 << failures) * (0.5 + Random.Shared.NextDouble())), cancellationToken);
}

using VectorEngine.Telemetry;

namespace VectorEngine.Storage;

/// <summary>When a request that failed is made again.</summary>
internal static class Retries
{
    private const int MaxAttempts = 4;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);

    /// <summary>Whether a request is worth another attempt.</summary>
    /// <param name="failure">Why it failed.</param>
    /// <param name="attempt">How often it was tried, from 1.</param>
    public static bool AreWorthIt(Exception failure, int attempt) =>
        failure is StoreException { IsTransient: true } && attempt < MaxAttempts;

    /// <summary>Counts a repetition, and waits before it: about twice as long each time, but not as long as others who failed, too.</summary>
    /// <param name="attempt">How often the request was tried, from 1.</param>
    /// <param name="layer">What it reads; null if it reads nothing.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public static Task PauseAsync(int attempt, string? layer, CancellationToken cancellationToken)
    {
        if (layer is null)
            EngineMetrics.Retries.Add(1);
        else
            EngineMetrics.Retries.Add(1, new KeyValuePair<string, object?>(TelemetryNames.Layer, layer));
        return Task.Delay(FirstPause * (1 << (attempt - 1)) * (0.5 + Random.Shared.NextDouble()), cancellationToken);
    }
}

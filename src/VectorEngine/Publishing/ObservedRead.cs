using System.Diagnostics;
using VectorEngine.Storage;
using VectorEngine.Telemetry;

namespace VectorEngine.Publishing;

/// <summary>Measures the reading of pointers and versions, as that of everything else is measured where it is read.</summary>
internal static class ObservedRead
{
    public static async ValueTask<ObjectContent?> OfAsync(ValueTask<ObjectContent?> reading)
    {
        long start = Stopwatch.GetTimestamp(), bytes = 0;
        Exception? failure = null;
        try
        {
            ObjectContent? content = await reading.ConfigureAwait(false);
            bytes = content?.Content.Length ?? 0;
            return content;
        }
        catch (Exception e)
        {
            failure = e;
            throw;
        }
        finally
        {
            EngineMetrics.CountRequest(TelemetryNames.Pointer, bytes);
            EngineMetrics.RecordRequest(TelemetryNames.Pointer, Stopwatch.GetElapsedTime(start), failure);
        }
    }
}

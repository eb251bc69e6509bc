using System.Diagnostics;

namespace VectorEngine.Telemetry;

/// <summary>The activities: what traces show of the library.</summary>
internal static class EngineActivities
{
    public const string Open = "vectorengine.open", Search = "vectorengine.search", Prefetch = "vectorengine.prefetch",
        Build = "vectorengine.build", Publish = "vectorengine.publish", Collect = "vectorengine.collect";

    private static readonly ActivitySource Source =
        new(TelemetryNames.ActivitySource, typeof(EngineActivities).Assembly.GetName().Version?.ToString(3));

    /// <summary>Whether anybody wants to know.</summary>
    public static bool IsObserved => Source.HasListeners() && !UnobservedThread.IsCurrent;

    /// <summary>Starts an activity; null if nobody listens.</summary>
    public static Activity? Start(string name, string index)
    {
        Activity? activity = Source.StartActivity(name);
        activity?.SetTag(TelemetryNames.IndexName, index);
        return activity;
    }

    /// <summary>Says that what an activity was about failed.</summary>
    public static void Fail(this Activity activity, Exception failure)
    {
        activity.SetTag(TelemetryNames.ErrorType, TelemetryNames.Of(failure));
        activity.SetStatus(ActivityStatusCode.Error, failure.Message);
    }

    /// <summary>Does something as an activity.</summary>
    /// <param name="name">The activity's name.</param>
    /// <param name="index">The index that it is about.</param>
    /// <param name="act">What to do; it is given the activity, or null if nobody listens.</param>
    public static async Task<T> RunAsync<T>(string name, string index, Func<Activity?, Task<T>> act)
    {
        using Activity? activity = Start(name, index);
        try
        {
            return await act(activity).ConfigureAwait(false);
        }
        catch (Exception failure)
        {
            activity?.Fail(failure);
            throw;
        }
    }
}

namespace VectorEngine.Loading;

/// <summary>What tasks lack.</summary>
internal static class TaskExtensions
{
    /// <summary>Lets a task end unwatched: its failure is nobody's.</summary>
    public static void Forget(this Task task) => _ = task.ContinueWith(
        static ended => ended.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
}

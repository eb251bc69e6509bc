using System.Runtime.ExceptionServices;

namespace VectorEngine.Numerics;

/// <summary>Parallel loops whose failures are what the body threw, not an aggregate.</summary>
internal static class ParallelLoop
{
    /// <summary>Runs <paramref name="body"/> for 0 to <paramref name="count"/> - 1.</summary>
    /// <exception cref="OperationCanceledException">The options' token was cancelled.</exception>
    public static void Run(int count, ParallelOptions options, Action<int> body)
    {
        try
        {
            Parallel.For(0, count, options, body);
        }
        catch (AggregateException failure)
        {
            ExceptionDispatchInfo.Throw(failure.InnerExceptions[0]);
        }
    }
}

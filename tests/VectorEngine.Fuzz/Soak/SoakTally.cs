using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace VectorEngine.Fuzz.Soak;

/// <summary>Counts what came of every use, and collects what must not come of any.</summary>
internal sealed class SoakTally : IDisposable
{
    public const string Right = "right";

    private const int MostFailures = 20;

    private readonly ConcurrentDictionary<string, long> _outcomes = new();
    private readonly ConcurrentDictionary<string, long> _programErrors = new();
    private readonly ConcurrentQueue<string> _failures = [];
    private long _failed;

    public SoakTally()
    {
        TaskScheduler.UnobservedTaskException += OnUnobserved;
        AppDomain.CurrentDomain.FirstChanceException += OnFirstChance;
    }

    /// <summary>Number of failures.</summary>
    public long Failed => Volatile.Read(ref _failed);

    /// <summary>Runs a use, sometimes not to its end, and counts what comes of it: an answer, a typed exception, or a failure.</summary>
    /// <param name="what">What is used.</param>
    /// <param name="use">Uses it; tells what is wrong with the answer, null if nothing is.</param>
    /// <param name="limit">How long until it is cancelled; null for ever.</param>
    /// <returns>The exception, if it was one.</returns>
    public async Task<Exception?> TakeAsync(string what, Func<CancellationToken, Task<string?>> use, TimeSpan? limit = null)
    {
        using var cancellation = new CancellationTokenSource(limit ?? Timeout.InfiniteTimeSpan);
        try
        {
            string? wrong = await use(cancellation.Token).ConfigureAwait(false);
            if (wrong is null)
                Count($"{what}: {Right}");
            else
                Fail($"{what}: {wrong}");
            return null;
        }
        catch (OperationCanceledException canceled) when (cancellation.IsCancellationRequested)
        {
            Count($"{what}: cancelled");
            return canceled;
        }
        catch (VectorEngineException typed)
        {
            Count($"{what}: {typed.GetType().Name}");
            return typed;
        }
        catch (Exception other)
        {
            Fail($"{what}: {other}");
            return other;
        }
    }

    /// <summary>Counts an outcome.</summary>
    public void Count(string outcome) => _outcomes.AddOrUpdate(outcome, 1, (_, count) => count + 1);

    /// <summary>Notes a failure.</summary>
    public void Fail(string failure)
    {
        if (Interlocked.Increment(ref _failed) <= MostFailures)
            _failures.Enqueue(failure);
    }

    /// <summary>How often an outcome that ends so was counted.</summary>
    public long Total(string end) =>
        _outcomes.Where(outcome => outcome.Key.EndsWith(end, StringComparison.Ordinal)).Sum(outcome => outcome.Value);

    /// <summary>Waits for what nobody observed, and prints everything.</summary>
    public void Print(TextWriter writer)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        foreach ((string outcome, long count) in _outcomes.OrderBy(outcome => outcome.Key, StringComparer.Ordinal))
            writer.WriteLine($"{count,9:n0}  {outcome}");
        foreach ((string error, long count) in _programErrors)
            writer.WriteLine($"{count,9:n0}  {error}");
        foreach (string failure in _failures)
            writer.WriteLine($"FAILED {failure}");
    }

    public void Dispose()
    {
        TaskScheduler.UnobservedTaskException -= OnUnobserved;
        AppDomain.CurrentDomain.FirstChanceException -= OnFirstChance;
    }

    private void OnUnobserved(object? sender, UnobservedTaskExceptionEventArgs unobserved) => Fail($"unobserved: {unobserved.Exception}");

    /// <summary>Errors of the program itself, even where something catches them.</summary>
    private void OnFirstChance(object? sender, FirstChanceExceptionEventArgs thrown)
    {
        if (thrown.Exception is not (NullReferenceException or IndexOutOfRangeException or InvalidCastException or KeyNotFoundException
            or ArgumentException or DivideByZeroException or OverflowException))
            return;
        string error = thrown.Exception.GetType().Name;
        if (_programErrors.AddOrUpdate(error, 1, (_, count) => count + 1) == 1)
            Fail($"{error}: {thrown.Exception.Message} {new StackTrace(1)}");
    }
}

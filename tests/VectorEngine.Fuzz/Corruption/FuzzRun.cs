using System.Diagnostics;

namespace VectorEngine.Fuzz.Corruption;

/// <summary>Runs cases in child processes, watches them, and counts how they ended.</summary>
/// <param name="seed">Decides everything.</param>
/// <param name="cases">Number of cases.</param>
/// <param name="jobs">Child processes at a time.</param>
internal sealed class FuzzRun(int seed, int cases, int jobs)
{
    /// <summary>A case takes milliseconds.</summary>
    private static readonly TimeSpan CaseLimit = TimeSpan.FromSeconds(5), StartLimit = TimeSpan.FromMinutes(2);

    /// <summary>Once so many cases have failed, the rest has nothing new to say.</summary>
    private const int MostFailures = 50;

    // Processes that are lost do not tidy up.
    private readonly string _folder = Directory.CreateTempSubdirectory("vectorengine-fuzz-").FullName;
    private readonly Lock _counting = new();
    private readonly Dictionary<Outcome, int> _damaged = [], _sealed = [];
    private int _failures;

    /// <summary>Runs all cases and prints a summary.</summary>
    /// <returns>The exit code: 0 if none failed.</returns>
    public async Task<int> RunAsync()
    {
        Console.WriteLine($"fuzz: {cases:N0} cases, seed {seed}");
        long start = Stopwatch.GetTimestamp();
        try
        {
            await Task.WhenAll(Enumerable.Range(0, jobs).Select(RunShareAsync));
        }
        finally
        {
            Directory.Delete(_folder, recursive: true);
        }

        if (_failures > 0)
            Console.WriteLine($"Repeat one with: dotnet run -c Release --project tests/VectorEngine.Fuzz -- --seed {seed} --case NUMBER");
        Console.WriteLine($"as damaged: {Describe(_damaged)}");
        Console.WriteLine($"sealed again: {Describe(_sealed)}");
        int ended = _damaged.Values.Sum() + _sealed.Values.Sum();
        Console.WriteLine(
            $"fuzz: {ended:N0} cases, {_failures} failed, seed {seed}, {Stopwatch.GetElapsedTime(start).TotalSeconds:f0} s");
        return _failures == 0 && ended == cases ? 0 : 1;
    }

    /// <summary>Runs the cases of one job, in a new process after each that was lost.</summary>
    private async Task RunShareAsync(int job)
    {
        for (int next = 2 * job; next < cases && _failures < MostFailures;)
            next = await RunProcessAsync(next);
    }

    /// <returns>The case to go on with.</returns>
    private async Task<int> RunProcessAsync(int next)
    {
        // A request for gigabytes fails, and does not only take long.
        using var child = new ChildProcess(
            ["work", "--seed", $"{seed}", "--from", $"{next}", "--to", $"{cases}", "--jobs", $"{jobs}"],
            ("DOTNET_GCHeapHardLimit", "0x20000000"), ("TMPDIR", _folder), ("TMP", _folder));
        int running = -1;
        string lost;
        try
        {
            while (await child.ReadLineAsync(running < 0 ? StartLimit : CaseLimit) is { } line)
            {
                string[] words = line.Split(' ', 4);
                switch (words[0])
                {
                    case FuzzWorker.Start:
                        running = int.Parse(words[1]);
                        break;
                    case FuzzWorker.End:
                        Count(running, Enum.Parse<Outcome>(words[2]), words[3]);
                        next = FuzzWorker.Following(running, jobs);
                        running = -1;
                        break;
                }
            }

            (int code, string errors) = await child.WaitAsync();
            if (code == 0)
                return cases;
            lost = $"crash, exit code {code}: {errors[..Math.Min(errors.Length, 2000)]}";
        }
        catch (OperationCanceledException)
        {
            child.Kill();
            lost = $"no end within {CaseLimit.TotalSeconds} s";
        }

        if (running < 0)
            throw new InvalidOperationException($"The process ended between two cases: {lost}");
        Count(running, Outcome.Failed, lost);
        return FuzzWorker.Following(running, jobs);
    }

    private void Count(int number, Outcome outcome, string reason)
    {
        lock (_counting)
        {
            Dictionary<Outcome, int> counts = number % 2 == 1 ? _sealed : _damaged;
            counts[outcome] = counts.GetValueOrDefault(outcome) + 1;
            if (outcome != Outcome.Failed)
                return;
            _failures++;
            Console.WriteLine($"case {number}: {reason}");
        }
    }

    private static string Describe(Dictionary<Outcome, int> counts) => string.Join(
        ", ", Enum.GetValues<Outcome>().Select(
            outcome => $"{counts.GetValueOrDefault(outcome):N0} {outcome.ToString().ToLowerInvariant()}"));
}

using System.Diagnostics;
using VectorEngine.Storage;

namespace VectorEngine.Fuzz.Soak;

/// <summary>
/// Searchers that share a disk cache, a builder and a collector, each a process of its own, in a folder that they share: whichever is
/// killed whenever, the newest version is whole and answers right, and the others go on.
/// </summary>
/// <param name="seed">Decides the moments.</param>
/// <param name="length">How long.</param>
internal sealed class SoakKillRun(int seed, TimeSpan length)
{
    private const int LongestMilliseconds = 1500;

    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(2);
    private static readonly string[] Roles = [SoakWorker.Builder, SoakWorker.Collector, SoakWorker.Searcher, SoakWorker.Searcher];

    private readonly IntactCopies _copies = new();
    private readonly Random _random = new(seed);

    /// <summary>Runs and prints a summary.</summary>
    /// <returns>The exit code: 0 if nothing was wrong.</returns>
    public async Task<int> RunAsync()
    {
        string folder = Directory.CreateTempSubdirectory("vectorengine-soak-").FullName;
        using var tally = new SoakTally();
        using var store = new FileObjectStore(SoakWorker.StoreFolder(folder));
        var children = new ChildProcess?[Roles.Length];
        int[] killed = new int[Roles.Length];
        try
        {
            await SoakVersions.PublishAsync(store, 1, CancellationToken.None);
            for (int i = 0; i < children.Length; i++)
                children[i] = await StartAsync(folder, i);
            long start = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(start) < length)
            {
                await Task.Delay(_random.Next(LongestMilliseconds));
                int victim = _random.Next(children.Length);
                await EndAsync(children[victim]!, Roles[victim], tally);
                killed[victim]++;
                await tally.TakeAsync($"verify after {Roles[victim]}", _ => SoakWorks.VerifyAsync(store, _copies, _ => false));
                children[victim] = await StartAsync(folder, victim);
            }
        }
        finally
        {
            for (int i = 0; i < children.Length; i++)
            {
                if (children[i] is { } child)
                    await EndAsync(child, Roles[i], tally);
            }

            await tally.TakeAsync("verify in the end", _ => SoakWorks.VerifyAsync(store, _copies, _ => false));
            Directory.Delete(folder, recursive: true);
        }

        tally.Print(Console.Out);
        IEnumerable<string> counts = Roles.Zip(killed)
            .GroupBy(role => role.First, role => role.Second).Select(role => $"{role.Key} {role.Sum()}");
        Console.WriteLine($"killed: {string.Join(", ", counts)}; {tally.Failed} failed, seed {seed}");
        return tally.Failed == 0 ? 0 : 1;
    }

    private async Task<ChildProcess> StartAsync(string folder, int number)
    {
        var child = new ChildProcess(["soak-work", "--folder", folder, "--role", Roles[number], "--seed", $"{_random.Next()}"]);
        return await child.ReadLineAsync(StartLimit) == SoakWorker.Started
            ? child
            : throw new InvalidOperationException($"The {Roles[number]} did not start: {(await child.WaitAsync()).Errors}");
    }

    /// <summary>Kills a process, which must not have ended by itself, as it does when something is wrong.</summary>
    private static async Task EndAsync(ChildProcess child, string role, SoakTally tally)
    {
        bool ended = child.Ended.IsCompleted;
        child.Kill();
        (int code, string errors) = await child.WaitAsync();
        if (ended)
            tally.Fail($"the {role} has ended by itself, with exit code {code}: {errors}");
        child.Dispose();
    }
}

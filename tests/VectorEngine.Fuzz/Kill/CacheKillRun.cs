using VectorEngine.Loading;

namespace VectorEngine.Fuzz.Kill;

/// <summary>
/// Kills processes that share a cache on disk, two at a time, the one while the other goes on: what is left is whole, and within the limit.
/// </summary>
/// <param name="seed">Decides the moments.</param>
/// <param name="kills">Number of processes.</param>
internal sealed class CacheKillRun(int seed, int kills)
{
    private const int LongestMilliseconds = 300;

    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(1);

    /// <summary>Runs all and prints a summary.</summary>
    /// <returns>The exit code: 0 if nothing was wrong.</returns>
    public async Task<int> RunAsync()
    {
        string folder = Directory.CreateTempSubdirectory("vectorengine-kill-").FullName;
        var random = new Random(seed);
        int found = 0, wrong = 0, leftovers = 0;
        ChildProcess? other = null;
        try
        {
            for (int kill = 0; kill < kills; kill++)
            {
                ChildProcess child = await StartAsync(folder);
                await Task.Delay(random.Next(LongestMilliseconds));
                wrong += await EndAsync(other);
                other = child;
                (int foundNow, int wrongNow) = CacheWorker.Verify(folder);
                (found, wrong) = (found + foundNow, wrong + wrongNow);
            }
        }
        finally
        {
            wrong += await EndAsync(other);
            string[] files = Directory.GetFiles(folder, "*", SearchOption.AllDirectories);
            leftovers = files.Count(path => Path.GetFileName(path).StartsWith('~'));
            // Two processes may each exceed the limit by a twentieth, and what was killed cannot tidy up.
            if (files.Sum(path => ExtentFolder.SpaceOf(new FileInfo(path).Length)) > CacheWorker.Limit * 12 / 10)
                wrong++;
            Directory.Delete(folder, recursive: true);
        }

        Console.WriteLine($"cache: {kills} processes killed, {found} extents read, {wrong} wrong, {leftovers} temporary files left");
        return wrong == 0 && found > 0 ? 0 : 1;
    }

    private static async Task<ChildProcess> StartAsync(string folder)
    {
        var child = new ChildProcess(["cache", "--folder", folder]);
        return await child.ReadLineAsync(StartLimit) == CacheWorker.Started
            ? child
            : throw new InvalidOperationException($"The process did not start: {(await child.WaitAsync()).Errors}");
    }

    /// <summary>Kills a process; 1 if it has ended by itself, as it does when it reads what is wrong.</summary>
    private static async Task<int> EndAsync(ChildProcess? child)
    {
        if (child is null)
            return 0;
        bool ended = child.Ended.IsCompleted;
        child.Kill();
        await child.WaitAsync();
        child.Dispose();
        return ended ? 1 : 0;
    }
}

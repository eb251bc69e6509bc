using System.Diagnostics;

namespace VectorEngine.Fuzz.Kill;

/// <summary>
/// Kills builds of a second version, each in a copy of a folder that has the first: as many at times uniform over the build's length as
/// within the phase that was hit least so far, since some are short. Whatever the moment, readers see one of the two versions whole, the same build
/// started again succeeds and tidies up, and nothing is left of the killed one once garbage is collected.
/// </summary>
/// <param name="seed">Decides the moments.</param>
/// <param name="kills">Number of builds of either sort.</param>
/// <param name="count">Vectors of each.</param>
/// <param name="dimensions">Of the vectors.</param>
internal sealed class KillRun(int seed, int kills, int count, int dimensions)
{
    private const int First = 1, Second = 2, Rehearsals = 5;
    private const string Finished = "finished";

    private static readonly TimeSpan BuildLimit = TimeSpan.FromMinutes(5);
    private static readonly string[] Phases = Enum.GetNames<BuildPhase>();

    private readonly string _folder = Directory.CreateTempSubdirectory("vectorengine-kill-").FullName;
    private readonly List<string> _failures = [];
    private readonly Dictionary<long, string> _answers = [];
    private readonly Dictionary<string, int> _hits = [];
    private int _left;

    private BuildJob Original => new(Path.Combine(_folder, "original"), count, dimensions);

    private BuildJob Copy => new(Path.Combine(_folder, "copy"), count, dimensions);

    /// <summary>Runs all builds and prints a summary.</summary>
    /// <returns>The exit code: 0 if none failed.</returns>
    public async Task<int> RunAsync()
    {
        long start = Stopwatch.GetTimestamp();
        try
        {
            BuildRun[] rehearsals = await PrepareAsync();
            TimeSpan usual = rehearsals[Rehearsals / 2].Length;
            // The machine has other things to do, too: a phase is hit more often if it is not expected to last longer than it may.
            var shortest = Phases.ToDictionary(phase => phase, phase => rehearsals.Min(run => run.LengthOf(phase)));
            Console.WriteLine($"kill: 2 x {kills} builds of {usual.TotalSeconds:f2} s, seed {seed}");
            Console.WriteLine($"at least: {string.Join(", ", shortest.Select(phase => $"{phase.Key} {phase.Value.TotalMilliseconds:f0} ms"))}");
            var random = new Random(seed);
            await KillAllAsync("at any time", () => new KillMoment(null, usual * random.NextDouble()));
            await KillAllAsync("within phases", () =>
            {
                string rarest = Phases.MinBy(phase => _hits.GetValueOrDefault(phase))!;
                return new KillMoment(rarest, shortest[rarest] * random.NextDouble());
            });
        }
        finally
        {
            Directory.Delete(_folder, recursive: true);
        }

        foreach (string failure in _failures)
            Console.WriteLine(failure);
        Console.WriteLine($"files that killed builds left: {_left}");
        Console.WriteLine(
            $"kill: {2 * kills} builds, {_failures.Count} failed, seed {seed}, {Stopwatch.GetElapsedTime(start).TotalSeconds:f0} s");
        return _failures.Count == 0 ? 0 : 1;
    }

    /// <summary>Builds the first version, and the second in a copy.</summary>
    /// <returns>How the second went, as its parent sees it, from the shortest run to the longest.</returns>
    private async Task<BuildRun[]> PrepareAsync()
    {
        await Original.BuildAsync(Original.Prepare(First), null);
        var runs = new List<BuildRun>();
        for (int i = 0; i < Rehearsals; i++)
        {
            Restore();
            runs.Add(await BuildAsync(new KillMoment(null, BuildLimit)));
        }

        foreach (BuildJob job in new[] { Original, Copy })
        {
            (long version, string answers) = await job.VerifyAsync();
            _answers.Add(version, answers);
        }

        if (!_answers.ContainsKey(First) || _answers[First] == _answers[Second])
            throw new InvalidOperationException("The versions cannot be told apart.");
        return [.. runs.OrderBy(run => run.Length)];
    }

    private async Task KillAllAsync(string sort, Func<KillMoment> next)
    {
        var before = new Dictionary<string, int>(_hits);
        for (int kill = 0; kill < kills; kill++)
        {
            KillMoment moment = next();
            Restore();
            string phase = (await BuildAsync(moment)).Phase;
            _hits[phase] = _hits.GetValueOrDefault(phase) + 1;
            await CheckAsync($"kill {kill} {sort}, {moment}, while {phase}");
        }

        IEnumerable<string> counts = Phases.Append(Finished)
            .Select(phase => $"{phase.ToLowerInvariant()} {_hits.GetValueOrDefault(phase) - before.GetValueOrDefault(phase)}");
        Console.WriteLine($"killed {sort}, while: {string.Join(", ", counts)}");
    }

    /// <summary>Looks at what a killed build has left, builds again, and looks again.</summary>
    private async Task CheckAsync(string where)
    {
        string[] before = Original.NewestObjects(), after = Copy.NewestObjects();
        long version = await VerifyAsync($"{where}: after it");
        _left += Copy.Others([.. before, .. after]).Count;

        await BuildAsync(new KillMoment(null, BuildLimit));
        if (await VerifyAsync($"{where}: after the same build again") != version + 1)
            _failures.Add($"{where}: the same build again publishes another version than {version + 1}");
        // Objects of a killed build's segment stay, which no pointer names: what stands under a temporary name may not.
        string[] scratch = [.. Copy.Others().Where(path => Path.GetFileName(path).StartsWith('~') || path.StartsWith("scratch"))];
        if (scratch.Length > 0)
            _failures.Add($"{where}: the same build again leaves {string.Join(", ", scratch)}");
        await Copy.CollectAsync();
        if (Copy.Others(Copy.NewestObjects()) is { Count: > 0 } left)
            _failures.Add($"{where}: though the newest version does not need them, there are still {string.Join(", ", left)}");
        if (await VerifyAsync($"{where}: after a collection") != version + 1)
            _failures.Add($"{where}: a collection publishes another version");
    }

    /// <summary>Opens the newest version and compares all answers; version 3 is built from what version 2 is.</summary>
    private async Task<long> VerifyAsync(string where)
    {
        try
        {
            (long version, string answers) = await Copy.VerifyAsync();
            if (_answers[Math.Min(version, Second)] != answers)
                _failures.Add($"{where}: version {version} gives other answers");
            return version;
        }
        catch (VectorEngineException e)
        {
            _failures.Add($"{where}: {e.Message}");
            return 0;
        }
    }

    /// <summary>Builds the second version in the copy, in a process that is killed at a moment.</summary>
    private async Task<BuildRun> BuildAsync(KillMoment moment)
    {
        using var child = new ChildProcess(
        [
            "build", "--folder", Copy.Folder, "--count", $"{count}", "--dimensions", $"{dimensions}", "--version", $"{Second}",
        ]);
        while (await child.ReadLineAsync(BuildLimit) is { } line && line != KillWorker.Start)
        {
        }

        var run = new BuildRun(nameof(BuildPhase.Reading));
        bool killed = false;
        Task? kill = moment.Phase is null ? KillAsync() : null;
        while (run.Phase != Finished && await child.ReadLineAsync(BuildLimit) is { } line)
        {
            run.Enter(line == KillWorker.Done ? Finished : line[(KillWorker.Phase.Length + 1)..]);
            if (run.Phase == moment.Phase)
                kill ??= KillAsync();
        }

        (int code, string errors) = await child.WaitAsync();
        if (run.Phase != Finished && !Volatile.Read(ref killed))
            throw new InvalidOperationException($"The build ended by itself, with exit code {code}: {errors}");
        return run;

        async Task KillAsync()
        {
            await moment.WaitAsync(child.Ended);
            Volatile.Write(ref killed, true);
            child.Kill();
        }
    }

    /// <summary>Makes the copy what the original is.</summary>
    private void Restore()
    {
        if (Directory.Exists(Copy.Folder))
            Directory.Delete(Copy.Folder, recursive: true);
        foreach (string path in Directory.EnumerateFiles(Original.Folder, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(Copy.Folder, Path.GetRelativePath(Original.Folder, path));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(path, target);
        }
    }
}

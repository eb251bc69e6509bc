using System.Diagnostics;

namespace VectorEngine.Fuzz.Kill;

/// <summary>
/// Kills builds of a second version, each in a copy of a folder that has the first, at times uniform over the build's length: whatever the
/// moment, readers see one of the two versions whole, and the same build started again succeeds and tidies up.
/// </summary>
/// <param name="seed">Decides the moments.</param>
/// <param name="kills">Number of builds.</param>
/// <param name="count">Vectors of each.</param>
/// <param name="dimensions">Of the vectors.</param>
internal sealed class KillRun(int seed, int kills, int count, int dimensions)
{
    private const int First = 1, Second = 2;
    private const string Finished = "finished";

    private static readonly TimeSpan BuildLimit = TimeSpan.FromMinutes(5);

    private readonly string _folder = Directory.CreateTempSubdirectory("vectorengine-kill-").FullName;
    private readonly Dictionary<string, int> _phases = [];
    private readonly List<string> _failures = [];
    private readonly Dictionary<long, string> _answers = [];
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
            TimeSpan length = await PrepareAsync();
            Console.WriteLine($"kill: {kills} builds of {length.TotalSeconds:f2} s, seed {seed}");
            var random = new Random(seed);
            for (int kill = 0; kill < kills; kill++)
                await KillOnceAsync(kill, length * random.NextDouble());
        }
        finally
        {
            Directory.Delete(_folder, recursive: true);
        }

        foreach (string failure in _failures)
            Console.WriteLine(failure);
        IEnumerable<string> names = [.. Enum.GetNames<BuildPhase>(), Finished];
        IEnumerable<string> counts = names.Select(name => $"{name.ToLowerInvariant()} {_phases.GetValueOrDefault(name)}");
        Console.WriteLine($"killed while: {string.Join(", ", counts)}");
        Console.WriteLine($"files that killed builds left: {_left}");
        Console.WriteLine(
            $"kill: {kills} builds, {_failures.Count} failed, seed {seed}, {Stopwatch.GetElapsedTime(start).TotalSeconds:f0} s");
        return _failures.Count == 0 ? 0 : 1;
    }

    /// <summary>Builds the first version, and the second in a copy.</summary>
    /// <returns>How long the second takes, as its parent sees it.</returns>
    private async Task<TimeSpan> PrepareAsync()
    {
        await Original.BuildAsync(Original.Prepare(First), null);
        var lengths = new List<TimeSpan>();
        for (int i = 0; i < 3; i++)
        {
            Restore();
            lengths.Add((await BuildAsync(BuildLimit)).Length);
        }

        foreach (BuildJob job in new[] { Original, Copy })
        {
            (long version, string answers) = await job.VerifyAsync();
            _answers.Add(version, answers);
        }

        if (!_answers.ContainsKey(First) || _answers[First] == _answers[Second])
            throw new InvalidOperationException("The versions cannot be told apart.");
        lengths.Sort();
        return lengths[1];
    }

    private async Task KillOnceAsync(int kill, TimeSpan moment)
    {
        Restore();
        HashSet<string> published = [Copy.SegmentFolder()];
        string phase = (await BuildAsync(moment)).Phase;
        _phases[phase] = _phases.GetValueOrDefault(phase) + 1;
        string where = $"kill {kill}, after {moment.TotalMilliseconds:f0} ms, while {phase}";
        long version = await VerifyAsync($"{where}: after it");
        published.Add(Copy.SegmentFolder());
        _left += Copy.Scratch(published).Count;

        await BuildAsync(BuildLimit);
        if (await VerifyAsync($"{where}: after the same build again") != version + 1)
            _failures.Add($"{where}: the same build again publishes another version than {version + 1}");
        published.Add(Copy.SegmentFolder());
        // Objects of a killed build's segment stay, which no pointer names: what stands under a temporary name may not.
        string[] scratch = [.. Copy.Scratch(published).Where(path => Path.GetFileName(path).StartsWith('~') || path.StartsWith("scratch"))];
        if (scratch.Length > 0)
            _failures.Add($"{where}: the same build again leaves {string.Join(", ", scratch)}");
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

    /// <summary>Builds the second version in the copy, in a process that is killed when its time is over.</summary>
    /// <returns>The phase that it was killed in, or <see cref="Finished"/>, and how long it ran.</returns>
    private async Task<(string Phase, TimeSpan Length)> BuildAsync(TimeSpan limit)
    {
        using var child = new ChildProcess(
        [
            "build", "--folder", Copy.Folder, "--count", $"{count}", "--dimensions", $"{dimensions}", "--version", $"{Second}",
        ]);
        while (await child.ReadLineAsync(BuildLimit) is { } line && line != KillWorker.Start)
        {
        }

        long start = Stopwatch.GetTimestamp();
        await using var timer = new Timer(_ => child.Kill(), null, limit, Timeout.InfiniteTimeSpan);
        string phase = nameof(BuildPhase.Reading);
        while (phase != Finished && await child.ReadLineAsync(BuildLimit) is { } line)
            phase = line == KillWorker.Done ? Finished : line[(KillWorker.Phase.Length + 1)..];
        TimeSpan length = Stopwatch.GetElapsedTime(start);
        (int code, string errors) = await child.WaitAsync();
        if (phase != Finished && length < limit)
            throw new InvalidOperationException($"The build ended by itself, with exit code {code}: {errors}");
        return (phase, length);
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

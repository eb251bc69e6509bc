using System.Diagnostics;
using VectorEngine.Format;
using VectorEngine.Publishing;
using VectorEngine.Storage;
using VectorEngine.Testing;

namespace VectorEngine.Fuzz.Soak;

/// <summary>
/// Searches, publishes, watches and collects at the same time in a store with every fault: no answer may be wrong, no exception other than
/// those that the engine defines, and nothing may grow.
/// </summary>
/// <param name="seed">Decides, as far as threads let it.</param>
/// <param name="length">How long.</param>
/// <param name="intact">Where everything is.</param>
internal sealed class SoakRun(int seed, TimeSpan length, IObjectStore intact)
{
    private const int Readers = 6;

    private readonly SoakFaults[] _faults = [.. Enum.GetValues<SoakRole>().Select(role => new SoakFaults(role, seed + (int)role))];
    private readonly IntactCopies _copies = new();

    /// <summary>Runs and prints a summary.</summary>
    /// <returns>The exit code: 0 if nothing was wrong.</returns>
    public async Task<int> RunAsync()
    {
        long start = Stopwatch.GetTimestamp();
        string folder = Directory.CreateTempSubdirectory("vectorengine-soak-").FullName;
        using var tally = new SoakTally();
        try
        {
            await tally.TakeAsync("refusal", _ => RefuseAsync());
            await SoakVersions.PublishAsync(intact, 1, CancellationToken.None);
            var watch = new ResourceWatch();
            await WorkAsync(folder, watch, tally);
            watch.Judge(tally);
            await tally.TakeAsync("verify in the end", _ => SoakWorks.VerifyAsync(intact, _copies, IsDamaged));
            await tally.TakeAsync("collect in the end", _ => CollectAllAsync());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        tally.Print(Console.Out);
        long right = tally.Total(SoakTally.Right), wrong = tally.Failed;
        IEnumerable<string> faults = _faults.SelectMany(faults => faults.Counts).GroupBy(count => count.Key, count => count.Value)
            .Select(counts => $"{counts.Key} {counts.Sum():n0}");
        Console.WriteLine(
            $"faults: {string.Join(", ", faults)}; {_faults[(int)SoakRole.Writer].Damaged.Count} segments written damaged");
        Console.WriteLine(
            $"soak: {await SoakVersions.NewestAsync(intact)} versions, {right:n0} right, {wrong} failed, seed {seed}, "
            + $"{Stopwatch.GetElapsedTime(start).TotalSeconds:f0} s");
        return wrong == 0 && right > 0 ? 0 : 1;
    }

    private async Task WorkAsync(string folder, ResourceWatch watch, SoakTally tally)
    {
        IObjectStore other = Faulty(SoakRole.Reader), leased = Faulty(SoakRole.LeasedReader), writing = Faulty(SoakRole.Writer);
        await using VectorIndexWatcher watcher = await OpenWatcherAsync(leased, tally);
        using var stop = new CancellationTokenSource(length);
        int number = seed;
        var works = new List<Task>
        {
            watch.RunAsync(stop.Token),
            SoakWorks.PublishAsync(writing, intact, tally, new Random(number++), stop.Token),
            SoakWorks.CollectAsync(writing, tally, new Random(number++), stop.Token),
            SoakWorks.VerifyAsync(intact, _copies, IsDamaged, tally, new Random(number++), stop.Token),
        };
        for (int i = 0; i < Readers; i++)
        {
            var reader = new SoakReader((leased, other), intact, _copies, tally, new Random(number++), Path.Combine(folder, "cache"));
            works.Add(reader.RunAsync(watcher, stop.Token));
        }

        await Task.WhenAll(works);
    }

    private static async Task<VectorIndexWatcher> OpenWatcherAsync(IObjectStore store, SoakTally tally)
    {
        var options = new WatcherOptions
        {
            Interval = TimeSpan.FromMilliseconds(300),
            Open = new OpenOptions { Lease = TimeSpan.FromSeconds(5), MemoryBudget = 1 << 20 },
            WarmUp = async (index, cancellation) =>
                await index.SearchAsync(SoakVersions.Sample(index.Version, 1)[0], 1, null, cancellation),
        };
        VectorIndexWatcher? watcher = null;
        while (watcher is null)
        {
            await tally.TakeAsync("watch", async cancellation =>
            {
                watcher = await VectorIndexWatcher.OpenAsync(store, SoakVersions.Index, options, cancellation);
                return null;
            });
        }

        return watcher;
    }

    private FaultyStore Faulty(SoakRole role) => new(intact, _faults[(int)role].Meet);

    private bool IsDamaged(string segment) => _faults[(int)SoakRole.Writer].Damaged.ContainsKey(segment);

    /// <summary>A store that ignores conditions is refused.</summary>
    private async Task<string?> RefuseAsync()
    {
        var ignoring = new FaultyStore(new MemoryObjectStore(), new FaultOptions { IgnoredCondition = 1, Seed = seed });
        try
        {
            await SoakVersions.PublishAsync(ignoring, 1, CancellationToken.None);
            return "a store that ignores conditions is not refused";
        }
        catch (ConditionalWritesNotSupportedException)
        {
            return null;
        }
    }

    /// <summary>Nothing is left but the newest version.</summary>
    private async Task<string?> CollectAllAsync()
    {
        await foreach (ObjectInfo lease in intact.ListAsync(IndexKeys.Leases(SoakVersions.Index)))
            await intact.DeleteAsync(lease.Key);
        await VectorIndexVersions.CollectAsync(
            intact, SoakVersions.Index, new GarbageOptions { KeepVersions = 1, GracePeriod = TimeSpan.Zero });
        Manifest newest = (await Pointer.TryReadAsync(new RetryingStore(intact), SoakVersions.Index, CancellationToken.None))!.Newest;
        string[] needed =
        [
            IndexKeys.Pointer(SoakVersions.Index), IndexKeys.Version(SoakVersions.Index, newest.Id),
            .. newest.Segments.Select(segment => IndexKeys.Segment(SoakVersions.Index, segment.Id).Prefix),
        ];
        await foreach (ObjectInfo found in intact.ListAsync(SoakVersions.Index))
        {
            if (!needed.Any(start => found.Key.StartsWith(start, StringComparison.Ordinal)))
                return $"'{found.Key}' is left";
        }

        return null;
    }
}

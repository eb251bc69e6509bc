using VectorEngine.Storage;

namespace VectorEngine.Fuzz.Soak;

/// <summary>Opens versions in every way, over and over, and uses them.</summary>
/// <param name="stores">Where they are: as seen with a lease, and without.</param>
/// <param name="intact">Where they are, without faults.</param>
/// <param name="copies">What they should answer.</param>
/// <param name="tally">Counts.</param>
/// <param name="random">Decides.</param>
/// <param name="cacheFolder">A disk cache for some of the time.</param>
internal sealed class SoakReader(
    (IObjectStore Leased, IObjectStore Other) stores, IObjectStore intact, IntactCopies copies, SoakTally tally, Random random,
    string cacheFolder)
{
    private const int MostUses = 12;

    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(5);

    private readonly List<string> _tokens = [];

    /// <summary>Reads until it is stopped.</summary>
    /// <param name="watcher">Has the newest version for some of the time; null for none.</param>
    /// <param name="stop">Stops.</param>
    public async Task RunAsync(VectorIndexWatcher? watcher, CancellationToken stop)
    {
        await Task.Yield();
        while (!stop.IsCancellationRequested)
        {
            if (watcher is not null && random.Next(3) == 0)
            {
                if (watcher.LastError is { } error and not VectorEngineException)
                    tally.Fail($"watcher: {error}");
                using RentedIndex rented = watcher.Rent();
                await UseAsync(rented.Index, isLeased: true);
            }
            else
            {
                await OpenAndUseAsync();
            }
        }
    }

    private async Task OpenAndUseAsync()
    {
        VectorIndex? opened = null;
        OpenOptions options = await OptionsAsync();
        IObjectStore store = options.Lease is null ? stores.Other : stores.Leased;
        await tally.TakeAsync("open", async cancellation =>
        {
            opened = await VectorIndex.OpenAsync(store, SoakVersions.Index, options, cancellation);
            return options.Version is { } version && opened.Version != version ? $"version {opened.Version} instead of {version}" : null;
        }, Limit());
        if (opened is null)
            return;
        if (_tokens.Count == 10)
            _tokens.RemoveAt(0);
        _tokens.Add(opened.Token);
        await UseAsync(opened, options.Lease is not null);
        if (random.Next(2) == 0)
            await opened.DisposeAsync();
        else
            opened.Dispose();
    }

    private async Task UseAsync(VectorIndex index, bool isLeased)
    {
        VectorIndex copy = await copies.GetAsync(index.Version);
        int uses = 1 + random.Next(MostUses);
        for (int i = 0; i < uses; i++)
        {
            (string what, Func<CancellationToken, Task<string?>> use) = new SoakUses(index, copy, random).Next();
            if (await tally.TakeAsync(what, use, Limit()) is ObjectNotFoundException missing
                && isLeased && !await ExistsAsync(missing.ObjectKey))
                tally.Fail($"{what}: '{missing.ObjectKey}' was deleted under a lease");
        }
    }

    private async Task<bool> ExistsAsync(string key)
    {
        await foreach (ObjectInfo found in intact.ListAsync(key))
            return found.Key == key;
        return false;
    }

    private async Task<OpenOptions> OptionsAsync()
    {
        var options = new OpenOptions
        {
            MemoryBudget = random.Next(4) switch { 0 => 0, 1 => 20_000, 2 => 300_000, _ => 64 << 20 },
            CacheFolder = random.Next(3) == 0 ? cacheFolder : null,
            CacheLimit = 2 << 20,
            Lease = random.Next(2) == 0 ? Lease : null,
        };
        return random.Next(4) switch
        {
            0 => options with { Version = Math.Max(1, await SoakVersions.NewestAsync(intact) - random.Next(4)) },
            1 when _tokens.Count > 0 => options with { Token = _tokens[random.Next(_tokens.Count)] },
            _ => options,
        };
    }

    /// <summary>Some uses are cancelled, most of them soon.</summary>
    private TimeSpan? Limit() => random.Next(12) == 0 ? TimeSpan.FromMilliseconds(50 * Math.Pow(random.NextDouble(), 3)) : null;
}

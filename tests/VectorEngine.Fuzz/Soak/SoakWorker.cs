using VectorEngine.Storage;

namespace VectorEngine.Fuzz.Soak;

/// <summary>A process that is killed: does one thing for ever, unless something is wrong.</summary>
internal static class SoakWorker
{
    public const string Started = "started", Builder = "builder", Collector = "collector", Searcher = "searcher";

    /// <summary>Where the store of a folder is.</summary>
    public static string StoreFolder(string folder) => Path.Combine(folder, "store");

    /// <summary>Works in a folder until something is wrong.</summary>
    public static async Task<int> RunAsync(string folder, string role, int seed)
    {
        using var store = new FileObjectStore(StoreFolder(folder));
        using var tally = new SoakTally();
        using var stop = new CancellationTokenSource();
        var random = new Random(seed);
        Console.WriteLine(Started);
        Task work = role switch
        {
            Builder => SoakWorks.PublishAsync(store, store, tally, random, stop.Token),
            Collector => SoakWorks.CollectAsync(store, tally, random, stop.Token),
            _ => new SoakReader((store, store), store, new IntactCopies(), tally, random, Path.Combine(folder, "cache"))
                .RunAsync(null, stop.Token),
        };
        while (tally.Failed == 0 && !work.IsCompleted)
            await Task.WhenAny(work, Task.Delay(100));
        tally.Print(Console.Error);
        await stop.CancelAsync();
        await work;
        return 1;
    }
}

using VectorEngine.Format;
using VectorEngine.Publishing;
using VectorEngine.Storage;

namespace VectorEngine.Fuzz.Soak;

/// <summary>What goes on beside the searches.</summary>
internal static class SoakWorks
{
    /// <summary>Nothing younger is collected: longer than a build may take.</summary>
    private static readonly TimeSpan GracePeriod = TimeSpan.FromSeconds(15), BuildLimit = TimeSpan.FromSeconds(10);

    /// <summary>Publishes version after version.</summary>
    /// <param name="store">Where to.</param>
    /// <param name="intact">The same store, without faults.</param>
    /// <param name="tally">Counts.</param>
    /// <param name="random">Decides how fast.</param>
    /// <param name="stop">Stops.</param>
    public static async Task PublishAsync(IObjectStore store, IObjectStore intact, SoakTally tally, Random random, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            // What a failed attempt has published is known only afterwards.
            long next = await SoakVersions.NewestAsync(intact) + 1;
            TimeSpan limit = random.Next(10) == 0 ? TimeSpan.FromMilliseconds(random.Next(500)) : BuildLimit;
            await tally.TakeAsync("publish", async cancellation =>
            {
                await SoakVersions.PublishAsync(store, next, cancellation);
                return await SoakVersions.NewestAsync(intact) == next ? null : $"version {next} is not the newest";
            }, limit);
            await PauseAsync(random.Next(1500), stop);
        }
    }

    /// <summary>Collects garbage.</summary>
    public static async Task CollectAsync(IObjectStore store, SoakTally tally, Random random, CancellationToken stop)
    {
        var options = new GarbageOptions { KeepVersions = 3, GracePeriod = GracePeriod };
        while (!stop.IsCancellationRequested)
        {
            await tally.TakeAsync("collect", async cancellation =>
            {
                await VectorIndexVersions.CollectAsync(store, SoakVersions.Index, options, cancellation);
                return null;
            }, random.Next(10) == 0 ? TimeSpan.FromMilliseconds(random.Next(100)) : null);
            await PauseAsync(random.Next(1000), stop);
        }
    }

    /// <summary>Verifies the newest version again and again.</summary>
    public static async Task VerifyAsync(
        IObjectStore intact, IntactCopies copies, Func<string, bool> isDamaged, SoakTally tally, Random random, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await tally.TakeAsync("verify", _ => VerifyAsync(intact, copies, isDamaged));
            await PauseAsync(1000 + random.Next(2000), stop);
        }
    }

    /// <summary>Opens the newest version and looks at all of it.</summary>
    /// <param name="store">Where it is.</param>
    /// <param name="copies">What it should answer.</param>
    /// <param name="isDamaged">Tells by the start of its keys whether a segment was written damaged.</param>
    /// <returns>What is wrong; null if nothing is.</returns>
    public static async Task<string?> VerifyAsync(IObjectStore store, IntactCopies copies, Func<string, bool> isDamaged)
    {
        Pointer pointer = (await Pointer.TryReadAsync(new RetryingStore(store), SoakVersions.Index, CancellationToken.None))!;
        if (pointer.Newest.Segments.Any(segment => isDamaged(IndexKeys.Segment(SoakVersions.Index, segment.Id).Prefix)))
            return null;
        var options = new OpenOptions { Token = pointer.Newest.ToToken(), Lease = GracePeriod };
        await using VectorIndex index = await VectorIndex.OpenAsync(store, SoakVersions.Index, options);
        VerificationReport report = await index.VerifyAsync();
        if (!report.IsIntact)
            return $"version {index.Version} is damaged: {report.Damages[0].Message}";
        VectorIndex copy = await copies.GetAsync(index.Version);
        VectorMatrix queries = SoakVersions.Sample(index.Version, 3);
        for (int i = 0; i < queries.Count; i++)
        {
            if (SoakUses.Compare(await index.SearchAsync(queries[i], 10), copy.Search(queries[i], 10)) is { } wrong)
                return wrong;
        }

        return null;
    }

    private static Task PauseAsync(int milliseconds, CancellationToken stop) =>
        ContinueAsync(Task.Delay(milliseconds, stop));

    private static async Task ContinueAsync(Task task) => await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}

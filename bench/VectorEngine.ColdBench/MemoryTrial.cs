using System.Globalization;
using System.Text.Json;

namespace VectorEngine.ColdBench;

/// <summary>Opens the index, answers all queries once, and tells how much memory that has taken.</summary>
internal sealed record MemoryTrial : Trial
{
    public required long? MemoryBudget { get; init; }

    public new async Task<MemoryAnswer> RunAsync(CancellationToken cancellationToken) =>
        JsonSerializer.Deserialize(await base.RunAsync(cancellationToken), BenchJson.Default.MemoryAnswer)!;

    protected override async Task<string> MeasureAsync()
    {
        var store = await Store.OpenFarAsync();
        GC.Collect();   // what the queries were read from
        MemoryUse before = MemoryUse.Now();
        using VectorIndex index = await VectorIndex.OpenAsync(
            store, BuildCommand.IndexName, new OpenOptions { MemoryBudget = MemoryBudget });
        MemoryUse opened = MemoryUse.Now();
        foreach (float[] query in Queries)
            await index.SearchAsync(query, K, new SearchOptions { ProbeCount = Probes });
        return JsonSerializer.Serialize(
            new MemoryAnswer(before, opened, MemoryUse.Now(), index.ResidentBytes, index.Size.RootBytes, index.Size.SignBytes),
            BenchJson.Default.MemoryAnswer);
    }
}

/// <summary>Memory of a session.</summary>
/// <param name="Before">Before the index was opened.</param>
/// <param name="Opened">After.</param>
/// <param name="After">After all queries.</param>
/// <param name="IndexResident">Bytes that the index keeps besides its root.</param>
/// <param name="RootBytes">Length of the root.</param>
/// <param name="SignBytes">Length of the 1-bit layer.</param>
internal sealed record MemoryAnswer(
    MemoryUse Before, MemoryUse Opened, MemoryUse After, long IndexResident, long RootBytes, long SignBytes);

/// <summary>Memory of this process in bytes.</summary>
/// <param name="Resident">Resident.</param>
/// <param name="Peak">The most that was resident.</param>
/// <param name="Heap">Of the managed heap, with what is garbage by now.</param>
internal readonly record struct MemoryUse(long Resident, long Peak, long Heap)
{
    /// <summary>As Linux tells it.</summary>
    public static MemoryUse Now()
    {
        string[] lines = File.ReadAllLines("/proc/self/status");
        return new(Kilobytes("VmRSS:") << 10, Kilobytes("VmHWM:") << 10, GC.GetTotalMemory(forceFullCollection: false));

        long Kilobytes(string name)
        {
            string line = lines.First(line => line.StartsWith(name, StringComparison.Ordinal));
            return long.Parse(line[name.Length..].Replace("kB", ""), CultureInfo.InvariantCulture);
        }
    }
}

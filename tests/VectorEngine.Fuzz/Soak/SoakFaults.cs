using System.Collections.Concurrent;
using VectorEngine.Format;
using VectorEngine.Testing;

namespace VectorEngine.Fuzz.Soak;

/// <summary>Who meets the faults.</summary>
internal enum SoakRole
{
    /// <summary>Searches without a lease: meets all faults of reading.</summary>
    Reader,

    /// <summary>Searches with a lease, which is no protection if the pointer is read as it was long ago.</summary>
    LeasedReader,

    /// <summary>
    /// Builds or collects, which rely on the pointer being read as it is, and meets faults of writing, too. What it writes to segments may
    /// be kept damaged.
    /// </summary>
    Writer,
}

/// <summary>Which fault meets which request, by chance.</summary>
internal sealed class SoakFaults(SoakRole role, int seed)
{
    private static readonly string LeasePrefix = IndexKeys.Leases(SoakVersions.Index);
    private static readonly string SegmentPrefix = IndexKeys.Segments(SoakVersions.Index);

    private static readonly (string Name, Fault Fault, double Chance)[] All =
    [
        ("throttled", Fault.Throttling, 0.015),
        ("reset", Fault.Reset, 0.015),
        ("truncated", Fault.Truncation, 0.005),
        ("bit flipped", Fault.BitFlip, 0.005),
        ("stale", Fault.StaleRead, 0.05),
        ("vanished", Fault.Vanishing, 0.001),
        ("answer lost", Fault.LostResponse, 0.02),
        ("delayed", Fault.Delay(TimeSpan.FromMilliseconds(15)), 0.05),
        ("straggling", Fault.Delay(TimeSpan.FromSeconds(1)), 0.004),
    ];

    /// <summary>A build makes many requests and succeeds only if all do.</summary>
    private readonly double _share = role == SoakRole.Writer ? 0.2 : 1;

    private readonly Random _random = new(seed);

    /// <summary>How often each fault was drawn.</summary>
    public ConcurrentDictionary<string, long> Counts { get; } = new();

    /// <summary>The segments that were written damaged, by the start of their keys.</summary>
    public ConcurrentDictionary<string, bool> Damaged { get; } = new();

    /// <summary>The rule.</summary>
    public Fault? Meet(StoreRequest request)
    {
        // Leases hold only as long as their renewals arrive.
        if (request.Key.StartsWith(LeasePrefix, StringComparison.Ordinal) || Draw() is not var (name, fault) || !CanBefall(name, request))
            return null;
        if (name == "bit flipped" && request.Writes)
            Damaged[request.Key[..request.Key.LastIndexOf('/')]] = true;
        Counts.AddOrUpdate(name, 1, (_, count) => count + 1);
        return fault;
    }

    private (string Name, Fault Fault)? Draw()
    {
        double chance;
        lock (_random)
            chance = _random.NextDouble();
        foreach ((string name, Fault fault, double own) in All)
        {
            chance -= own * _share;
            if (chance < 0)
                return (name, fault);
        }

        return null;
    }

    private bool CanBefall(string name, in StoreRequest request)
    {
        bool readsWhole = request.Operation is StoreOperation.ReadWhole;
        bool reads = readsWhole || request.Operation is StoreOperation.ReadRange;
        bool keeps = request.Operation is StoreOperation.Write or StoreOperation.Append;
        return name switch
        {
            "truncated" => reads,
            "bit flipped" => reads || (keeps && request.Key.StartsWith(SegmentPrefix, StringComparison.Ordinal)),
            "stale" => role == SoakRole.Reader && readsWhole,
            "vanished" => role != SoakRole.Writer && reads,
            "answer lost" => request.Operation is StoreOperation.Write or StoreOperation.Commit or StoreOperation.Delete,
            _ => true,
        };
    }
}

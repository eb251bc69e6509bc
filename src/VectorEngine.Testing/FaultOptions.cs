namespace VectorEngine.Testing;

/// <summary>
/// How often which <see cref="Fault"/> befalls a request, by chance: each a probability, 0 to 1, that concerns the requests that the fault
/// can befall. A request meets at most one, so together they are at most 1.
/// </summary>
public sealed record FaultOptions
{
    /// <summary>The probability of <see cref="Fault.Throttling"/>.</summary>
    public double Throttling { get; init; }

    /// <summary>The probability of <see cref="Fault.Reset"/>.</summary>
    public double Reset { get; init; }

    /// <summary>The probability of <see cref="Fault.Truncation"/>.</summary>
    public double Truncation { get; init; }

    /// <summary>The probability of <see cref="Fault.BitFlip"/>.</summary>
    public double BitFlip { get; init; }

    /// <summary>The probability of <see cref="Fault.StaleRead"/>.</summary>
    public double StaleRead { get; init; }

    /// <summary>The probability of <see cref="Fault.IgnoredCondition"/>.</summary>
    public double IgnoredCondition { get; init; }

    /// <summary>The probability of <see cref="Fault.Vanishing"/>.</summary>
    public double Vanishing { get; init; }

    /// <summary>The probability of <see cref="Fault.LostResponse"/>.</summary>
    public double LostResponse { get; init; }

    /// <summary>The probability of <see cref="Fault.Delay"/>.</summary>
    public double Delay { get; init; }

    /// <summary>How long a delay is, zero or more.</summary>
    public TimeSpan DelayTime { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Decides all chances: requests made one after the other meet the same faults again.</summary>
    public int Seed { get; init; }

    /// <summary>The rule that draws faults with these probabilities.</summary>
    internal Func<StoreRequest, Fault?> ToRule()
    {
        (Fault Fault, double Probability)[] faults =
        [
            (Fault.Throttling, Throttling), (Fault.Reset, Reset), (Fault.Truncation, Truncation), (Fault.BitFlip, BitFlip),
            (Fault.StaleRead, StaleRead), (Fault.IgnoredCondition, IgnoredCondition), (Fault.Vanishing, Vanishing),
            (Fault.LostResponse, LostResponse), (Fault.Delay(DelayTime), Delay),
        ];
        if (!faults.All(f => f.Probability is >= 0 and <= 1) || faults.Sum(f => f.Probability) > 1)
            throw new ArgumentException("Probabilities are 0 to 1, and together at most 1.");

        var random = new Random(Seed);
        return request =>
        {
            double chance;
            lock (random)
                chance = random.NextDouble();
            foreach ((Fault fault, double probability) in faults)
            {
                chance -= probability;
                if (chance < 0)
                    return fault;
            }
            return null;
        };
    }
}

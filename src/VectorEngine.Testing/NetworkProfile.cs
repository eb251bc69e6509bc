namespace VectorEngine.Testing;

/// <summary>What a network and the store behind it can do; the defaults are those of an object store in the same region.</summary>
public sealed record NetworkProfile
{
    /// <summary>The time from the start of a request to the first byte of its answer, zero or more.</summary>
    public TimeSpan RoundTrip { get; init; } = TimeSpan.FromMilliseconds(30);

    /// <summary>Bytes per second that one request moves at most; positive, <see cref="double.PositiveInfinity"/> for no limit.</summary>
    public double ConnectionBytesPerSecond { get; init; } = 90e6;

    /// <summary>Bytes per second that all requests together move at most, in both directions; positive or infinite. 1 Gbit/s.</summary>
    public double BytesPerSecond { get; init; } = 125e6;

    /// <summary>Requests that are served at once, at least 1; others wait their turn.</summary>
    public int MaxConnections { get; init; } = 256;

    /// <summary>The share of the requests that are stragglers, 0 to 1.</summary>
    public double StragglerShare { get; init; }

    /// <summary>How many times longer a straggler takes than it would otherwise, at least 1.</summary>
    public double StragglerFactor { get; init; } = 10;

    /// <summary>Decides which requests are stragglers: requests made one after the other meet the same fate again.</summary>
    public int Seed { get; init; }

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(RoundTrip, TimeSpan.Zero);
        ThrowUnless(ConnectionBytesPerSecond > 0, nameof(ConnectionBytesPerSecond));
        ThrowUnless(BytesPerSecond > 0, nameof(BytesPerSecond));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxConnections, 1);
        ThrowUnless(StragglerShare is >= 0 and <= 1, nameof(StragglerShare));
        ThrowUnless(StragglerFactor is >= 1 and < double.PositiveInfinity, nameof(StragglerFactor));
    }

    private static void ThrowUnless(bool inRange, string property)
    {
        if (!inRange)
            throw new ArgumentOutOfRangeException(property);
    }
}

using VectorEngine.Storage;

namespace VectorEngine.Testing;

/// <summary>What goes wrong with a request to a <see cref="FaultyStore"/>. One that cannot befall a request leaves it alone.</summary>
public sealed class Fault
{
    private Fault(FaultKind kind, TimeSpan time = default, Func<Exception>? exception = null) =>
        (Kind, Time, Exception) = (kind, time, exception);

    /// <summary>Any request: is refused as by a store that is asked too often, with a transient <see cref="StoreException"/>.</summary>
    public static Fault Throttling { get; } = new(FaultKind.Throttling);

    /// <summary>
    /// Any request: the connection breaks, with a transient <see cref="StoreException"/>. Of a range the first half has been read by
    /// then, of a listing one object been told; writes and deletions have not happened.
    /// </summary>
    public static Fault Reset { get; } = new(FaultKind.Reset);

    /// <summary>
    /// Reads: half of the bytes come. That of a range is noticed by the store (<see cref="CorruptDataException"/>); a whole object
    /// looks complete.
    /// </summary>
    public static Fault Truncation { get; } = new(FaultKind.Truncation);

    /// <summary>
    /// Reads, writes of whole objects and appended pieces: one bit of the middle byte of what is read or kept is changed, silently.
    /// </summary>
    public static Fault BitFlip { get; } = new(FaultKind.BitFlip);

    /// <summary>
    /// Reads of whole objects, and listings: the answer is the one before the newest change that this store has seen, by an earlier read,
    /// a listing with the same prefix, or a write of the whole object; without any it is the current one. An object that is read only
    /// if it has changed seems unchanged.
    /// </summary>
    public static Fault StaleRead { get; } = new(FaultKind.StaleRead);

    /// <summary>Writes with a <see cref="WriteCondition"/>: happen whether it holds or not.</summary>
    public static Fault IgnoredCondition { get; } = new(FaultKind.IgnoredCondition);

    /// <summary>Reads: the object is not there, though it is; listings: none is.</summary>
    public static Fault Vanishing { get; } = new(FaultKind.Vanishing);

    /// <summary>
    /// Writes of whole objects, commits and deletions: happen, but the caller gets a transient <see cref="StoreException"/>.
    /// </summary>
    public static Fault LostResponse { get; } = new(FaultKind.LostResponse);

    /// <summary>Any request: is served after a while.</summary>
    /// <param name="time">How long it waits before.</param>
    public static Fault Delay(TimeSpan time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero);
        return new(FaultKind.Delay, time);
    }

    /// <summary>Any request: is refused with an exception; nothing has happened.</summary>
    /// <param name="exception">Makes the exception.</param>
    public static Fault Failure(Func<Exception> exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return new(FaultKind.Failure, exception: exception);
    }

    /// <summary>As <see cref="LostResponse"/>, with another exception.</summary>
    /// <param name="exception">Makes the exception.</param>
    public static Fault FailureAfterwards(Func<Exception> exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return new(FaultKind.LostResponse, exception: exception);
    }

    internal FaultKind Kind { get; }

    internal TimeSpan Time { get; }

    internal Func<Exception>? Exception { get; }

    /// <summary>Whether it means something to an operation.</summary>
    internal bool CanBefall(StoreOperation operation) => Kind switch
    {
        FaultKind.Truncation => operation is StoreOperation.ReadWhole or StoreOperation.ReadRange,
        FaultKind.Vanishing => operation is StoreOperation.ReadWhole or StoreOperation.ReadRange or StoreOperation.List,
        FaultKind.StaleRead => operation is StoreOperation.ReadWhole or StoreOperation.List,
        FaultKind.BitFlip =>
            operation is StoreOperation.ReadWhole or StoreOperation.ReadRange or StoreOperation.Write or StoreOperation.Append,
        FaultKind.IgnoredCondition => operation is StoreOperation.Write,
        FaultKind.LostResponse => operation is StoreOperation.Write or StoreOperation.Commit or StoreOperation.Delete,
        _ => true,
    };
}

/// <summary>The faults by name.</summary>
internal enum FaultKind
{
    Throttling, Reset, Truncation, BitFlip, StaleRead, IgnoredCondition, Vanishing, LostResponse, Delay, Failure,
}

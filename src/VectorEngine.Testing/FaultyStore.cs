using System.Runtime.CompilerServices;
using VectorEngine.Storage;

namespace VectorEngine.Testing;

/// <summary>Answers requests wrongly, by chance or by a rule; the right answers are another store's. Safe for concurrent use.</summary>
/// <remarks>
/// By chance, requests made one after the other meet the same faults for the same seed; those made at once do in any order. The store keeps
/// in memory what whole reads, writes and listings have shown, two answers of each, for <see cref="Fault.StaleRead"/>.
/// </remarks>
public sealed class FaultyStore : IObjectStore
{
    private readonly IObjectStore _inner;
    private readonly Func<StoreRequest, Fault?> _rule;
    private readonly AnswerHistory<ObjectContent?> _contents = new((x, y) => x?.ETag == y?.ETag);
    private readonly AnswerHistory<List<ObjectInfo>> _listings = new((x, y) => x.SequenceEqual(y));
    private long _requests;
    private long _faults;

    /// <summary>Lets faults happen by chance.</summary>
    /// <param name="inner">The store that has the objects.</param>
    /// <param name="options">How often which fault happens.</param>
    /// <exception cref="ArgumentException">A probability is out of its range, or all together exceed 1.</exception>
    public FaultyStore(IObjectStore inner, FaultOptions options)
        : this(inner, (options ?? throw new ArgumentNullException(nameof(options))).ToRule()) { }

    /// <summary>Lets faults happen by a rule.</summary>
    /// <param name="inner">The store that has the objects.</param>
    /// <param name="rule">
    /// Says what happens to a request, null if nothing does; is asked for each, before it happens, from any thread.
    /// </param>
    public FaultyStore(IObjectStore inner, Func<StoreRequest, Fault?> rule)
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentNullException.ThrowIfNull(rule);
        (_inner, _rule) = (inner, rule);
    }

    /// <summary>How many requests there were.</summary>
    public long Requests => Volatile.Read(ref _requests);

    /// <summary>How many of them met a fault.</summary>
    public long Faults => Volatile.Read(ref _faults);

    /// <inheritdoc/>
    public async ValueTask<ObjectContent?> TryReadAsync(string key, CancellationToken cancellationToken = default)
    {
        Fault? fault = await MeetAsync(StoreOperation.ReadWhole, key, 0, 0, cancellationToken).ConfigureAwait(false);
        ObjectContent? content = await _inner.TryReadAsync(key, cancellationToken).ConfigureAwait(false);
        ObjectContent? older = _contents.Record(key, content);
        return fault?.Kind == FaultKind.StaleRead ? older : Spoil(key, content, fault);
    }

    /// <inheritdoc/>
    public async ValueTask<ObjectContent?> ReadIfChangedAsync(
        string key, string knownETag, CancellationToken cancellationToken = default)
    {
        Fault? fault = await MeetAsync(StoreOperation.ReadWhole, key, 0, 0, cancellationToken).ConfigureAwait(false);
        ObjectContent? changed = await _inner.ReadIfChangedAsync(key, knownETag, cancellationToken).ConfigureAwait(false);
        ThrowIfReset(key, fault);
        if (fault?.Kind == FaultKind.Vanishing)
            throw new ObjectNotFoundException(key);
        if (changed is null || fault?.Kind == FaultKind.StaleRead)
            return null;
        _contents.Record(key, changed);
        return Spoil(key, changed, fault);
    }

    /// <inheritdoc/>
    public async ValueTask ReadAsync(string key, long offset, Memory<byte> destination, CancellationToken cancellationToken = default)
    {
        int length = destination.Length;
        Fault? fault = await MeetAsync(StoreOperation.ReadRange, key, offset, length, cancellationToken).ConfigureAwait(false);
        if (fault?.Kind == FaultKind.Vanishing)
            throw new ObjectNotFoundException(key);
        bool cutOff = fault?.Kind is FaultKind.Reset or FaultKind.Truncation;
        Memory<byte> read = cutOff ? destination[..(length / 2)] : destination;
        await _inner.ReadAsync(key, offset, read, cancellationToken).ConfigureAwait(false);
        if (fault?.Kind == FaultKind.Reset)
            throw BrokenConnection(key, offset, length);
        if (fault?.Kind == FaultKind.Truncation)
            throw new CorruptDataException(key, offset, length, $"the object has only {offset + read.Length} bytes");
        if (fault?.Kind == FaultKind.BitFlip)
            Flipped(destination.Span).CopyTo(destination.Span);
    }

    /// <inheritdoc/>
    public async ValueTask<string> WriteAsync(
        string key, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken = default)
    {
        Fault? fault = await MeetAsync(StoreOperation.Write, key, 0, content.Length, cancellationToken).ConfigureAwait(false);
        ThrowIfReset(key, fault);
        byte[] kept = fault?.Kind == FaultKind.BitFlip ? Flipped(content.Span) : content.ToArray();
        if (fault?.Kind == FaultKind.IgnoredCondition)
            condition = WriteCondition.None;
        string tag = await _inner.WriteAsync(key, kept, condition, cancellationToken).ConfigureAwait(false);
        _contents.Record(key, new ObjectContent(kept, tag));
        ThrowIfLost(key, fault);
        return tag;
    }

    /// <inheritdoc/>
    public async ValueTask<ObjectWriter> CreateAsync(string key, CancellationToken cancellationToken = default)
    {
        Fault? fault = await MeetAsync(StoreOperation.Create, key, 0, 0, cancellationToken).ConfigureAwait(false);
        ThrowIfReset(key, fault);
        return new FaultyWriter(this, key, await _inner.CreateAsync(key, cancellationToken).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Fault? fault = await MeetAsync(StoreOperation.List, prefix, 0, 0, cancellationToken).ConfigureAwait(false);
        List<ObjectInfo> found = await _inner.ListAsync(prefix, cancellationToken).ToListAsync(cancellationToken).ConfigureAwait(false);
        List<ObjectInfo> older = _listings.Record(prefix, found);
        List<ObjectInfo> told = fault?.Kind switch
        {
            FaultKind.StaleRead => older,
            FaultKind.Vanishing => [],
            FaultKind.Reset => [.. found.Take(1)],
            _ => found,
        };
        foreach (ObjectInfo info in told)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return info;
        }
        ThrowIfReset(prefix, fault);
    }

    /// <inheritdoc/>
    public async ValueTask DeleteAsync(string key, CancellationToken cancellationToken = default)
    {
        Fault? fault = await MeetAsync(StoreOperation.Delete, key, 0, 0, cancellationToken).ConfigureAwait(false);
        ThrowIfReset(key, fault);
        await _inner.DeleteAsync(key, cancellationToken).ConfigureAwait(false);
        ThrowIfLost(key, fault);
    }

    /// <summary>Asks the rule, lets happen what befalls any request, and returns what is left to do.</summary>
    internal async ValueTask<Fault?> MeetAsync(
        StoreOperation operation, string key, long offset, long length, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Fault? fault = _rule(new StoreRequest(Interlocked.Increment(ref _requests), operation, key, offset, length));
        if (fault is null || !fault.CanBefall(operation))
            return null;
        Interlocked.Increment(ref _faults);
        switch (fault.Kind)
        {
            case FaultKind.Throttling:
                throw new StoreException(key, offset, length, "503, slow down: the store refuses so many requests", isTransient: true);
            case FaultKind.Failure:
                throw fault.Exception!();
            case FaultKind.Delay:
                await Task.Delay(fault.Time, cancellationToken).ConfigureAwait(false);
                return null;
            default:
                return fault;
        }
    }

    internal static void ThrowIfReset(string key, Fault? fault)
    {
        if (fault?.Kind == FaultKind.Reset)
            throw BrokenConnection(key, 0, 0);
    }

    internal static void ThrowIfLost(string key, Fault? fault)
    {
        if (fault?.Kind == FaultKind.LostResponse)
            throw fault.Exception?.Invoke() ?? new StoreException(key, 0, 0, "the response got lost", isTransient: true);
    }

    /// <summary>A copy whose middle byte has one bit changed.</summary>
    internal static byte[] Flipped(ReadOnlySpan<byte> bytes)
    {
        byte[] flipped = bytes.ToArray();
        if (flipped.Length > 0)
            flipped[flipped.Length / 2] ^= 0x10;
        return flipped;
    }

    private static ObjectContent? Spoil(string key, ObjectContent? content, Fault? fault)
    {
        ThrowIfReset(key, fault);
        return content is null ? null : fault?.Kind switch
        {
            FaultKind.Vanishing => null,
            FaultKind.Truncation => content with { Content = content.Content[..(content.Content.Length / 2)] },
            FaultKind.BitFlip => content with { Content = Flipped(content.Content.Span) },
            _ => content,
        };
    }

    private static StoreException BrokenConnection(string key, long offset, long length) =>
        new(key, offset, length, "the connection was reset", isTransient: true);
}

using System.Collections.Concurrent;
using VectorEngine.Storage;
using VectorEngine.Testing;

namespace VectorEngine.Tests.Index;

/// <summary>Passes everything on to another store: the base of stores that misbehave.</summary>
internal abstract class PassingStore(IObjectStore inner) : IObjectStore
{
    protected IObjectStore Inner { get; } = inner;

    public virtual ValueTask<ObjectContent?> TryReadAsync(string key, CancellationToken cancellationToken = default) =>
        Inner.TryReadAsync(key, cancellationToken);

    public virtual ValueTask ReadAsync(string key, long offset, Memory<byte> destination, CancellationToken cancellationToken = default) =>
        Inner.ReadAsync(key, offset, destination, cancellationToken);

    public virtual ValueTask<string> WriteAsync(
        string key, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken = default) =>
        Inner.WriteAsync(key, content, condition, cancellationToken);

    public virtual ValueTask<ObjectWriter> CreateAsync(string key, CancellationToken cancellationToken = default) =>
        Inner.CreateAsync(key, cancellationToken);

    public virtual IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken = default) =>
        Inner.ListAsync(prefix, cancellationToken);

    public virtual ValueTask DeleteAsync(string key, CancellationToken cancellationToken = default) =>
        Inner.DeleteAsync(key, cancellationToken);
}

/// <summary>Completes every read later, on another thread, as a store behind a network does.</summary>
internal sealed class YieldingStore(IObjectStore inner) : PassingStore(inner)
{
    public override async ValueTask ReadAsync(
        string key, long offset, Memory<byte> destination, CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        await Inner.ReadAsync(key, offset, destination, cancellationToken);
    }
}

/// <summary>Reads in rounds: what is asked for within a while is answered together, after it.</summary>
internal sealed class RoundStore(IObjectStore inner) : PassingStore(inner)
{
    private static readonly TimeSpan Round = TimeSpan.FromMilliseconds(100);

    private readonly Lock _changing = new();
    private Task _round = Task.CompletedTask;

    /// <summary>Rounds of ranged reads so far.</summary>
    public int Rounds { get; private set; }

    /// <summary>Ranged reads so far.</summary>
    public int Requests { get; private set; }

    public override async ValueTask ReadAsync(
        string key, long offset, Memory<byte> destination, CancellationToken cancellationToken = default)
    {
        Task round;
        lock (_changing)
        {
            Requests++;
            if (_round.IsCompleted)
            {
                Rounds++;
                _round = Task.Delay(Round, CancellationToken.None);
            }

            round = _round;
        }

        await round;
        await Inner.ReadAsync(key, offset, destination, cancellationToken);
    }
}

/// <summary>Counts the requests that write, and fails the n-th and all after it.</summary>
internal sealed class FailingWrites(int failAt, Fault fault)
{
    /// <summary>Requests that write so far.</summary>
    public int Count { get; private set; }

    /// <summary>A store that does so.</summary>
    public static FaultyStore Store(IObjectStore inner, int failAt, Fault fault) => new(inner, new FailingWrites(failAt, fault).Meet);

    public Fault? Meet(StoreRequest request) => request.Writes && ++Count >= failAt ? fault : null;
}

/// <summary>Fails the first attempts of each different request.</summary>
internal sealed class FirstAttempts(int failures, Func<StoreRequest, Fault> fault)
{
    private readonly ConcurrentDictionary<(StoreOperation, string, long), int> _attempts = [];

    /// <summary>A store that does so.</summary>
    public static FaultyStore Fail(IObjectStore inner, int failures, Fault fault) => new(inner, new FirstAttempts(failures, _ => fault).Meet);

    public Fault? Meet(StoreRequest request) =>
        _attempts.AddOrUpdate((request.Operation, request.Key, request.Offset), 1, (_, attempts) => attempts + 1) <= failures
            ? fault(request)
            : null;
}

/// <summary>Does something before the first write of a key that starts so.</summary>
internal sealed class InterruptedStore(IObjectStore inner, string prefix, Func<Task> interruption) : PassingStore(inner)
{
    private bool _interrupted;

    public override async ValueTask<string> WriteAsync(
        string key, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken = default)
    {
        if (key.StartsWith(prefix, StringComparison.Ordinal) && !_interrupted)
        {
            _interrupted = true;
            await interruption();
        }

        return await Inner.WriteAsync(key, content, condition, cancellationToken);
    }
}

/// <summary>Fails the n-th call that writes or deletes, before it does, and all after it: as if the process had been killed there.</summary>
internal sealed class StoppingStore(IObjectStore inner, int stopAt) : PassingStore(inner)
{
    private int _calls;

    public override ValueTask<string> WriteAsync(
        string key, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken = default)
    {
        Count();
        return Inner.WriteAsync(key, content, condition, cancellationToken);
    }

    public override ValueTask DeleteAsync(string key, CancellationToken cancellationToken = default)
    {
        Count();
        return Inner.DeleteAsync(key, cancellationToken);
    }

    private void Count()
    {
        if (Interlocked.Increment(ref _calls) >= stopAt)
            throw new IOException("Killed.");
    }
}

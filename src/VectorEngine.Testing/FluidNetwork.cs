namespace VectorEngine.Testing;

/// <summary>
/// Requests that share a bandwidth like a fluid. What happens when is computed, not waited for: a timer that fires late makes a request
/// end late, but no later one, and bandwidth is shared as if it had been on time.
/// </summary>
/// <remarks>
/// Every transfer under way moves at the same rate, r = min(of a connection, total / n). So the bytes that one would have moved since the
/// start are one number for all, the service S, and a transfer of b bytes that begins at S ends at S + b: the next to end is the first of a
/// queue by that number, however the rate changes meanwhile. A transfer that is z times slower counts as 1/z in n and ends at S + z b.
/// </remarks>
internal sealed class FluidNetwork
{
    private readonly NetworkProfile _profile;
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly Random _random;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();

    private readonly LinkedList<NetworkRequest> _queued = [];
    private readonly PriorityQueue<NetworkRequest, double> _underWay = new();   // by when their first byte comes
    private readonly PriorityQueue<NetworkRequest, double> _moving = new();   // by the service at which they end
    private int _connections;
    private double _now;   // seconds since the start: how far everything here has been computed
    private double _service;
    private double _shares;   // n above

    public FluidNetwork(NetworkProfile profile, TimeProvider time)
    {
        (_profile, _time, _start, _random) = (profile, time, time.GetTimestamp(), new Random(profile.Seed));
        _timer = time.CreateTimer(_ => Update(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    private double Rate => Math.Min(_profile.ConnectionBytesPerSecond, _profile.BytesPerSecond / _shares);

    /// <summary>
    /// Has the network compiled before it is timed: a new process's first request waits for what it is to wait for, and not for this.
    /// </summary>
    public static void Rehearse(NetworkProfile profile)
    {
        using NetworkRequest request = new FluidNetwork(profile, TimeProvider.System).Start();
        _ = request.MoveAsync(0);
    }

    /// <summary>Sends a request on its way.</summary>
    public NetworkRequest Start()
    {
        NetworkRequest? request = null;
        Update(() =>
        {
            request = new NetworkRequest(this, _random.NextDouble() < _profile.StragglerShare ? _profile.StragglerFactor : 1);
            if (_connections < _profile.MaxConnections)
                Connect(request);
            else
                _queued.AddLast(request);
        });
        return request!;
    }

    public void Move(NetworkRequest request, long bytes) => Update(() =>
    {
        request.Bytes = bytes;
        if (request.At == NetworkRequest.Stage.Ready)
            Begin(request);
    });

    /// <summary>Takes a request out, wherever it is; what it held is free at once.</summary>
    public void End(NetworkRequest request) => Update(() =>
    {
        switch (request.At)
        {
            case NetworkRequest.Stage.Ended:
                return;
            case NetworkRequest.Stage.Queued:
                _queued.Remove(request);
                request.At = NetworkRequest.Stage.Ended;
                return;
            case NetworkRequest.Stage.UnderWay:
                _underWay.Remove(request, out _, out _);
                break;
            case NetworkRequest.Stage.Moving:
                _moving.Remove(request, out _, out _);
                Share(-1 / request.Slowness);
                break;
        }
        Disconnect(request);
    });

    private void Update(Action? change = null)
    {
        lock (_lock)
        {
            Advance(_time.GetElapsedTime(_start).TotalSeconds);
            change?.Invoke();
            Advance(_now);   // what takes no time has happened already
            double next = Math.Min(NextFirstByte, NextEnd);
            // Timers count whole milliseconds; one that fires too early would find nothing to do.
            TimeSpan wait = next < double.PositiveInfinity
                ? TimeSpan.FromMilliseconds(Math.Min(Math.Ceiling((next - _now) * 1000), int.MaxValue))
                : Timeout.InfiniteTimeSpan;
            _timer.Change(wait, Timeout.InfiniteTimeSpan);
        }
    }

    private double NextFirstByte => _underWay.TryPeek(out _, out double at) ? at : double.PositiveInfinity;

    private double NextEnd => _moving.TryPeek(out _, out double at) ? _now + Math.Max(at - _service, 0) / Rate : double.PositiveInfinity;

    /// <summary>Lets happen, one after the other, what happens until a time.</summary>
    private void Advance(double until)
    {
        while (true)
        {
            double first = NextFirstByte, end = NextEnd;
            if (Math.Min(first, end) > until)
                break;
            Flow(Math.Min(first, end));
            if (first <= end)
                Begin(_underWay.Dequeue());
            else
                EndTransfer();
        }
        Flow(until);
    }

    private void Flow(double until)
    {
        if (_moving.Count > 0 && until > _now)
            _service += Rate * (until - _now);
        _now = Math.Max(_now, until);
    }

    private void Begin(NetworkRequest request)
    {
        if (request.Bytes is not { } bytes)
        {
            request.At = NetworkRequest.Stage.Ready;
            return;
        }
        request.At = NetworkRequest.Stage.Moving;
        Share(1 / request.Slowness);
        _moving.Enqueue(request, _service + bytes * request.Slowness);
    }

    private void EndTransfer()
    {
        _moving.TryDequeue(out NetworkRequest? request, out double end);
        _service = Math.Max(_service, end);
        Share(-1 / request!.Slowness);
        Disconnect(request);
        request.Completion.TrySetResult();
    }

    private void Share(double change)
    {
        _shares += change;
        if (_moving.Count == 0 && change < 0)
            (_shares, _service) = (0, 0);   // so that rounding errors do not add up
    }

    private void Connect(NetworkRequest request)
    {
        _connections++;
        request.At = NetworkRequest.Stage.UnderWay;
        _underWay.Enqueue(request, _now + _profile.RoundTrip.TotalSeconds * request.Slowness);
    }

    private void Disconnect(NetworkRequest request)
    {
        request.At = NetworkRequest.Stage.Ended;
        _connections--;
        if (_queued.First is { } next)
        {
            _queued.RemoveFirst();
            Connect(next.Value);
        }
    }
}

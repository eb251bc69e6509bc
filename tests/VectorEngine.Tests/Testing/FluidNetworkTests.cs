using FsCheck;
using FsCheck.Fluent;
using VectorEngine.Testing;

namespace VectorEngine.Tests.Testing;

/// <summary>When requests end, on a clock that the tests move: exact to the millisecond that timers count.</summary>
public sealed class FluidNetworkTests
{
    private static readonly NetworkProfile Default = new();

    private readonly ManualTime _time = new();

    [Fact]
    public void A_request_takes_a_round_trip_and_the_time_of_its_bytes()
    {
        var network = new FluidNetwork(Default, _time);
        AssertEnds([130, 30], Ends(network, [(0, 9_000_000), (200, 0)]));
    }

    [Fact]
    public void Transfers_share_the_total_and_never_exceed_a_connection()
    {
        // 8 x 9 MB at 125 MB/s.
        AssertEnds([.. Enumerable.Repeat(606, 8)], Ends(new(Default, _time), [.. Enumerable.Repeat((0, 9_000_000L), 8)]));

        // Alone for 50 ms (4.5 MB), then at 62.5 MB/s each until the first has its other 4.5 MB, then alone again.
        AssertEnds([152, 152], Ends(new(Default, _time), [(0, 9_000_000), (50, 9_000_000)]));
    }

    [Fact]
    public void Requests_beyond_the_connections_wait_their_turn()
    {
        var network = new FluidNetwork(Default with { MaxConnections = 2 }, _time);
        AssertEnds([50, 50, 100, 100, 143.9], Ends(network, [.. Enumerable.Repeat((0, 1_250_000L), 5)]));
    }

    [Fact]
    public async Task A_cancelled_transfer_leaves_its_bandwidth_to_the_others_at_once()
    {
        var network = new FluidNetwork(Default with { ConnectionBytesPerSecond = 100e6, BytesPerSecond = 100e6 }, _time);
        using NetworkRequest kept = network.Start(), cancelled = network.Start();
        Task keeping = kept.MoveAsync(10_000_000), cancelling = cancelled.MoveAsync(10_000_000);
        _time.Advance(TimeSpan.FromMilliseconds(130));
        cancelled.GiveUp(new CancellationToken(canceled: true));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelling);
        Assert.InRange(Until(() => kept.Completion.Task.IsCompleted), 50, 51);   // half was left: at the whole bandwidth
        await keeping;
    }

    [Fact]
    public void A_cancelled_request_leaves_its_connection_to_the_next()
    {
        var network = new FluidNetwork(Default with { MaxConnections = 1 }, _time);
        using NetworkRequest first = network.Start(), queued = network.Start(), last = network.Start();
        _ = last.MoveAsync(0);
        _time.Advance(TimeSpan.FromMilliseconds(10));
        queued.Dispose();
        first.Dispose();
        Assert.InRange(Until(() => last.Completion.Task.IsCompleted), 30, 31);
    }

    [Fact]
    public void Stragglers_take_so_much_longer_and_are_the_same_for_a_seed()
    {
        NetworkProfile profile = Default with { StragglerShare = 0.2, StragglerFactor = 4, Seed = 5 };
        (int, long)[] requests = [.. Enumerable.Repeat((0, 90_000L), 100)];
        int[] ends = Ends(new(profile with { BytesPerSecond = 1e12 }, _time), requests);
        AssertEnds([31, 124], [.. ends.Distinct().Order()]);
        Assert.InRange(ends.Count(end => end >= 124), 10, 30);
        Assert.Equal(ends, Ends(new(profile with { BytesPerSecond = 1e12 }, _time), requests));
    }

    [Fact]
    public void Whatever_requests_come_they_end_when_the_remaining_bytes_of_each_say()
    {
        Gen<(int, long)[]> requests = (
            from start in Gen.Choose(0, 300)
            from bytes in Gen.Choose(0, 30_000_000)
            select (start, (long)bytes)).ArrayOf();
        Prop.ForAll(requests.ToArbitrary(), sample =>
        {
            (int, long)[] ordered = [.. sample.OrderBy(request => request.Item1)];
            AssertEnds(Reference(ordered), Ends(new(Default, _time), ordered));
        }).QuickCheckThrowOnFailure();
    }

    private static void AssertEnds(double[] expected, int[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < actual.Length; i++)
            Assert.InRange(actual[i] - expected[i], -0.001, 1.001);   // to the next whole millisecond
    }

    /// <summary>How many milliseconds after its start each request ends; starts are given in milliseconds, ascending.</summary>
    private int[] Ends(FluidNetwork network, (int Start, long Bytes)[] requests)
    {
        var ends = new int[requests.Length];
        var running = new List<(int Index, NetworkRequest Request)>();
        for (int now = 0, started = 0; started < requests.Length || running.Count > 0; now++)
        {
            for (; started < requests.Length && requests[started].Start == now; started++)
            {
                NetworkRequest request = network.Start();
                _ = request.MoveAsync(requests[started].Bytes);
                running.Add((started, request));
            }
            foreach ((int index, _) in running.Where(r => r.Request.Completion.Task.IsCompleted))
                ends[index] = now - requests[index].Start;
            running.RemoveAll(r => r.Request.Completion.Task.IsCompleted);
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }
        return ends;
    }

    /// <summary>The same by keeping what each transfer has left, from one start or end of a transfer to the next.</summary>
    private static double[] Reference((int Start, long Bytes)[] requests)
    {
        double[] left = [.. requests.Select(request => (double)request.Bytes)];
        var ends = new double?[requests.Length];
        for (double now = 0; ends.Contains(null);)
        {
            int[] open = [.. Enumerable.Range(0, left.Length).Where(i => ends[i] is null)];
            int[] moving = [.. open.Where(i => requests[i].Start + 30 <= now)];
            double rate = Math.Min(90e3, 125e3 / moving.Length);   // bytes per millisecond
            double next = open.Except(moving).Select(i => requests[i].Start + 30 - now)
                .Concat(moving.Select(i => left[i] / rate)).Min();
            now += next;
            foreach (int i in moving)
            {
                left[i] -= rate * next;
                if (left[i] <= 1e-3)
                    ends[i] = now - requests[i].Start;
            }
        }
        return [.. ends.Select(end => end!.Value)];
    }

    /// <summary>How many milliseconds it takes.</summary>
    private int Until(Func<bool> done)
    {
        int waited = 0;
        for (; !done(); waited++)
            _time.Advance(TimeSpan.FromMilliseconds(1));
        return waited;
    }
}

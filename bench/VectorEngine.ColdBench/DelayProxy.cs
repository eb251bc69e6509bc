using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;

namespace VectorEngine.ColdBench;

/// <summary>Lets a server on this machine seem as far away as a store in the cloud, and counts what passes.</summary>
/// <param name="target">The server.</param>
/// <param name="roundTrip">How long a request takes to it and the answer back; opening a connection takes as long.</param>
/// <param name="connectionRate">Bytes per second of a connection, in each direction.</param>
/// <param name="totalRate">Bytes per second of all connections, in each direction.</param>
internal sealed class DelayProxy(DnsEndPoint target, TimeSpan roundTrip, double connectionRate, double totalRate)
{
    private readonly RateLimit _up = new(totalRate), _down = new(totalRate);
    private long _connections, _requests, _bytesUp, _bytesDown;

    public static Command CreateCommand()
    {
        var listen = new Option<int>("--listen") { DefaultValueFactory = _ => 7490, Description = "Port to listen on, on loopback." };
        var target = new Option<string>("--target") { DefaultValueFactory = _ => "127.0.0.1:7480", Description = "The server, HOST:PORT." };
        var roundTrip = new Option<double>("--round-trip") { DefaultValueFactory = _ => 30, Description = "Milliseconds there and back." };
        var rate = new Option<double>("--connection-rate") { DefaultValueFactory = _ => 90, Description = "MB/s of a connection." };
        var totalRate = new Option<double>("--total-rate") { DefaultValueFactory = _ => 125, Description = "MB/s of all connections." };
        var counters = new Option<int>("--counters") { DefaultValueFactory = _ => 7491, Description = "Port that tells what has passed." };
        var command = new Command("proxy", "Delays and limits what passes to a server and back, and counts it, until it is interrupted.")
        {
            listen, target, roundTrip, rate, totalRate, counters,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string[] server = parsed.GetValue(target)!.Split(':');
            var proxy = new DelayProxy(
                new DnsEndPoint(server[0], int.Parse(server[1])), TimeSpan.FromMilliseconds(parsed.GetValue(roundTrip)),
                parsed.GetValue(rate) * 1e6, parsed.GetValue(totalRate) * 1e6);
            try
            {
                await await Task.WhenAny(
                    proxy.ServeAsync(parsed.GetValue(listen), cancellationToken),
                    proxy.AnswerCountersAsync(parsed.GetValue(counters), cancellationToken));
            }
            catch (OperationCanceledException)
            {
                Console.WriteLine(proxy.Counters());
            }
        });
        return command;
    }

    private string Counters() => JsonSerializer.Serialize(new
    {
        connections = Interlocked.Read(ref _connections),
        requests = Interlocked.Read(ref _requests),
        bytesUp = Interlocked.Read(ref _bytesUp),
        bytesDown = Interlocked.Read(ref _bytesDown),
    });

    private async Task ServeAsync(int port, CancellationToken cancellationToken)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        listener.Start();
        while (true)
            _ = RelayAsync(await listener.AcceptSocketAsync(cancellationToken), cancellationToken);
    }

    private async Task RelayAsync(Socket client, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _connections);
        using Socket near = client, far = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        near.NoDelay = true;
        try
        {
            await Task.Delay(roundTrip, cancellationToken);   // the handshake, which the client has finished with us already
            await far.ConnectAsync(target, cancellationToken);
            var requests = new RequestCounter();
            var up = new DelayedLine(near, far, roundTrip / 2, [_up, new RateLimit(connectionRate)], bytes =>
            {
                Interlocked.Add(ref _bytesUp, bytes.Length);
                Interlocked.Add(ref _requests, requests.Count(bytes));
            });
            var down = new DelayedLine(
                far, near, roundTrip / 2, [_down, new RateLimit(connectionRate)], bytes => Interlocked.Add(ref _bytesDown, bytes.Length));
            await Task.WhenAll(up.RunAsync(cancellationToken), down.RunAsync(cancellationToken));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ChannelClosedException)
        {
            // One side has gone; so does the other.
        }
    }

    private async Task AnswerCountersAsync(int port, CancellationToken cancellationToken)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        listener.Start();
        while (true)
        {
            using Socket client = await listener.AcceptSocketAsync(cancellationToken);
            await client.ReceiveAsync(new byte[4096], cancellationToken);
            string body = Counters();
            string answer = $"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}";
            await client.SendAsync(Encoding.ASCII.GetBytes(answer), cancellationToken);
        }
    }

    /// <summary>Counts the first lines of HTTP requests in what a client sends, wherever the pieces are cut.</summary>
    private sealed class RequestCounter
    {
        private int _matched;

        public int Count(ReadOnlySpan<byte> bytes)
        {
            ReadOnlySpan<byte> end = " HTTP/1.1\r\n"u8;   // its first byte is nowhere else in it
            int count = 0;
            foreach (byte b in bytes)
            {
                _matched = b == end[_matched] ? _matched + 1 : b == end[0] ? 1 : 0;
                if (_matched == end.Length)
                    (count, _matched) = (count + 1, 0);
            }

            return count;
        }
    }
}

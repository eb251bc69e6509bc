using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace VectorEngine.ColdBench;

/// <summary>What has passed a proxy.</summary>
/// <param name="Requests">Requests.</param>
/// <param name="BytesDown">Bytes of the answers, with their headers.</param>
internal readonly record struct ProxyCounters(long Requests, long BytesDown)
{
    /// <summary>Asks the proxy whose counters are at a port of this machine; 0: there is none, and nothing is counted.</summary>
    /// <remarks>Without an HTTP client, which the first request to the store would then find compiled.</remarks>
    public static ProxyCounters Read(int port)
    {
        if (port == 0)
            return default;
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(IPAddress.Loopback, port);
        socket.Send("GET / HTTP/1.1\r\n\r\n"u8);
        byte[] answer = new byte[4096];
        int length = 0;
        for (int received; (received = socket.Receive(answer.AsSpan(length))) > 0;)
            length += received;
        string text = Encoding.ASCII.GetString(answer, 0, length);
        using JsonDocument counters = JsonDocument.Parse(text[text.IndexOf('{', StringComparison.Ordinal)..]);
        return new ProxyCounters(
            counters.RootElement.GetProperty("requests").GetInt64(), counters.RootElement.GetProperty("bytesDown").GetInt64());
    }

    public static ProxyCounters operator -(ProxyCounters x, ProxyCounters y) => new(x.Requests - y.Requests, x.BytesDown - y.BytesDown);
}

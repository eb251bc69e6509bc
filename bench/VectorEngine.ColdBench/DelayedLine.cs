using System.Buffers;
using System.Diagnostics;
using System.Net.Sockets;
using System.Threading.Channels;

namespace VectorEngine.ColdBench;

/// <summary>
/// One direction of a connection: bytes arrive in order, some time after they were sent, and no faster than the limits let them.
/// </summary>
/// <param name="from">Where they are read.</param>
/// <param name="to">Where they are written.</param>
/// <param name="delay">How long they take, however many are on the way.</param>
/// <param name="limits">Lines that all of them have to pass.</param>
/// <param name="seen">Told what was read.</param>
internal sealed class DelayedLine(Socket from, Socket to, TimeSpan delay, RateLimit[] limits, Action<ReadOnlySpan<byte>> seen)
{
    private const int ChunkLength = 32 << 10, MaxChunks = 512;

    private readonly record struct Chunk(byte[] Buffer, int Length, long Due);

    // Bounded, so that a reader who is slow slows the writer down, as TCP does; enough for what is on the way.
    private readonly Channel<Chunk> _onTheWay = Channel.CreateBounded<Chunk>(MaxChunks);

    /// <summary>Passes bytes on until the sender ends, and then tells the receiver.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Task reading = ReadAsync(cancellationToken);
        await foreach (Chunk chunk in _onTheWay.Reader.ReadAllAsync(cancellationToken))
        {
            await UntilAsync(chunk.Due, cancellationToken);
            await to.SendAsync(chunk.Buffer.AsMemory(0, chunk.Length), cancellationToken);
            ArrayPool<byte>.Shared.Return(chunk.Buffer);
        }

        await reading;
        to.Shutdown(SocketShutdown.Send);
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        Exception? failure = null;
        try
        {
            while (true)
            {
                byte[] buffer = ArrayPool<byte>.Shared.Rent(ChunkLength);
                int length = await from.ReceiveAsync(buffer.AsMemory(0, ChunkLength), cancellationToken);
                if (length == 0)
                    break;
                seen(buffer.AsSpan(0, length));
                long passed = limits.Max(limit => limit.Take(length));
                await _onTheWay.Writer.WriteAsync(
                    new Chunk(buffer, length, passed + (long)(delay.TotalSeconds * Stopwatch.Frequency)), cancellationToken);
            }
        }
        catch (SocketException e)
        {
            failure = e;
        }

        _onTheWay.Writer.Complete(failure);
    }

    // Timers are good to about a millisecond, and late: what is due by then goes at once, so that lateness does not add up.
    private static async ValueTask UntilAsync(long due, CancellationToken cancellationToken)
    {
        TimeSpan wait = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
        if (wait > TimeSpan.FromMilliseconds(0.5))
            await Task.Delay(wait, cancellationToken);
    }
}

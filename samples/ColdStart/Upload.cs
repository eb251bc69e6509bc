using VectorEngine.Storage;

namespace ColdStart;

/// <summary>Copies an index from one store to another.</summary>
internal static class Upload
{
    private const int PieceLength = 1 << 20;

    /// <summary>Copies it unless there is one of that name.</summary>
    public static async Task RunAsync(IObjectStore from, IObjectStore to, string name, CancellationToken cancellationToken)
    {
        string pointer = $"{name}/pointer";
        if (await to.TryReadAsync(pointer, cancellationToken) is not null)
            return;
        byte[] buffer = new byte[PieceLength];
        await foreach (ObjectInfo item in from.ListAsync($"{name}/", cancellationToken))
        {
            if (item.Key == pointer)
                continue;
            await using ObjectWriter writer = await to.CreateAsync(item.Key, cancellationToken);
            while (writer.Length < item.Length)
            {
                Memory<byte> piece = buffer.AsMemory(0, (int)Math.Min(PieceLength, item.Length - writer.Length));
                await from.ReadAsync(item.Key, writer.Length, piece, cancellationToken);
                await writer.WriteAsync(piece, cancellationToken);
            }

            await writer.CommitAsync(cancellationToken);
        }

        // At last, as it makes the rest visible.
        if (await from.TryReadAsync(pointer, cancellationToken) is { } content)
            await to.WriteAsync(pointer, content.Content, WriteCondition.Absent, cancellationToken);
    }
}

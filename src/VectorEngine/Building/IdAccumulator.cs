using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Loading;
using VectorEngine.Storage;

namespace VectorEngine.Building;

/// <summary>Two rows that have one id: an ordinal of the index, or what would become one, and a row of the input.</summary>
internal readonly record struct DuplicateRows(long Ordinal, long Row);

/// <summary>
/// Collects the ids of a segment's rows in scratch files, by the first bits of their keys, which are uniform, and writes them sorted by
/// key, if no two are equal.
/// </summary>
internal sealed class IdAccumulator : IDisposable
{
    private const int MaxFiles = 256;

    private readonly FileStream[] _files;
    private readonly IdEntry[] _one = new IdEntry[1];
    private int _count;

    /// <param name="scratch">Where the files go.</param>
    /// <param name="count">Number of rows.</param>
    /// <param name="memoryLimit">Memory of the build, of which a small share is taken.</param>
    public IdAccumulator(ScratchFolder scratch, long count, long memoryLimit)
    {
        long bytes = count * Unsafe.SizeOf<IdEntry>();
        _files = new FileStream[Math.Clamp(1 + (bytes / (memoryLimit / 16)), 1, MaxFiles)];
        for (int file = 0; file < _files.Length; file++)
            _files[file] = scratch.Create($"ids-{file}", 1 << 16);
    }

    /// <summary>Adds the ids of rows that follow those added before; none is missing.</summary>
    public void Add(ArrowArray ids)
    {
        for (int row = 0; row < ids.Length; row++)
        {
            _one[0] = new IdEntry(IdKey.Of(ids, row), (uint)_count++);
            int file = (int)((ulong)(_one[0].Key >> 96) * (ulong)_files.Length >> 32);
            _files[file].Write(MemoryMarshal.AsBytes<IdEntry>(_one));
        }
    }

    /// <summary>Writes the object, unless two rows have one id.</summary>
    /// <param name="store">Where it goes.</param>
    /// <param name="keys">The segment's keys.</param>
    /// <param name="appendedTo">The segments that must not have any of the ids either; null if there are none.</param>
    /// <param name="cancellationToken">Cancels the writing.</param>
    /// <returns>Two rows that have one id; null if there are none.</returns>
    public async Task<DuplicateRows?> TryWriteAsync(
        RetryingStore store, SegmentKeys keys, IndexSegments? appendedTo, CancellationToken cancellationToken)
    {
        ObjectWriter writer = await store.CreateAsync(keys.Ids, cancellationToken).ConfigureAwait(false);
        await using (writer.ConfigureAwait(false))
        {
            await writer.WriteAsync(
                ObjectHeader.Create(ObjectKind.Ids, IdPages.ObjectLength(_count)), cancellationToken).ConfigureAwait(false);
            var pending = new List<IdEntry>();
            foreach (FileStream file in _files)
            {
                pending.AddRange(ReadSorted(file));
                if (await FindDuplicateAsync(pending, appendedTo, cancellationToken).ConfigureAwait(false) is { } duplicate)
                    return duplicate;
                int whole = file == _files[^1] ? pending.Count : pending.Count / IdPages.PageEntries * IdPages.PageEntries;
                for (int start = 0; start < whole; start += IdPages.PageEntries)
                {
                    int entries = Math.Min(IdPages.PageEntries, whole - start);
                    await WritePageAsync(writer, pending.GetRange(start, entries), cancellationToken).ConfigureAwait(false);
                }

                pending.RemoveRange(0, whole);
            }

            await writer.CommitAsync(cancellationToken).ConfigureAwait(false);
            return null;
        }
    }

    public void Dispose()
    {
        foreach (FileStream file in _files)
            file.Dispose();
    }

    private static IdEntry[] ReadSorted(FileStream file)
    {
        var entries = new IdEntry[file.Length / Unsafe.SizeOf<IdEntry>()];
        file.Position = 0;
        file.ReadExactly(MemoryMarshal.AsBytes(entries.AsSpan()));
        Array.Sort(entries, static (x, y) => x.Key != y.Key ? x.Key.CompareTo(y.Key) : x.Ordinal.CompareTo(y.Ordinal));
        return entries;
    }

    private static async ValueTask<DuplicateRows?> FindDuplicateAsync(
        List<IdEntry> sorted, IndexSegments? appendedTo, CancellationToken cancellationToken)
    {
        for (int i = 1; i < sorted.Count; i++)
        {
            if (sorted[i].Key == sorted[i - 1].Key)
                return new DuplicateRows((appendedTo?.Count ?? 0) + sorted[i - 1].Ordinal, sorted[i].Ordinal);
        }

        var scope = new ReadScope();
        // In the order of the keys, so that each page is read once.
        for (int i = 0; appendedTo is not null && i < sorted.Count; i++)
        {
            long ordinal = await appendedTo.FindAsync(sorted[i].Key, scope, cancellationToken).ConfigureAwait(false);
            if (ordinal >= 0)
                return new DuplicateRows(ordinal, sorted[i].Ordinal);
        }

        return null;
    }

    private static ValueTask WritePageAsync(ObjectWriter writer, List<IdEntry> entries, CancellationToken cancellationToken)
    {
        byte[] page = new byte[IdPages.Page(entries.Count, 0).Length];
        IdPages.Write(CollectionsMarshal.AsSpan(entries), page);
        return writer.WriteAsync(page, cancellationToken);
    }
}

using System.Runtime.InteropServices;
using VectorEngine.Arrow;
using VectorEngine.Format;
using VectorEngine.Loading;
using VectorEngine.Storage;

namespace VectorEngine.Building;

/// <summary>Collects the ids of a segment's rows and writes them sorted by key, if no two are equal.</summary>
/// <param name="appendedTo">The segments that must not have any of the ids either; null if there are none.</param>
internal sealed class IdAccumulator(IndexSegments? appendedTo)
{
    private readonly List<IdEntry> _entries = [];

    /// <summary>Adds the ids of rows that follow those added before.</summary>
    /// <exception cref="ArgumentException">An id is missing.</exception>
    public void Add(ArrowArray ids)
    {
        for (int row = 0; row < ids.Length; row++)
        {
            if (ids.IsNull(row))
                throw new ArgumentException($"Row {_entries.Count} has no id.");
            _entries.Add(new IdEntry(IdKey.Of(ids, row), (uint)_entries.Count));
        }
    }

    /// <summary>Writes the object.</summary>
    /// <param name="store">Where it goes.</param>
    /// <param name="keys">The segment's keys.</param>
    /// <param name="describe">Tells the id of a row, for messages.</param>
    /// <param name="cancellationToken">Cancels the writing.</param>
    /// <exception cref="DuplicateIdException">Two rows have one id, or an earlier segment has it.</exception>
    public async Task WriteAsync(IObjectStore store, SegmentKeys keys, Func<int, string> describe, CancellationToken cancellationToken)
    {
        _entries.Sort(static (x, y) => x.Key != y.Key ? x.Key.CompareTo(y.Key) : x.Ordinal.CompareTo(y.Ordinal));
        await CheckUniqueAsync(describe, cancellationToken).ConfigureAwait(false);
        ObjectWriter writer = await store.CreateAsync(keys.Ids, cancellationToken).ConfigureAwait(false);
        await using (writer.ConfigureAwait(false))
        {
            long length = IdPages.ObjectLength(_entries.Count);
            await writer.WriteAsync(ObjectHeader.Create(ObjectKind.Ids, length), cancellationToken).ConfigureAwait(false);
            byte[] buffer = new byte[IdPages.Page(int.MaxValue, 0).Length];
            for (int page = 0; page < IdPages.PageCount(_entries.Count); page++)
            {
                Memory<byte> bytes = buffer.AsMemory(0, IdPages.Page(_entries.Count, page).Length);
                List<IdEntry> entries = _entries.GetRange(page * IdPages.PageEntries, IdPages.Count(bytes.Span));
                IdPages.Write(CollectionsMarshal.AsSpan(entries), bytes.Span);
                await writer.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
            }

            await writer.CommitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task CheckUniqueAsync(Func<int, string> describe, CancellationToken cancellationToken)
    {
        long start = appendedTo?.Count ?? 0;
        for (int i = 1; i < _entries.Count; i++)
        {
            if (_entries[i].Key == _entries[i - 1].Key)
                throw new DuplicateIdException(
                    describe((int)_entries[i].Ordinal), start + _entries[i - 1].Ordinal, _entries[i].Ordinal);
        }

        // In the order of the keys, so that each page is read once.
        for (int i = 0; appendedTo is not null && i < _entries.Count; i++)
        {
            long ordinal = await appendedTo.FindAsync(_entries[i].Key, cancellationToken).ConfigureAwait(false);
            if (ordinal >= 0)
                throw new DuplicateIdException(describe((int)_entries[i].Ordinal), ordinal, _entries[i].Ordinal);
        }
    }
}

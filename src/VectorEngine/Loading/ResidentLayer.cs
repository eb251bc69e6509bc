using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using VectorEngine.Numerics;
using VectorEngine.Telemetry;

namespace VectorEngine.Loading;

/// <summary>
/// A layer as far as it is in memory: extents are read in ranges, verified, kept in buffers that the engine owns,
/// and dropped when the budget asks for it.
/// </summary>
internal sealed class ResidentLayer : Layer
{
    private const int BlockPages = 1024;

    private readonly StoreReader _reader;
    private readonly MemoryBudget _budget;
    private readonly Lock _changing = new();
    private readonly Dictionary<int, RangeFetch> _fetches = [];

    // Blocks and pages are made when the first of their extents is read: that there are so many extents is only what the root says.
    private readonly Page?[]?[] _blocks;
    private int _hand;

    public ResidentLayer(LayerSource source, StoreReader reader, MemoryBudget budget) : base(source)
    {
        _reader = reader;
        _budget = budget;
        _blocks = new Page?[]?[(source.Count / (Page.Extents * BlockPages)) + 1];
        budget.Register(this);
    }

    public override bool TryRead(int extent, out ReadOnlyMemory<byte> bytes)
    {
        if (TryGet(extent, out AlignedBuffer<byte>? buffer))
        {
            if (MemoryLookups.IsObserved)
                MemoryLookups.CountHit(Source.Kind);
            bytes = buffer.Memory;
            return true;
        }

        bytes = default;
        return false;
    }

    public override bool Contains(int extent) =>
        Find(extent / Page.Extents) is { } page && Volatile.Read(ref page.Buffers[extent % Page.Extents]) is not null;

    public override ExtentReads Start(ReadOnlySpan<int> extents, ReadScope scope)
    {
        if (MemoryLookups.IsObserved && !scope.IsBackground)
            MemoryLookups.CountMisses(Source.Kind, extents.Length);
        var reads = new ExtentReads(this);
        var started = new List<RangeFetch>();
        List<RangeFetch> cached = ReadCached(extents);
        lock (_changing)
        {
            var missing = new List<int>();
            int next = 0;
            foreach (int extent in extents)
            {
                bool isCached = next < cached.Count && cached[next].First == extent;
                if (_fetches.TryGetValue(extent, out RangeFetch? fetch))
                {
                    reads.Add(extent, fetch);
                    scope.AddWait();
                }
                else if (isCached)
                {
                    Register(cached[next], extent, reads);
                    started.Add(cached[next]);
                }
                else
                {
                    missing.Add(extent);
                }

                next += isCached ? 1 : 0;
            }

            Begin(missing, reads, started);
        }

        foreach (RangeFetch fetch in started)
            _ = FetchAsync(fetch, scope);
        return reads;
    }

    /// <summary>Says that an operation does not wait for a range any more.</summary>
    public void Leave(RangeFetch fetch)
    {
        lock (_changing)
        {
            if (--fetch.Interested > 0 || fetch.Completion.IsCompleted)
                return;
            Forget(fetch);
        }

        fetch.Cancel();
    }

    /// <summary>
    /// Moves the clock's hand over one extent, dropping it unless it was used lately, or over a page of which none was ever read;
    /// false at the end of the layer.
    /// </summary>
    public bool TryAdvance(out long freed)
    {
        freed = 0;
        if (_hand >= Source.Count)
        {
            _hand = 0;
            return false;
        }

        (int number, int slot) = Math.DivRem(_hand, Page.Extents);
        if (Find(number) is not { } page)
        {
            int passed = _blocks[number / BlockPages] is null ? BlockPages - (number % BlockPages) : 1;
            _hand = (int)Math.Min((long)(number + passed) * Page.Extents, Source.Count);
            return true;
        }

        _hand++;
        if (page.Recent[slot])
            page.Recent[slot] = false;
        else
            freed = Interlocked.Exchange(ref page.Buffers[slot], null)?.Length ?? 0;
        return true;
    }

    private Page? Find(int number) =>
        Volatile.Read(ref _blocks[number / BlockPages]) is { } block ? Volatile.Read(ref block[number % BlockPages]) : null;

    private bool TryGet(int extent, [NotNullWhen(true)] out AlignedBuffer<byte>? buffer)
    {
        buffer = null;
        if (Find(extent / Page.Extents) is not { } page)
            return false;
        int slot = extent % Page.Extents;
        buffer = Volatile.Read(ref page.Buffers[slot]);
        if (buffer is null)
            return false;
        if (!page.Recent[slot])
            page.Recent[slot] = true;
        return true;
    }

    /// <summary>Plans the ranges of extents that are not on their way, and registers them.</summary>
    private void Begin(List<int> missing, ExtentReads reads, List<RangeFetch> started)
    {
        var plan = new List<(int First, int Last)>();
        RangePlan.Make(CollectionsMarshal.AsSpan(missing), Source.Extent, Source.Limits, plan);
        int next = 0;
        foreach ((int first, int last) in plan)
        {
            var fetch = new RangeFetch(first, last);
            started.Add(fetch);
            for (; next < missing.Count && missing[next] <= last; next++)
                Register(fetch, missing[next], reads);
        }
    }

    private void Register(RangeFetch fetch, int extent, ExtentReads reads)
    {
        fetch.Wanted.Add(extent);
        _fetches.Add(extent, fetch);
        reads.Add(extent, fetch);
    }

    /// <summary>The extents that the cache on disk has, each as a range of its own.</summary>
    private List<RangeFetch> ReadCached(ReadOnlySpan<int> extents)
    {
        var found = new List<RangeFetch>();
        if (_reader.Cache is not { } cache)
            return found;
        foreach (int extent in extents)
        {
            (long offset, int length) = Source.Extent(extent);
            if (length > ClaimedRange.Trusted)
                continue;
            var buffer = new AlignedBuffer<byte>(length);
            if (cache.TryRead(Source.Key, offset, buffer.Span))
                found.Add(new RangeFetch(extent, extent) { Cached = buffer });
        }

        return found;
    }

    private void Forget(RangeFetch fetch)
    {
        foreach (int extent in fetch.Wanted)
        {
            if (_fetches.TryGetValue(extent, out RangeFetch? registered) && registered == fetch)
                _fetches.Remove(extent);
        }
    }

    /// <summary>Reads a range; once more if it arrives damaged, as the damage may have happened on the way.</summary>
    private async Task FetchAsync(RangeFetch fetch, ReadScope scope)
    {
        for (bool isRepeated = false; ; isRepeated = true)
        {
            Exception? failure = null;
            Task<ExtentCheck>? preparing = null;
            byte[]? joined = null;
            long reserved = 0;
            try
            {
                preparing = PrepareCheckAsync(fetch, scope);
                reserved = Reserve(fetch, scope);
                (long start, int length) = Source.Extent(fetch.First);
                if (fetch.First == fetch.Last)
                {
                    AlignedBuffer<byte> whole = fetch.Cached ?? await ClaimedRange.ReadAsync(
                        _reader, Source.Key, start, length, RangePlan.MaxJoined / 4, scope, fetch.Cancelled).ConfigureAwait(false);
                    Keep(fetch, whole, default, start, await preparing.ConfigureAwait(false), ref reserved);
                }
                else
                {
                    length = (int)(EndOf(fetch.Last) - start);
                    joined = ArrayPool<byte>.Shared.Rent(length);
                    await _reader.ReadAsync(Source.Key, start, joined.AsMemory(0, length), scope, fetch.Cancelled).ConfigureAwait(false);
                    Keep(fetch, null, joined.AsMemory(0, length), start, await preparing.ConfigureAwait(false), ref reserved);
                }
            }
            catch (Exception caught)
            {
                failure = caught;
            }

            // A store that failed otherwise, or was cancelled, might still be writing, whatever it has promised.
            if (joined is not null && (failure is null or CorruptDataException))
                ArrayPool<byte>.Shared.Return(joined);
            if (preparing is not null)
                await ((Task)preparing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _budget.Return(Source.Kind, reserved);
            if (failure is CorruptDataException && !isRepeated)
            {
                DropCached(fetch);
                continue;
            }

            End(fetch, failure);
            return;
        }
    }

    private Task<ExtentCheck> PrepareCheckAsync(RangeFetch fetch, ReadScope scope) => Source.PrepareCheck is { } prepare
        ? prepare(fetch.First, fetch.Last, scope, fetch.Cancelled).AsTask()
        : Task.FromResult(Source.Check);

    /// <summary>Reserves room in memory for what is wanted of a range, if there is enough.</summary>
    /// <returns>How much.</returns>
    private long Reserve(RangeFetch fetch, ReadScope scope)
    {
        if (fetch.Cached is { } cached)
            scope.AddCached(cached.Length);
        long wanted = 0;
        foreach (int extent in fetch.Wanted)
            wanted += Source.Extent(extent).Length;
        fetch.IsKept = _budget.TryReserve(Source.Kind, wanted, mayEvict: !scope.IsBackground);
        return fetch.IsKept ? wanted : 0;
    }

    private void DropCached(RangeFetch fetch)
    {
        if (fetch.Cached is { } cached)
            _reader.Cache!.Remove(Source.Key, Source.Extent(fetch.First).Offset, cached.Length);
        fetch.Cached = null;
    }

    private void End(RangeFetch fetch, Exception? failure)
    {
        lock (_changing)
            Forget(fetch);
        if (failure is null)
            fetch.Complete();
        else
            fetch.Fail(failure);
    }

    private long EndOf(int extent)
    {
        (long offset, int length) = Source.Extent(extent);
        return offset + length;
    }

    /// <summary>Verifies and keeps what a range has: what was asked for, and what lies between if there is room for it.</summary>
    /// <param name="fetch">The range.</param>
    /// <param name="whole">Its bytes, to be kept as they are, if it is of one extent.</param>
    /// <param name="joined">Its bytes, to be copied, if it is of more.</param>
    /// <param name="start">Its offset in the object.</param>
    /// <param name="check">Verifies an extent.</param>
    /// <param name="reserved">Receives how many of the reserved bytes were not kept.</param>
    private void Keep(
        RangeFetch fetch, AlignedBuffer<byte>? whole, ReadOnlyMemory<byte> joined, long start, ExtentCheck check, ref long reserved)
    {
        int next = 0;
        for (int extent = fetch.First; extent <= fetch.Last; extent++)
        {
            (long offset, int length) = Source.Extent(extent);
            bool isWanted = extent == fetch.Wanted[next];
            if (!isWanted && !_budget.TryReserve(Source.Kind, length, mayEvict: false))
                continue;
            AlignedBuffer<byte> buffer = whole ?? new AlignedBuffer<byte>(length);
            if (whole is null)
                joined.Span.Slice((int)(offset - start), length).CopyTo(buffer.Span);

            bool isKept = false;
            try
            {
                check(extent, buffer.Memory);
                // Of two threads that read the same extent, the later uses the earlier's.
                AlignedBuffer<byte>? earlier = fetch.IsKept || !isWanted ? TryKeep(extent, buffer) : null;
                isKept = earlier is null;
                if (isKept && fetch.Cached is null)
                    _reader.Cache?.Add(Source.Key, offset, buffer.Memory);
                if (isWanted)
                    fetch.Set(extent, earlier ?? buffer);
            }
            catch (CorruptDataException) when (!isWanted)
            {
            }

            if (isWanted)
            {
                next++;
                reserved -= isKept && fetch.IsKept ? length : 0;
            }
            else if (!isKept)
            {
                _budget.Return(Source.Kind, length);
            }
        }
    }

    /// <summary>Keeps an extent, unless it is kept already: then the buffer that holds it is returned.</summary>
    private AlignedBuffer<byte>? TryKeep(int extent, AlignedBuffer<byte> buffer)
    {
        (int number, int slot) = Math.DivRem(extent, Page.Extents);
        ref Page?[]? block = ref _blocks[number / BlockPages];
        if (Volatile.Read(ref block) is null)
            Interlocked.CompareExchange(ref block, new Page?[BlockPages], null);
        ref Page? place = ref block![number % BlockPages];
        if (Volatile.Read(ref place) is null)
            Interlocked.CompareExchange(ref place, new Page(), null);
        Page page = place!;
        page.Recent[slot] = true;
        return Interlocked.CompareExchange(ref page.Buffers[slot], buffer, null);
    }

    /// <summary>Neighbouring extents: which are in memory, and which were used since the clock's hand came by.</summary>
    private sealed class Page
    {
        public const int Extents = 64;

        public readonly AlignedBuffer<byte>?[] Buffers = new AlignedBuffer<byte>?[Extents];
        public readonly bool[] Recent = new bool[Extents];
    }
}

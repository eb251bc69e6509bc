using VectorEngine.Format;
using VectorEngine.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Publishing;

/// <summary>
/// Builds, appends, rollbacks, collections and readers with leases, whose calls of the store are interleaved at random, and which are
/// killed or stand still at random. After each call every published version is complete, and so is every version that somebody has leased.
/// </summary>
public sealed class InterleavingTests
{
    private const int Steps = 1000, MostActors = 7;

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Whatever_the_order_nothing_is_deleted_that_is_needed(int seed)
    {
        var run = new Run(seed);
        await run.StartAsync();
        for (int step = 0; step < Steps; step++)
            await run.StepAsync();
        await run.FinishAsync();
    }

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 10)];

    /// <summary>Somebody who uses the index.</summary>
    /// <param name="Store">Its connection.</param>
    /// <param name="Start">When it began.</param>
    /// <param name="Writes">Whether it publishes something, for which it has the grace period.</param>
    private sealed record Actor(SteppedStore Store, DateTimeOffset Start, bool Writes)
    {
        /// <summary>What it does; over if it fails as it may.</summary>
        public Task Work { get; set; } = Task.CompletedTask;

        /// <summary>What it has opened.</summary>
        public VectorIndex? Index { get; set; }

        /// <summary>Whether its lease was not renewed in time: then it has no right to anything.</summary>
        public bool Lost { get; set; }
    }

    private sealed class Run(int seed)
    {
        private static readonly TimeSpan Grace = TimeSpan.FromSeconds(100), Lease = TimeSpan.FromSeconds(60);

        private readonly Random _random = new(seed);
        private readonly ManualTime _time = new();
        private readonly List<Actor> _actors = [];
        private readonly Dictionary<VersionId, string[]> _objects = [];
        private readonly Dictionary<VersionId, DateTimeOffset> _replaced = [];
        private readonly Dictionary<string, int> _done = [];
        private MemoryObjectStore? _store;
        private HashSet<VersionId> _published = [];
        private int _number = 1;

        private MemoryObjectStore Store => _store ??= new MemoryObjectStore(_time);

        public async Task StartAsync()
        {
            await NumberedIndex.BuildAsync(Store, _number);
            await CheckAsync();
        }

        public async Task StepAsync()
        {
            switch (_random.Next(100))
            {
                case < 8 when _actors.Count < MostActors:
                    _actors.Add(Begin());
                    break;
                case < 10:
                    await AdvanceAsync(TimeSpan.FromSeconds(_random.Next(1, 15)));
                    break;
                case < 11 when _actors.Count > 0:
                    // Killed: nothing that it waits for will ever happen, and its lease is not renewed.
                    _actors.RemoveAt(_random.Next(_actors.Count));
                    break;
                default:
                    if (_actors.Count > 0)
                        await StepAsync(_actors[_random.Next(_actors.Count)]);
                    break;
            }

            await CheckAsync();
        }

        /// <summary>Lets everybody come to an end; then what is left is the newest version and nothing else.</summary>
        public async Task FinishAsync()
        {
            while (_actors.Count > 0)
            {
                foreach (Actor actor in _actors.ToArray())
                    await StepAsync(actor);
                await CheckAsync();
            }

            foreach (VersionId version in _published)
                await ReadAsync(version);
            _time.Advance(TimeSpan.FromDays(1));
            await VectorIndexVersions.CollectAsync(Store, TestIndex.Name, NumberedIndex.KeepOne);
            Manifest newest = await NumberedIndex.NewestAsync(Store);
            Assert.Empty(newest.History);
            Assert.Equal(
                _objects[newest.Id].Append(IndexKeys.Pointer(TestIndex.Name)).Order(StringComparer.Ordinal),
                (await TestIndex.ObjectsAsync(Store)).Keys);
            // Otherwise the test has lost its edge.
            foreach (string what in new[] { "build", "append", "rollback", "collect", "given up", "newest", "pinned" })
                Assert.True(_done.GetValueOrDefault(what) > 0, $"{what}: {string.Join(", ", _done)}");
        }

        private Actor Begin()
        {
            int kind = _random.Next(8);
            var actor = new Actor(new SteppedStore(Store), _time.GetUtcNow(), Writes: kind < 3);
            VersionId[] published = [.. _published];
            long some = published[_random.Next(published.Length)].Number;
            actor.Work = kind switch
            {
                0 => DoAsync("build", () => NumberedIndex.BuildAsync(actor.Store, ++_number)),
                1 => DoAsync("append", () => VectorIndexBuilder.AppendAsync(
                    actor.Store, TestIndex.Name, NumberedIndex.Vectors(++_number),
                    new VectorIndexOptions { MaxDegreeOfParallelism = 1 })),
                2 => DoAsync("rollback", () => VectorIndexVersions.RollBackAsync(actor.Store, TestIndex.Name, some)),
                3 or 4 => DoAsync("collect", () => VectorIndexVersions.CollectAsync(
                    actor.Store, TestIndex.Name, new GarbageOptions { KeepVersions = _random.Next(1, 4), GracePeriod = Grace })),
                5 => DoAsync("pinned", () => OpenAsync(actor, some)),
                _ => DoAsync("newest", () => OpenAsync(actor, null)),
            };
            return actor;
        }

        /// <summary>Does something, which may fail because of what others do, but in no other way.</summary>
        private async Task DoAsync(string what, Func<Task> action)
        {
            try
            {
                await action();
            }
            catch (WriteConflictException) when (what is "build" or "append" or "rollback")
            {
                what = "conflict";
            }
            catch (VersionNotFoundException) when (what is "rollback" or "pinned")
            {
                what = "gone";
            }

            lock (_done)
                _done[what] = _done.GetValueOrDefault(what) + 1;
        }

        private async Task OpenAsync(Actor actor, long? version) => actor.Index = await VectorIndex.OpenAsync(
            actor.Store, TestIndex.Name, new OpenOptions { Version = version, Lease = Lease, Time = _time });

        /// <summary>Lets an actor make one call, and waits for the next one.</summary>
        private async Task StepAsync(Actor actor)
        {
            await Task.WhenAny(actor.Work, actor.Store.WaitForCallAsync());
            if (actor.Store.TryStep())
                await Task.WhenAny(actor.Work, actor.Store.WaitForCallAsync());
            if (!actor.Work.IsCompleted)
                return;
            await actor.Work;
            if (actor.Index is null)
            {
                _actors.Remove(actor);
            }
            else if (_actors.Count == MostActors || _random.Next(20) == 0)
            {
                VectorIndex index = actor.Index;
                actor.Index = null;
                actor.Work = index.DisposeAsync().AsTask();
            }
        }

        /// <summary>Lets time pass, but not so much that a build takes longer than the grace period.</summary>
        private async Task AdvanceAsync(TimeSpan time)
        {
            DateTimeOffset later = _time.GetUtcNow() + time;
            if (_actors.Any(actor => actor.Writes && !actor.Work.IsCompleted && later - actor.Start >= Grace))
                return;
            _time.Advance(time);
            var leased = new Dictionary<VersionId, int>();
            await foreach (ObjectInfo found in Store.ListAsync(IndexKeys.Leases(TestIndex.Name)))
            {
                VersionId version = LeaseName.TryParse(found.Key.AsSpan(IndexKeys.Leases(TestIndex.Name).Length))!.Value.Version;
                if (later - found.LastModified <= Lease)
                    leased[version] = leased.GetValueOrDefault(version) + 1;
            }

            // Of those with the same version, some of whose leases have ended, nobody knows who is who: none counts.
            IEnumerable<Actor> open = _actors.Where(actor => actor.Index is not null);
            foreach (IGrouping<VersionId, Actor> readers in open.GroupBy(actor => actor.Index!.Id))
            {
                if (leased.GetValueOrDefault(readers.Key) < readers.Count())
                {
                    foreach (Actor reader in readers)
                        reader.Lost = true;
                }
            }
        }

        private async Task CheckAsync()
        {
            Dictionary<string, DateTimeOffset> keys = (await Store.ListAsync("").ToListAsync())
                .ToDictionary(found => found.Key, found => found.LastModified);
            Manifest newest = await NumberedIndex.NewestAsync(Store);
            if (!_objects.ContainsKey(newest.Id))
            {
                IEnumerable<string> prefixes = newest.Segments.Select(segment => IndexKeys.Segment(TestIndex.Name, segment.Id).Prefix);
                _objects[newest.Id] = [.. keys.Keys.Where(key => prefixes.Any(prefix => key.StartsWith(prefix, StringComparison.Ordinal)))
                    .Append(IndexKeys.Version(TestIndex.Name, newest.Id))];
                foreach (VersionEntry before in newest.History.Take(1))
                    _replaced[before.Id] = keys[IndexKeys.Version(TestIndex.Name, newest.Id)];
                await ReadAsync(newest.Id);
            }

            HashSet<VersionId> published = [.. newest.Versions.Select(version => version.Id)];
            IEnumerable<Actor> readers = _actors.Where(actor => actor.Index is not null && !actor.Lost);
            foreach (VersionId version in _published.Except(published))
            {
                Assert.True(_time.GetUtcNow() - _replaced[version] >= Grace, "A version is given up too early.");
                _done["given up"] = _done.GetValueOrDefault("given up") + 1;
            }

            foreach (VersionId version in published.Union(readers.Select(reader => reader.Index!.Id)))
                Assert.All(_objects[version], key => Assert.True(keys.ContainsKey(key), $"Seed {seed}: '{key}' is missing."));
            _published = published;
        }

        private async Task ReadAsync(VersionId version)
        {
            using VectorIndex index = await VectorIndex.OpenAsync(
                Store, TestIndex.Name, new OpenOptions { Version = version.Number });
            Assert.Equal(3 * index.SegmentCount, index.Search([0f], 10_000).Count);
        }
    }
}

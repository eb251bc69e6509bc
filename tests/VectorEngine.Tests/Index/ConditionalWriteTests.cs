using VectorEngine.Format;
using VectorEngine.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Index;

/// <summary>Builds find out whether their store keeps the conditions of writes, before they write anything else.</summary>
public sealed class ConditionalWriteTests
{
    private static readonly VectorMatrix Vectors = GeneratedVectors.Normal(50, 6, 1);

    private static readonly WriteCondition Wrong = WriteCondition.Matches("no such tag");

    public static TheoryData<string> Faults => [.. Faulty.Keys];

    // What a store makes of the conditions that it is given.
    private static Dictionary<string, Func<WriteCondition, WriteCondition>> Faulty => new()
    {
        ["ignores all"] = _ => WriteCondition.None,
        ["ignores absence"] = condition => condition.IfAbsent ? WriteCondition.None : condition,
        ["ignores tags"] = condition => condition.IfMatch is null ? condition : WriteCondition.None,
        ["finds no tag right"] = condition => condition.IfMatch is null ? condition : Wrong,
        ["refuses all"] = condition => condition == WriteCondition.None ? condition : Wrong,
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_store_that_does_not_keep_conditions_is_refused(string fault)
    {
        var inner = new MemoryObjectStore();
        var store = new ConditionStore(inner, Faulty[fault]);
        for (int i = 0; i < 2; i++)
        {
            await Assert.ThrowsAsync<ConditionalWritesNotSupportedException>(
                () => VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors));
            Assert.Empty(await TestIndex.ObjectsAsync(inner));
        }

        await VectorIndexBuilder.BuildAsync(inner, TestIndex.Name, Vectors);
        int before = (await TestIndex.ObjectsAsync(inner)).Count;
        await Assert.ThrowsAsync<ConditionalWritesNotSupportedException>(
            () => VectorIndexBuilder.AppendAsync(store, TestIndex.Name, Vectors));
        Assert.Equal(before, (await TestIndex.ObjectsAsync(inner)).Count);
    }

    [Fact]
    public async Task It_can_be_used_by_who_promises_to_be_alone()
    {
        var store = new ConditionStore(new MemoryObjectStore(), Faulty["ignores all"]);
        var alone = new VectorIndexOptions { SingleWriter = true };
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors, alone);
        await VectorIndexBuilder.AppendAsync(store, TestIndex.Name, Vectors, alone);
        using VectorIndex index = await VectorIndex.OpenAsync(store, TestIndex.Name);
        Assert.Equal((2L, 100L), (index.Version, index.Count));
        Assert.DoesNotContain(store.Written, key => key.EndsWith("/probe", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_store_is_tried_once()
    {
        var store = new ConditionStore(new MemoryObjectStore(), condition => condition);
        for (int i = 0; i < 3; i++)
            await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors);
        Assert.Equal(4, store.Written.Count(key => key.EndsWith("/probe", StringComparison.Ordinal)));
        Assert.EndsWith("/probe", store.Written[0], StringComparison.Ordinal);
        Assert.DoesNotContain((await TestIndex.ObjectsAsync(store)).Keys, key => key.EndsWith("/probe", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_a_killed_attempt_left_is_deleted_as_any_segment_without_a_version()
    {
        var store = new MemoryObjectStore();
        await VectorIndexBuilder.BuildAsync(store, TestIndex.Name, Vectors);
        int before = (await TestIndex.ObjectsAsync(store)).Count;
        await store.WriteAsync(IndexKeys.Probe(TestIndex.Name, Guid.NewGuid()), new byte[5], WriteCondition.None);
        await VectorIndexVersions.CollectAsync(store, TestIndex.Name, new GarbageOptions { GracePeriod = TimeSpan.Zero });
        Assert.Equal(before, (await TestIndex.ObjectsAsync(store)).Count);
    }

    /// <summary>Makes something else of conditions.</summary>
    private sealed class ConditionStore(IObjectStore inner, Func<WriteCondition, WriteCondition> change) : PassingStore(inner)
    {
        public List<string> Written { get; } = [];

        public override ValueTask<string> WriteAsync(
            string key, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken = default)
        {
            Written.Add(key);
            return Inner.WriteAsync(key, content, change(condition), cancellationToken);
        }
    }
}

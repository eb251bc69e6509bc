using System.Text;
using FsCheck;
using FsCheck.Fluent;
using VectorEngine.Storage;
using VectorEngine.Testing;

namespace VectorEngine.Tests.Storage;

/// <summary>Any sequence of operations gives the same results on a store as on a plain dictionary.</summary>
public sealed class ObjectStoreModelTests
{
    // Few keys and contents, so that operations meet; some keys would be folders of others.
    private static readonly string[] Keys = ["a", "a/b", "a/b/c", "c", "d/e"];
    private static readonly string[] Contents = ["", "x", "yz"];

    private static readonly Gen<Operation> Operations =
        from kind in Gen.Elements(Enum.GetValues<Kind>())
        from key in Gen.Elements(Keys)
        from content in Gen.Elements(Contents)
        from expected in Gen.Elements(Contents)
        from offset in Gen.Choose(0, 3)
        from length in Gen.Choose(0, 3)
        select new Operation(kind, key, content, expected, offset, length);

    private static readonly Arbitrary<Operation[]> Sequences = Operations.ArrayOf().ToArbitrary();

    private enum Kind { Write, WriteIfAbsent, WriteIfMatches, Commit, Abandon, Delete, Read, ReadRange, List }

    [Fact]
    public void A_memory_store_behaves_like_a_dictionary() =>
        Prop.ForAll(Sequences, s => Agrees(new MemoryObjectStore(), s)).QuickCheckThrowOnFailure();

    [Fact]
    public void Decorators_that_neither_take_time_nor_fail_behave_like_a_dictionary() =>
        Prop.ForAll(Sequences, s =>
        {
            var faultless = new FaultyStore(new MemoryObjectStore(), new FaultOptions());
            Agrees(new SimulatedStore(faultless, new NetworkProfile { RoundTrip = TimeSpan.Zero }), s);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_file_store_behaves_like_a_dictionary() =>
        Prop.ForAll(Sequences, s =>
        {
            using var folder = new TemporaryFolder();
            using var store = new FileObjectStore(folder.Path);
            Agrees(store, s);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(40));   // each write is flushed to disk

    private static void Agrees(IObjectStore store, Operation[] operations)
    {
        var model = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (Operation operation in operations)
            Assert.Equal(Expect(model, operation), Observe(store, operation).GetAwaiter().GetResult());
    }

    private static string Expect(SortedDictionary<string, string> model, Operation o)
    {
        model.TryGetValue(o.Key, out string? present);
        bool writes = o.Kind is Kind.Write or Kind.WriteIfAbsent or Kind.WriteIfMatches or Kind.Commit;
        if (writes && model.Keys.Any(k => IsFolderOf(o.Key, k) || IsFolderOf(k, o.Key)))
            return "refused";
        switch (o.Kind)
        {
            case Kind.WriteIfAbsent when present is not null:
            case Kind.WriteIfMatches when present != o.Expected:
                return "conflict";
            case Kind.Write or Kind.WriteIfAbsent or Kind.WriteIfMatches or Kind.Commit:
                model[o.Key] = o.Content;
                return "done";
            case Kind.Delete:
                model.Remove(o.Key);
                return "done";
            case Kind.Read:
                return present ?? "missing";
            case Kind.ReadRange when present is null:
                return "missing";
            case Kind.ReadRange:
                return o.Offset + o.Length <= present.Length ? present.Substring(o.Offset, o.Length) : "beyond";
            case Kind.List:
                var listed = model.Where(m => m.Key.StartsWith(o.Prefix, StringComparison.Ordinal));
                return string.Join(' ', listed.Select(m => $"{m.Key}:{m.Value.Length}"));
            default:
                return "done";
        }
    }

    private static bool IsFolderOf(string folder, string key) => key.StartsWith(folder + "/", StringComparison.Ordinal);

    private static async Task<string> Observe(IObjectStore store, Operation o)
    {
        try
        {
            return await Apply(store, o);
        }
        catch (WriteConflictException)
        {
            return "conflict";
        }
        catch (ObjectNotFoundException)
        {
            return "missing";
        }
        catch (CorruptDataException)
        {
            return "beyond";
        }
        catch (IOException)
        {
            // An abandoned writer may be refused or not: only what becomes visible is promised.
            return o.Kind == Kind.Abandon ? "done" : "refused";
        }
    }

    private static async Task<string> Apply(IObjectStore store, Operation o)
    {
        byte[] content = Encoding.UTF8.GetBytes(o.Content);
        switch (o.Kind)
        {
            case Kind.Write:
                await store.WriteAsync(o.Key, content, WriteCondition.None);
                return "done";
            case Kind.WriteIfAbsent:
                await store.WriteAsync(o.Key, content, WriteCondition.Absent);
                return "done";
            case Kind.WriteIfMatches:
                string tag = await new MemoryObjectStore().WriteAsync("any", Encoding.UTF8.GetBytes(o.Expected), WriteCondition.None);
                await store.WriteAsync(o.Key, content, WriteCondition.Matches(tag));
                return "done";
            case Kind.Commit or Kind.Abandon:
                await using (ObjectWriter writer = await store.CreateAsync(o.Key))
                {
                    await writer.WriteAsync(content);
                    if (o.Kind == Kind.Commit)
                        await writer.CommitAsync();
                }
                return "done";
            case Kind.Delete:
                await store.DeleteAsync(o.Key);
                return "done";
            case Kind.Read:
                return await store.TryReadAsync(o.Key) is { } read ? Encoding.UTF8.GetString(read.Content.Span) : "missing";
            case Kind.ReadRange:
                var range = new byte[o.Length];
                await store.ReadAsync(o.Key, o.Offset, range);
                return Encoding.UTF8.GetString(range);
            default:
                return string.Join(' ', (await store.ListAsync(o.Prefix).ToListAsync()).Select(i => $"{i.Key}:{i.Length}"));
        }
    }

    private sealed record Operation(Kind Kind, string Key, string Content, string Expected, int Offset, int Length)
    {
        public string Prefix => Key[..Math.Min(Offset, Key.Length)];
    }
}

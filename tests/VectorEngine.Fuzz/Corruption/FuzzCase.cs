using System.Buffers.Binary;
using VectorEngine.Format;

namespace VectorEngine.Fuzz.Corruption;

/// <summary>One damaged index, which follows from the seed and the number of the case.</summary>
internal sealed class FuzzCase
{
    private readonly IntactIndex[] _corpus;
    private readonly Random _random;

    public FuzzCase(IntactIndex[] corpus, int seed, int number)
    {
        _corpus = corpus;
        _random = new Random(HashCode(seed, number));
        Index = corpus[_random.Next(corpus.Length)];
        // Copies: sealing writes into objects that were not damaged.
        Objects = new SortedDictionary<string, byte[]>(
            Index.Objects.ToDictionary(o => o.Key, o => o.Value.ToArray()), StringComparer.Ordinal);
        byte[] pointer = Objects["pointer"], version = Objects["version"];
        Store = _random.Next(8) switch { 0 => StoreKind.Mapped, 1 or 2 => StoreKind.Files, _ => StoreKind.Memory };
        MemoryBudget = _random.Next(2) == 0 ? 100_000 : null;
        Sealed = number % 2 == 1;
        for (int damages = Math.Max(1, _random.Next(-2, 4)); damages > 0; damages--)
            Damage();
        if (Sealed)
            Seal.All(Objects, link: ReferenceEquals(Objects.GetValueOrDefault("pointer"), pointer)
                && ReferenceEquals(Objects.GetValueOrDefault("version"), version));
    }

    /// <summary>What was damaged.</summary>
    public IntactIndex Index { get; }

    /// <summary>The objects after the damage; missing ones are not there.</summary>
    public SortedDictionary<string, byte[]> Objects { get; }

    /// <summary>Whether all checksums were made right again, as far as possible.</summary>
    public bool Sealed { get; }

    /// <summary>Where the objects are put.</summary>
    public StoreKind Store { get; }

    /// <summary>How it is opened.</summary>
    public long? MemoryBudget { get; }

    public override string ToString() =>
        $"{Index.Name}; {string.Join(", ", Changes())} damaged; {(Sealed ? "sealed" : "as damaged")}; {Store}, budget {MemoryBudget}";

    /// <summary>The same on every machine and in every process.</summary>
    private static int HashCode(int seed, int number)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, seed);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[4..], number);
        return (int)Crc32C.Compute(bytes);
    }

    private IEnumerable<string> Changes() => Index.Objects.Keys.Where(
        name => !Objects.TryGetValue(name, out byte[]? now) || !now.AsSpan().SequenceEqual(Index.Objects[name]));

    private void Damage()
    {
        // The small objects have most of the meaning.
        string name = _random.Next(8) switch { 0 => _random.Next(3) == 0 ? "version" : "pointer", 1 or 2 or 3 => Root(), _ => Any(Objects.Keys) };
        if (!Objects.TryGetValue(name, out byte[]? bytes))
            return;
        bool container = IntactIndex.IsContainer(name);
        switch (_random.Next(30))
        {
            case 0:
                Objects.Remove(name);
                break;
            case 1:
                string other = Any(Objects.Keys);
                // The object of a version in the pointer's place is a sound pointer: that of then.
                if (name is "pointer" or "version" && other is "pointer" or "version")
                    break;
                (Objects[name], Objects[other]) = (Objects[other], bytes);
                break;
            case 2 when Sealed || !IntactIndex.IsPointer(name): // another index's pointer is sound, too
                Objects[name] = _corpus[_random.Next(_corpus.Length)].Objects.GetValueOrDefault(name, []);
                break;
            case 3 or 4 or 5 when container:
                Objects[name] = ContainerDamage.ShuffleSections(bytes, _random);
                break;
            case 6 or 7 or 8 when container:
                Objects[name] = ContainerDamage.Inflate(bytes, _random);
                break;
            default:
                Objects[name] = ByteDamage.Apply(bytes, () => Place(bytes, container), _random);
                break;
        }
    }

    private int Place(byte[] bytes, bool container)
    {
        if (container)
            return ContainerDamage.Place(bytes, _random);
        // Headers and messages are at the front.
        return _random.Next(5) switch
        {
            0 or 1 => _random.Next(Math.Min(bytes.Length, 2048)),
            2 => bytes.Length - 1 - _random.Next(Math.Min(bytes.Length, 256)),
            _ => _random.Next(bytes.Length),
        };
    }

    private string Root()
    {
        string[] roots = [.. Index.Objects.Keys.Where(IntactIndex.IsRoot)];
        return roots[_random.Next(roots.Length)];
    }

    private string Any(ICollection<string> names) => names.ElementAt(_random.Next(names.Count));
}

using VectorEngine.Storage;

namespace VectorEngine.Fuzz.Corruption;

/// <summary>Where the objects of a case are put.</summary>
internal enum StoreKind
{
    /// <summary>In memory.</summary>
    Memory,

    /// <summary>In files.</summary>
    Files,

    /// <summary>In files that are mapped into memory.</summary>
    Mapped,
}

/// <summary>A store with the objects of one case.</summary>
internal sealed class CaseStore : IDisposable
{
    private readonly string? _folder;

    public CaseStore(SortedDictionary<string, byte[]> objects, StoreKind kind)
    {
        if (kind == StoreKind.Memory)
        {
            Store = new MemoryObjectStore();
            foreach ((string name, byte[] bytes) in objects)
                Store.WriteAsync(IntactIndex.KeyOf(name), bytes, WriteCondition.None).AsTask().GetAwaiter().GetResult();
            return;
        }

        _folder = Directory.CreateTempSubdirectory("vectorengine-fuzz-").FullName;
        Store = new FileObjectStore(_folder);
        foreach ((string name, byte[] bytes) in objects)
        {
            // Not through the store, which would wait for the disk.
            string path = Path.Combine(_folder, IntactIndex.KeyOf(name));
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, bytes);
        }
    }

    public IObjectStore Store { get; }

    public void Dispose()
    {
        (Store as FileObjectStore)?.Dispose();
        if (_folder is not null)
            Directory.Delete(_folder, recursive: true);
    }
}

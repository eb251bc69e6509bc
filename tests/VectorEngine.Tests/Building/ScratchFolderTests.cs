using VectorEngine.Building;
using VectorEngine.Input;
using VectorEngine.Storage;
using VectorEngine.Tests.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Building;

/// <summary>Temporary files go with the build, or with the next one.</summary>
public sealed class ScratchFolderTests : IDisposable
{
    private readonly TemporaryFolder _parent = new();

    public void Dispose() => _parent.Dispose();

    [Fact]
    public void Leftovers_of_the_dead_go_and_what_the_living_use_stays()
    {
        using var living = new ScratchFolder(_parent.Path);
        living.Create("file", 4096).Dispose();
        string dead = Path.Combine(_parent.Path, "vectorengine-build-0123");
        Directory.CreateDirectory(Path.Combine(dead, "inner"));
        File.WriteAllText(Path.Combine(dead, "file"), "left");
        File.WriteAllText(dead + ".lock", "");
        File.WriteAllText(Path.Combine(_parent.Path, "vectorengine-build-of-mine.txt"), "not a lock");
        Directory.CreateDirectory(Path.Combine(_parent.Path, "something else"));

        using (var next = new ScratchFolder(_parent.Path))
        {
            Assert.NotEqual(living.Path, next.Path);
            Assert.False(Directory.Exists(dead));
            Assert.False(File.Exists(dead + ".lock"));
            Assert.True(File.Exists(Path.Combine(living.Path, "file")));
        }

        living.Dispose();
        Assert.Equal(
            ["something else", "vectorengine-build-of-mine.txt"],
            Directory.EnumerateFileSystemEntries(_parent.Path).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void Files_are_for_their_owner()
    {
        using var scratch = new ScratchFolder(Path.Combine(_parent.Path, "not", "there"));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(scratch.Path));
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_is_named()
    {
        string file = Path.Combine(_parent.Path, "file");
        await File.WriteAllTextAsync(file, "");
        foreach (string folder in new[] { file, Path.Combine(file, "inner") })
        {
            IOException failure = await Assert.ThrowsAnyAsync<IOException>(() => VectorIndexBuilder.BuildAsync(
                new MemoryObjectStore(), "a", VectorSource.FromMatrix(GeneratedVectors.Normal(10, 3, 1)),
                new VectorIndexOptions { ScratchFolder = folder }));
            Assert.StartsWith($"The scratch folder '{folder}' cannot be used", failure.Message);
        }
    }

    [Fact]
    public async Task Many_builds_may_share_a_folder()
    {
        var options = new VectorIndexOptions { ClusterCount = 3, ScratchFolder = _parent.Path, MaxDegreeOfParallelism = 1 };
        await Parallel.ForAsync(0, 16, async (i, _) => await VectorIndexBuilder.BuildAsync(
            new MemoryObjectStore(), "a", VectorSource.FromMatrix(GeneratedVectors.Normal(500, 4, i)), options));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_parent.Path));
    }
}

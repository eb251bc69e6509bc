namespace VectorEngine.Tests.Storage;

/// <summary>A folder of the test's own, deleted with everything in it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("vectorengine-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

using VectorEngine.Storage;
using VectorEngine.Tests.Storage;

namespace VectorEngine.S3.Tests;

public sealed class S3ObjectStoreTests : ObjectStoreContract
{
    private readonly Lazy<S3ObjectStore> _store = new(() => TestServer.Store(TestServer.NewFolder()));

    protected override IObjectStore Store => _store.Value;

    /// <summary>S3 has no folders, and nothing to refuse.</summary>
    [Fact]
    public override async Task No_key_is_a_folder_of_another()
    {
        await Write("a/b", "x");
        await Write("a", "y");
        Assert.Equal(["a", "a/b"], await Keys(""));
    }
}

using VectorEngine.Storage;

namespace VectorEngine.Tests.Storage;

public sealed class MemoryObjectStoreTests : ObjectStoreContract
{
    protected override IObjectStore Store { get; } = new MemoryObjectStore();
}

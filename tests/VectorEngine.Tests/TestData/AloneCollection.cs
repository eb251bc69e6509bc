namespace VectorEngine.Tests.TestData;

/// <summary>Tests that measure the whole process, and so run while no other test does.</summary>
[CollectionDefinition(nameof(AloneCollection), DisableParallelization = true)]
public sealed class AloneCollection;

namespace ColdStart;

/// <summary>What the command line asks for.</summary>
/// <param name="Folder">The folder that holds the index; null to build one.</param>
/// <param name="Name">Its name.</param>
/// <param name="Bucket">The bucket to open it from; null for the folder behind a simulated network.</param>
/// <param name="Endpoint">The server that has the bucket; null for what the environment says.</param>
internal sealed record Settings(string? Folder, string Name, string? Bucket, string? Endpoint);

using System.Security.Cryptography;

namespace VectorEngine.Storage;

/// <summary>The entity tag of the stores here: a hash of the content, the same for every reader and every process.</summary>
internal static class EntityTag
{
    public static string Of(ReadOnlySpan<byte> content) => Convert.ToHexStringLower(SHA256.HashData(content));
}

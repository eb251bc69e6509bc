using System.Buffers;
using System.Runtime.CompilerServices;

namespace VectorEngine.Storage;

/// <summary>The rule for keys, the same in every store, so that an index can be copied from any store to any other.</summary>
internal static class ObjectKey
{
    public const int MaxSegmentLength = 200;

    /// <summary>Half of what S3 allows: leaves room for the prefix or folder under which a store keeps its objects.</summary>
    public const int MaxLength = 500;

    private static readonly SearchValues<char> Allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    /// <summary>Throws unless <paramref name="key"/> is one that every store accepts.</summary>
    public static void Validate(string key, [CallerArgumentExpression(nameof(key))] string? parameter = null)
    {
        ArgumentNullException.ThrowIfNull(key, parameter);
        if (!IsValid(key))
        {
            throw new ArgumentException($"'{key}' is not an object key: 1 to {MaxLength} characters, segments of 1 to {MaxSegmentLength} " +
                "characters of [A-Za-z0-9._-] separated by '/', none ending with '.'.", parameter);
        }
    }

    /// <summary>Throws unless <paramref name="prefix"/> is empty or the start of a valid key.</summary>
    public static void ValidatePrefix(string prefix, [CallerArgumentExpression(nameof(prefix))] string? parameter = null)
    {
        ArgumentNullException.ThrowIfNull(prefix, parameter);
        int tail = prefix.LastIndexOf('/') + 1;
        bool valid = prefix.Length <= MaxLength
            && (tail == 0 || IsValid(prefix.AsSpan(0, tail - 1)))
            && prefix.Length - tail <= MaxSegmentLength
            && !prefix.AsSpan(tail).ContainsAnyExcept(Allowed);
        if (!valid)
            throw new ArgumentException($"'{prefix}' is not the start of any object key.", parameter);
    }

    public static bool IsValid(ReadOnlySpan<char> key)
    {
        if (key.Length > MaxLength)
            return false;
        foreach (Range segment in key.Split('/'))
        {
            if (!IsSegment(key[segment]))
                return false;
        }
        return true;
    }

    // A dot at the end is excluded because it makes "." and "..", and because Windows drops it: "a." and "a" would be one file.
    private static bool IsSegment(ReadOnlySpan<char> segment) =>
        segment.Length is >= 1 and <= MaxSegmentLength && segment[^1] != '.' && !segment.ContainsAnyExcept(Allowed);
}

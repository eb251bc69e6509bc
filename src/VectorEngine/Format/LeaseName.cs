using System.Globalization;

namespace VectorEngine.Format;

/// <summary>A lease as the last part of its key spells it; the object has no content.</summary>
/// <param name="Version">The version that it keeps.</param>
/// <param name="Duration">How long after it was written it ends; whole milliseconds.</param>
/// <param name="Id">Its own.</param>
internal readonly record struct LeaseName(VersionId Version, TimeSpan Duration, Guid Id)
{
    /// <summary>The version, the milliseconds and the ID, with hyphens between them.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Version}-{Duration.Ticks / TimeSpan.TicksPerMillisecond}-{Id:N}");

    /// <summary>Reads what <see cref="ToString"/> writes; null if it is something else.</summary>
    public static LeaseName? TryParse(ReadOnlySpan<char> text)
    {
        if (text.Length <= VersionId.TextLength || text[VersionId.TextLength] != '-')
            return null;
        ReadOnlySpan<char> rest = text[(VersionId.TextLength + 1)..];
        int hyphen = rest.IndexOf('-');
        return VersionId.TryParse(text[..VersionId.TextLength]) is { } version && hyphen > 0
            && int.TryParse(rest[..hyphen], NumberStyles.None, CultureInfo.InvariantCulture, out int milliseconds)
            && Guid.TryParseExact(rest[(hyphen + 1)..], "N", out Guid id)
                ? new LeaseName(version, TimeSpan.FromMilliseconds(milliseconds), id)
                : null;
    }
}

using System.Globalization;

namespace VectorEngine.Format;

/// <summary>What tells a version from every other, also from one of the same number that lost a race.</summary>
/// <param name="Number">1 for the first, then one more each time.</param>
/// <param name="Nonce">Drawn at random for each attempt to publish.</param>
internal readonly record struct VersionId(long Number, Guid Nonce)
{
    private const int NumberDigits = 20, NonceDigits = 32;

    /// <summary>Characters of <see cref="ToString"/>.</summary>
    public const int TextLength = NumberDigits + 1 + NonceDigits;

    /// <summary>As keys spell it: the number in 20 digits, a hyphen, the nonce in 32 hexadecimal digits.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Number:D20}-{Nonce:N}");

    /// <summary>Reads what <see cref="ToString"/> writes; null if it is something else.</summary>
    public static VersionId? TryParse(ReadOnlySpan<char> text) =>
        text.Length == TextLength && text[NumberDigits] == '-'
        && long.TryParse(text[..NumberDigits], NumberStyles.None, CultureInfo.InvariantCulture, out long number)
        && Guid.TryParseExact(text[(NumberDigits + 1)..], "N", out Guid nonce)
            ? new VersionId(number, nonce)
            : null;
}

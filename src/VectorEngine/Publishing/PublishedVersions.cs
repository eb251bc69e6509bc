using VectorEngine.Format;
using VectorEngine.Storage;

namespace VectorEngine.Publishing;

/// <summary>Finds versions. Published is what the pointer names, as the newest or in its history, and nothing else.</summary>
internal static class PublishedVersions
{
    /// <summary>Finds a version of those that a pointer names.</summary>
    /// <exception cref="VersionNotFoundException">There is no such version, or not any more.</exception>
    /// <exception cref="CorruptDataException">The version's object is damaged.</exception>
    /// <exception cref="NotSupportedException">It is of another version of the format.</exception>
    public static async ValueTask<Manifest> FindAsync(
        RetryingStore store, string index, Pointer pointer, long number, CancellationToken cancellationToken)
    {
        if (number == pointer.Newest.Id.Number)
            return pointer.Newest;
        foreach (VersionEntry version in pointer.Newest.History)
        {
            if (version.Id.Number == number)
                return await TryReadAsync(store, index, version.Id, cancellationToken).ConfigureAwait(false)
                    ?? throw new VersionNotFoundException(index, number);
        }

        throw new VersionNotFoundException(index, number);
    }

    /// <summary>Reads the object of a version, published or not; null if there is none.</summary>
    /// <inheritdoc cref="FindAsync"/>
    public static async ValueTask<Manifest?> TryReadAsync(
        RetryingStore store, string index, VersionId version, CancellationToken cancellationToken) =>
        (await Pointer.TryReadVersionAsync(store, index, version, cancellationToken).ConfigureAwait(false))?.Newest;

    /// <summary>Whether a version is published now.</summary>
    public static async ValueTask<bool> ContainsAsync(
        RetryingStore store, string index, VersionId version, CancellationToken cancellationToken) =>
        await Pointer.TryReadAsync(store, index, cancellationToken).ConfigureAwait(false) is { } pointer && pointer.Newest.Names(version);
}

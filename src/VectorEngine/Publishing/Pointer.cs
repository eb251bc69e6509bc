using VectorEngine.Format;
using VectorEngine.Storage;

namespace VectorEngine.Publishing;

/// <summary>The pointer of an index as it was read: the versions that are published, and what tells it from every other pointer.</summary>
/// <param name="Newest">The newest version, and those before.</param>
/// <param name="ETag">The object's entity tag.</param>
internal sealed record Pointer(Manifest Newest, string ETag)
{
    /// <summary>Reads the pointer; null if there is none.</summary>
    /// <exception cref="CorruptDataException">It is damaged.</exception>
    /// <exception cref="NotSupportedException">It is of another version of the format.</exception>
    public static ValueTask<Pointer?> TryReadAsync(RetryingStore store, string index, CancellationToken cancellationToken) =>
        ReadObjectAsync(store, IndexKeys.Pointer(index), isRequired: false, expected: null, cancellationToken);

    /// <summary>Reads the pointer.</summary>
    /// <exception cref="ObjectNotFoundException">There is none.</exception>
    /// <inheritdoc cref="TryReadAsync"/>
    public static ValueTask<Pointer> ReadAsync(RetryingStore store, string index, CancellationToken cancellationToken) =>
        ReadObjectAsync(store, IndexKeys.Pointer(index), isRequired: true, expected: null, cancellationToken)!;

    /// <summary>Reads a version's object, which is like the pointer; null if there is none.</summary>
    /// <inheritdoc cref="TryReadAsync"/>
    public static ValueTask<Pointer?> TryReadVersionAsync(
        RetryingStore store, string index, VersionId version, CancellationToken cancellationToken) =>
        ReadObjectAsync(store, IndexKeys.Version(index, version), isRequired: false, version, cancellationToken);

    /// <summary>Reads the pointer unless it still has a known tag: then null.</summary>
    /// <inheritdoc cref="ReadAsync"/>
    public static async ValueTask<Pointer?> ReadIfChangedAsync(
        RetryingStore store, string index, string knownETag, CancellationToken cancellationToken)
    {
        string key = IndexKeys.Pointer(index);
        ObjectContent? content = await store.ReadIfChangedAsync(key, knownETag, cancellationToken).ConfigureAwait(false);
        return content is null ? null : Of(key, content);
    }

    /// <summary>Reads an object; once more if it is damaged, perhaps on the way.</summary>
    private static async ValueTask<Pointer?> ReadObjectAsync(
        RetryingStore store, string key, bool isRequired, VersionId? expected, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            ObjectContent? content = await store.TryReadAsync(key, cancellationToken).ConfigureAwait(false);
            if (content is null)
                return isRequired ? throw new ObjectNotFoundException(key) : null;
            try
            {
                Pointer read = Of(key, content);
                return expected is null || read.Newest.Id == expected
                    ? read
                    : throw new CorruptDataException(key, 0, content.Content.Length, "another version");
            }
            catch (CorruptDataException) when (attempt == 1)
            {
            }
        }
    }

    private static Pointer Of(string key, ObjectContent content) => new(Manifest.ReadPointer(key, content.Content), content.ETag);
}

using System.Text;
using VectorEngine.Format;
using VectorEngine.Loading;
using VectorEngine.Quantization;

namespace VectorEngine;

/// <content>Tells how an index is, and whether it is intact.</content>
public sealed partial class VectorIndex
{
    /// <summary>Tells how vectors are spread over lists; reads nothing.</summary>
    public IndexStatistics Describe() => new()
    {
        Version = Version,
        Published = _manifest.Published,
        Size = Size,
        Segments = [.. _segments.Items.Select(segment => Describe(segment.Root))],
    };

    /// <summary>
    /// Reads every range of this version that has a checksum, whether or not it is in memory, and compares them; a damaged range does
    /// not end it. Memory beside what is kept for searches: a few pieces of 4 MiB, or as much as the longest list.
    /// </summary>
    /// <param name="progress">Told the share of the bytes that has been read, from 0 to 1.</param>
    /// <param name="cancellationToken">Cancels the verification.</param>
    /// <returns>What is damaged.</returns>
    /// <exception cref="StoreException">The store failed to serve.</exception>
    /// <exception cref="ObjectDisposedException">The index is disposed.</exception>
    public async Task<VerificationReport> VerifyAsync(
        IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        using var use = new ActiveSearch(this);
        LayerSource[] sources = [.. _segments.Items.SelectMany((segment, i) => Sources(segment, _manifest.Segments[i]))];
        return await new Verification(_segments.Reader, sources, progress).RunAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The root, in one piece, and the layers.</summary>
    private static IEnumerable<LayerSource> Sources(Segment segment, SegmentReference reference) => segment.Sources.Prepend(
        new LayerSource(
            LayerKind.Root, segment.Keys.Root, reference.RootLength, 1, _ => (0, (int)reference.RootLength),
            (_, bytes) =>
            {
                if (Crc32C.Compute(bytes.Span) != reference.RootChecksum)
                    throw new CorruptDataException(segment.Keys.Root, 0, bytes.Length, "not the root that the pointer names");
                segment.VerifyCopies(); // they are the same in memory, then
            }));

    private static SegmentStatistics Describe(SegmentRoot root) => new()
    {
        Count = root.Description.Count,
        CommonLength = root.Description.CommonLength > 0 ? root.Description.CommonLength : null,
        ListSizes = root.Lists is { } lists ? [.. Enumerable.Range(0, lists.ListCount).Select(lists.Count)] : [],
        Spreads = [.. root.Spreads],
        DuplicateLists = CountDuplicates(root),
    };

    /// <summary>Centroids with one code in the directory have one direction and, if the code is scaled nearly alike, one length.</summary>
    private static int CountDuplicates(SegmentRoot root)
    {
        if (root.Space is not { Layout: var layout })
            return 0;
        const float SameScale = 0.01f;
        var blocks = new SignBlocks(layout, root.DirectorySign.Span, root.Description.ListCount);
        var seen = new Dictionary<string, List<float>>(StringComparer.Ordinal);
        byte[] code = new byte[layout.SignGroups + layout.ExCodeBytes];
        int duplicates = 0;
        for (int list = 0; list < root.Description.ListCount; list++)
        {
            ReadOnlySpan<byte> record = root.DirectoryEx.Span.Slice(list * layout.ExRecordBytes, layout.ExRecordBytes);
            float scale = ExRecord.ReadFactors(record).Rescale;
            blocks.CopySigns(list, code);
            record[CodeLayout.ExFactorBytes..].CopyTo(code.AsSpan(layout.SignGroups));
            string key = Encoding.Latin1.GetString(code);
            if (!seen.TryGetValue(key, out List<float>? scales))
                seen[key] = scales = [];
            if (scales.Exists(other => MathF.Abs(other - scale) <= SameScale * MathF.Abs(other)))
                duplicates++;
            else
                scales.Add(scale);
        }

        return duplicates;
    }
}

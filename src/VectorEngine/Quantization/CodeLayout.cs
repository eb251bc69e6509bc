using VectorEngine.Kernels;

namespace VectorEngine.Quantization;

/// <summary>
/// Where everything lies in the posting lists of one index; all of it follows from the number of dimensions.
/// </summary>
/// <remarks>
/// Sign list: the centroid, then blocks of 32 postings.
/// <code>
/// centroid            float16 x D, padded to 64 bytes
/// block  0            sign codes: D/4 groups of 16 bytes
///        4 D          add factors     float32  x 32
///        4 D + 128    rescale factors float32  x 32
///        4 D + 256    error factors   bfloat16 x 32
///        4 D + 320    ordinals        uint32   x 32
///
/// group g (dimensions 4g..4g+3), byte 2j:     bits 0-3 posting j,     bits 4-7 posting 16 + j   (j = 0..7)
///                                byte 2j + 1: bits 0-3 posting 8 + j, bits 4-7 posting 24 + j
/// bit i of a posting's four: 1 where the rotated residual is not negative in dimension 4g + i
/// </code>
/// Ex list: one record per posting, in the order of the sign list, the whole padded to 64 bytes.
/// <code>
/// record 0            add factor     float32
///        4            rescale factor float32
///        8            error factor   bfloat16
///        10           two-bit plane: D/4 bytes; unit u (dimensions 64u..), byte j: bits 2l, 2l+1 of dimension 64u + 16l + j
///        10 + D/4     one-bit plane: 8 bytes per unit; byte j mod 8, bit l (j &lt; 8) or l + 4: the upper bit of dimension 64u + 16l + j
/// </code>
/// A last unit of fewer dimensions has width w = rest/4 instead of 16: dimension 64u + w l + j, w bytes of the two-bit plane
/// and min(8, w) of the one-bit plane.
/// </remarks>
internal sealed class CodeLayout
{
    public const int BlockSize = 32;
    public const int FactorBytes = 320;
    public const int ExFactorBytes = 10;

    /// <summary>The smallest and largest number of dimensions that can be coded.</summary>
    public const int MinDimensions = 2, MaxDimensions = 8192;

    public CodeLayout(int dimensions)
    {
        Dimensions = dimensions;
        PaddedDimensions = (dimensions + 15) & ~15;
        CentroidBytes = ((2 * PaddedDimensions) + 63) & ~63;
        SignCodeBytes = 4 * PaddedDimensions;
        BlockBytes = SignCodeBytes + FactorBytes + (4 * BlockSize);
        int tail = PaddedDimensions % 64;
        ExCodeBytes = (PaddedDimensions / 4) + (PaddedDimensions / 64 * 8) + Math.Min(8, tail / 4);
        ExRecordBytes = ExFactorBytes + ExCodeBytes;
    }

    /// <summary>Dimensions of the vectors.</summary>
    public int Dimensions { get; }

    /// <summary>Dimensions of the codes: the next multiple of 16.</summary>
    public int PaddedDimensions { get; }

    /// <summary>Bytes of a list's centroid.</summary>
    public int CentroidBytes { get; }

    /// <summary>Bytes of a block's sign codes; as many as a query's lookup table has.</summary>
    public int SignCodeBytes { get; }

    /// <summary>Groups of four dimensions, whose signs lie together.</summary>
    public int SignGroups => PaddedDimensions / 4;

    /// <summary>Bytes of a block: a multiple of 64.</summary>
    public int BlockBytes { get; }

    /// <summary>Bytes of one posting's ex-code.</summary>
    public int ExCodeBytes { get; }

    /// <summary>Bytes of one posting's ex record.</summary>
    public int ExRecordBytes { get; }

    /// <summary>Signed bytes of a query for <see cref="IKernels.DotExCode"/>.</summary>
    public int QueryBytes => (PaddedDimensions + 63) & ~63;

    /// <summary>Offset of the ordinals in a block.</summary>
    public int OrdinalOffset => SignCodeBytes + FactorBytes;

    /// <summary>Blocks that hold <paramref name="count"/> postings.</summary>
    public static int BlockCount(int count) => (int)(((uint)count + BlockSize - 1) / BlockSize);

    /// <summary>Bytes of the blocks of a list of <paramref name="count"/> postings.</summary>
    public long BlocksLength(int count) => (long)BlockCount(count) * BlockBytes;

    /// <summary>Bytes of the sign list of <paramref name="count"/> postings.</summary>
    public long SignListLength(int count) => CentroidBytes + BlocksLength(count);

    /// <summary>Bytes of the ex list of <paramref name="count"/> postings.</summary>
    public long ExListLength(int count) => (((long)count * ExRecordBytes) + 63) & ~63L;

    /// <summary>Where dimension <paramref name="dimension"/> stands among the query's bytes.</summary>
    public int QueryPosition(int dimension)
    {
        int start = dimension & ~63;
        int width = Math.Min(64, PaddedDimensions - start) / 4;
        int within = dimension - start;
        return start + (16 * (within / width)) + (within % width);
    }
}

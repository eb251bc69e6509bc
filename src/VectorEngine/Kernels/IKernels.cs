namespace VectorEngine.Kernels;

/// <summary>The hot loops of one instruction set; implementations have no size and serve only as type arguments.</summary>
/// <remarks>
/// <see cref="ScalarKernels"/> is the specification: integer kernels and <see cref="SelectBelow"/>, <see cref="Hadamard"/>,
/// <see cref="Multiply"/> and <see cref="Butterfly"/> equal it bit for bit, the other float kernels up to the order of summation.
/// Lengths are as each kernel states; none reads or writes outside its spans.
/// </remarks>
internal interface IKernels
{
    /// <summary>True if this machine runs it.</summary>
    static abstract bool IsSupported { get; }

    /// <summary>The sum of x[i] y[i]; any length.</summary>
    static abstract float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y);

    /// <inheritdoc cref="Dot(ReadOnlySpan{float}, ReadOnlySpan{float})"/>
    static abstract float Dot(ReadOnlySpan<float> x, ReadOnlySpan<Half> y);

    /// <summary>The sum of (x[i] - y[i])^2; any length.</summary>
    static abstract float SquaredL2(ReadOnlySpan<float> x, ReadOnlySpan<float> y);

    /// <inheritdoc cref="SquaredL2(ReadOnlySpan{float}, ReadOnlySpan{float})"/>
    static abstract float SquaredL2(ReadOnlySpan<float> x, ReadOnlySpan<Half> y);

    /// <summary>Inner products of a vector with each row of a matrix; rows.Length = x.Length * results.Length.</summary>
    static abstract void DotRows(ReadOnlySpan<float> x, ReadOnlySpan<float> rows, Span<float> results);

    /// <summary>Squared distances of a vector to each row of a matrix; rows.Length = x.Length * results.Length.</summary>
    static abstract void SquaredL2Rows(ReadOnlySpan<float> x, ReadOnlySpan<float> rows, Span<float> results);

    /// <summary>Columns of a panel in <see cref="DotTile"/>.</summary>
    static abstract int TileColumns { get; }

    /// <summary>
    /// A tile of a matrix product: 4 rows times <see cref="TileColumns"/> columns.
    /// rows: 4 x d, row-major. panel: d x TileColumns, row-major. results: 4 x TileColumns, row-major.
    /// </summary>
    static abstract void DotTile(ReadOnlySpan<float> rows, ReadOnlySpan<float> panel, Span<float> results);

    /// <summary>The unnormalised Walsh-Hadamard transform in place; the length is a power of two of at least 16.</summary>
    static abstract void Hadamard(Span<float> x);

    /// <summary>x[i] *= factors[i]; the length is a multiple of 16.</summary>
    static abstract void Multiply(Span<float> x, ReadOnlySpan<float> factors);

    /// <summary>(x[i], y[i]) becomes (x[i] + y[i], x[i] - y[i]) / sqrt(2); the length is a multiple of 8.</summary>
    static abstract void Butterfly(Span<float> x, Span<float> y);

    /// <summary>
    /// How well the 4-bit code of <paramref name="residual"/> at <paramref name="scale"/> points along it: with the magnitude codes
    /// m[i] = min(7, floor(|r[i]| scale)) + 1/2, the sums of |r[i]| m[i] and of m[i]^2. The length is a multiple of 16.
    /// </summary>
    static abstract (float Dot, float SquaredNorm) ScoreScale(ReadOnlySpan<float> residual, float scale);

    /// <summary>
    /// Sums of table entries over the sign codes of <paramref name="sums"/>.Length / 32 blocks of 32 postings.
    /// A block's codes are groups of 16 bytes, one group for 4 dimensions (drawn in CodeLayout); a group's table has 16 entries.
    /// Entries of two groups 64 bytes apart, in the first and second half of 128 bytes, add up to at most 255, so that they can be added as
    /// bytes.
    /// </summary>
    /// <param name="blocks">The blocks, <paramref name="blockStride"/> bytes apart, each starting with its codes.</param>
    /// <param name="blockStride">Bytes from block to block.</param>
    /// <param name="table">16 bytes per group; a multiple of 64 bytes, at most 32,768.</param>
    /// <param name="sums">One sum per posting.</param>
    static abstract void FastScan(ReadOnlySpan<byte> blocks, int blockStride, ReadOnlySpan<byte> table, Span<int> sums);

    /// <summary>
    /// Which of a block's 32 postings lie at or below a threshold: bit i is set if
    /// (add[i] + constants.Base) + rescale[i] (sums[i] constants.Step + constants.Bias) - error[i] constants.Error is at most the
    /// threshold. Each step is one fused multiply-add, so that all instruction sets agree.
    /// </summary>
    /// <param name="sums">32 sums from <see cref="FastScan"/>.</param>
    /// <param name="factors">32 add (float32), 32 rescale (float32), 32 error (bfloat16).</param>
    /// <param name="constants">What the query and the posting list contribute.</param>
    /// <param name="threshold">The largest value that is selected.</param>
    static abstract uint SelectBelow(ReadOnlySpan<int> sums, ReadOnlySpan<byte> factors, in BoundConstants constants, float threshold);

    /// <summary>Which of a block's 32 postings are in a set of rows: bit i is set if bit ordinals[i] + first of the set is.</summary>
    /// <param name="ordinals">32 uint32, each of which the caller has checked to be covered by the set.</param>
    /// <param name="set">Bit b is bit b % 32 of word b / 32; covers every ordinal + <paramref name="first"/>.</param>
    /// <param name="first">The bit of ordinal 0, from 0 to 31.</param>
    static virtual uint SelectAllowed(ReadOnlySpan<byte> ordinals, ReadOnlySpan<uint> set, int first) =>
        ScalarKernels.SelectAllowed(ordinals, set, first);

    /// <summary>
    /// The integer inner product of a posting's ex-code (3 bits per dimension, drawn in CodeLayout) with a query of signed bytes in the
    /// same order.
    /// </summary>
    /// <param name="code">The code, followed by at least <see cref="ExCodeOverread"/> readable bytes of any value.</param>
    /// <param name="dimensions">Dimensions, a multiple of 16.</param>
    /// <param name="query">At least <paramref name="dimensions"/> rounded up to 64; zero where no dimension stands.</param>
    static abstract int DotExCode(ReadOnlySpan<byte> code, int dimensions, ReadOnlySpan<sbyte> query);

    /// <summary>Hints that bytes will be read soon. Does nothing where .NET has no such instruction.</summary>
    static virtual void Prefetch(ReadOnlySpan<byte> bytes) { }

    /// <summary>Bytes behind an ex-code that <see cref="DotExCode"/> may read and ignore.</summary>
    const int ExCodeOverread = 16;
}

/// <summary>What the query and one posting list contribute to the lower bounds of its postings.</summary>
/// <param name="Base">Added to every posting's add factor.</param>
/// <param name="Step">Value of one unit of a FastScan sum.</param>
/// <param name="Bias">Added to the sum before it is rescaled.</param>
/// <param name="Error">Multiplies every posting's error factor.</param>
internal readonly record struct BoundConstants(float Base, float Step, float Bias, float Error);

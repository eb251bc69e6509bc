using VectorEngine.Kernels;
using VectorEngine.Numerics;

namespace VectorEngine.Quantization;

/// <summary>
/// Chooses the 1+3-bit code of a residual and its factors (RaBitQ, arXiv:2405.12497; extended to more bits, arXiv:2409.09913).
/// </summary>
/// <remarks>
/// r: rotated residual; c: rotated centroid; mu: rotated mean; D: its dimensions. The code u in {0..15}^D stands for x = u - 7.5,
/// its top bit s = [r >= 0] alone for xs = s - 1/2. The best code of all {floor(r t) + 8, clamped} maximises cos(r, x);
/// t is searched on a geometric grid around the optimum of a Gaussian, then finer around the best: O(D) per step.
/// Estimator: &lt;r, y&gt; is f &lt;x, y&gt; with f = |r|^2 / &lt;r, x&gt;, which leaves r - f x orthogonal to r.
/// Factors, with y = q - c (rotated) and w = 2 for squared L2, 1 for half of it (cosine):
/// w/2 |r - y|^2 = w/2 |y|^2 + [w/2 |r|^2 + w f &lt;x, c&gt;] + [-w f] &lt;x, q&gt;;
/// inner product: -&lt;o, q&gt; = base(list, query) + [-&lt;mu + c, r&gt; + f &lt;x, c&gt;] + [-f] &lt;x, q&gt;.
/// </remarks>
internal sealed class Encoder
{
    /// <summary>
    /// The grid of t sigma, where sigma = |r| / sqrt(D); a Gaussian's best 16-level uniform quantizer has t sigma near 3.
    /// </summary>
    private const float FirstScale = 1.5f, ScaleRatio = 1.12f;
    private const int CoarseSteps = 14, FineSteps = 5;

    private readonly CodeSpace _space;
    private readonly float[] _signCode, _code, _meanPlusCentroid;

    public Encoder(CodeSpace space)
    {
        _space = space;
        _signCode = new float[space.Layout.PaddedDimensions];
        _code = new float[space.Layout.PaddedDimensions];
        _meanPlusCentroid = new float[space.Layout.PaddedDimensions];
    }

    /// <summary>Encodes a residual.</summary>
    /// <param name="residual">The rotated residual; its length is the padded dimensions.</param>
    /// <param name="centroid">The rotated centroid, exactly as it is stored.</param>
    /// <param name="codes">Receives the 4-bit codes, one per byte.</param>
    /// <param name="sign">Receives the factors of the 1-bit layer.</param>
    /// <param name="full">Receives the factors of sign and ex-code together.</param>
    public void Encode<K>(
        ReadOnlySpan<float> residual, ReadOnlySpan<float> centroid, Span<byte> codes, out CodeFactors sign, out CodeFactors full)
        where K : struct, IKernels
    {
        double squaredNorm = K.Dot(residual, residual);
        float scale = squaredNorm > 0 ? BestScale<K>(residual, (float)Math.Sqrt(squaredNorm / residual.Length)) : 0;
        for (int i = 0; i < residual.Length; i++)
        {
            float value = residual[i];
            int magnitude = (int)MathF.Min(7, MathF.Abs(value) * scale);
            bool negative = value < 0;
            codes[i] = (byte)(negative ? 7 - magnitude : 8 + magnitude);
            _signCode[i] = negative ? -0.5f : 0.5f;
            _code[i] = negative ? -0.5f - magnitude : 0.5f + magnitude;
        }

        float offset = _space.Metric == Metric.InnerProduct
            ? -InnerProductOffset<K>(residual, centroid)
            : (float)(_space.Weight / 2 * squaredNorm);
        sign = Factors<K>(residual, centroid, _signCode, squaredNorm, offset);
        full = Factors<K>(residual, centroid, _code, squaredNorm, offset);
    }

    private static float BestScale<K>(ReadOnlySpan<float> residual, float sigma) where K : struct, IKernels
    {
        float best = 0, bestScore = -1, scale = FirstScale / sigma;
        for (int step = 0; step < CoarseSteps; step++, scale *= ScaleRatio)
            Try(scale, residual);
        float fineRatio = MathF.Pow(ScaleRatio, 2f / (FineSteps + 1));
        scale = best / ScaleRatio * fineRatio;
        for (int step = 0; step < FineSteps; step++, scale *= fineRatio)
            Try(scale, residual);
        return best;

        void Try(float candidate, ReadOnlySpan<float> values)
        {
            (float dot, float squaredNorm) = K.ScoreScale(values, candidate);
            float score = dot * dot / squaredNorm;
            if (score > bestScore)
                (best, bestScore) = (candidate, score);
        }
    }

    private float InnerProductOffset<K>(ReadOnlySpan<float> residual, ReadOnlySpan<float> centroid) where K : struct, IKernels
    {
        SpanMath.Add(_space.RotatedMean, centroid, _meanPlusCentroid);
        return K.Dot(residual, _meanPlusCentroid);
    }

    private CodeFactors Factors<K>(
        ReadOnlySpan<float> residual, ReadOnlySpan<float> centroid, ReadOnlySpan<float> code, double squaredNorm, float offset)
        where K : struct, IKernels
    {
        double inner = K.Dot(residual, code);
        if (!(inner > 0))
            return new CodeFactors(offset, 0, 0); // r = 0: the vector is its centroid, and the distance is known.
        double f = squaredNorm / inner;
        // |r - f x|^2 = f^2 |x|^2 - |r|^2; one part in 10^5 covers the float sums above.
        double missed = Math.Max(0, (f * f * K.Dot(code, code)) - squaredNorm) + (1e-5 * squaredNorm);
        double w = _space.Weight;
        return new CodeFactors((float)(offset + (w * f * K.Dot(code, centroid))), (float)(-w * f), (float)Math.Sqrt(missed));
    }
}

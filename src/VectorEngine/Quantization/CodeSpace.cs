using VectorEngine.Kernels;

namespace VectorEngine.Quantization;

/// <summary>What all codes of an index have in common: metric, transform, layout and the rotated mean.</summary>
internal sealed class CodeSpace
{
    private readonly float[] _rotatedMean;

    public CodeSpace(Metric metric, VectorTransform transform)
    {
        Metric = metric;
        Transform = transform;
        Layout = new CodeLayout(transform.Dimensions);
        _rotatedMean = new float[Layout.PaddedDimensions];
        var action = new RotateMean { Transform = transform, Rotated = _rotatedMean };
        KernelDispatch.Run(ref action);
    }

    public Metric Metric { get; }

    public VectorTransform Transform { get; }

    public CodeLayout Layout { get; }

    /// <summary>P(mean).</summary>
    public ReadOnlySpan<float> RotatedMean => _rotatedMean;

    /// <summary>
    /// w in distance = ... - w &lt;r, y&gt;: 2 for squared L2; 1 for the inner product and for cosine, which is half the squared L2 of unit
    /// vectors.
    /// </summary>
    public float Weight => Metric == Metric.SquaredL2 ? 2 : 1;

    private struct RotateMean : IKernelAction
    {
        public required VectorTransform Transform;
        public required float[] Rotated;

        public readonly void Run<K>() where K : struct, IKernels => Transform.Rotate<K>(Transform.Mean.Span, Rotated);
    }
}

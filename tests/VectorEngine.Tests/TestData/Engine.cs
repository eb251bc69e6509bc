using VectorEngine.Clustering;
using VectorEngine.Kernels;
using VectorEngine.Quantization;

namespace VectorEngine.Tests.TestData;

/// <summary>The engine's inner parts on the instruction set in use, as plain methods.</summary>
internal static class Engine
{
    public static void Rotate(Rotation rotation, Span<float> x)
    {
        var action = new RotateAction { Rotation = rotation, X = x };
        KernelDispatch.Run(ref action);
    }

    public static float[] Transform(VectorTransform transform, ReadOnlySpan<float> vector)
    {
        float[] rotated = new float[transform.PaddedDimensions];
        var action = new TransformAction { Transform = transform, Vector = vector, Rotated = rotated };
        KernelDispatch.Run(ref action);
        return rotated;
    }

    public static (CodeFactors Sign, CodeFactors Full) Encode(
        Encoder encoder, ReadOnlySpan<float> residual, ReadOnlySpan<float> centroid, Span<byte> codes)
    {
        var action = new EncodeAction { Encoder = encoder, Residual = residual, Centroid = centroid, Codes = codes };
        KernelDispatch.Run(ref action);
        return (action.Sign, action.Full);
    }

    public static float ExactDistance(Metric metric, StoredVectors type, ReadOnlySpan<float> query, ReadOnlySpan<byte> row)
    {
        var action = new DistanceAction { Metric = metric, Type = type, Query = query, Row = row };
        KernelDispatch.Run(ref action);
        return action.Distance;
    }

    public static void Normalise(Span<float> vector)
    {
        var action = new NormaliseAction { Vector = vector };
        KernelDispatch.Run(ref action);
    }

    public static void Assign(NearestCentroid nearest, ReadOnlySpan<float> rows, Span<int> labels)
    {
        var action = new AssignAction { Nearest = nearest, Rows = rows, Labels = labels };
        KernelDispatch.Run(ref action);
    }

    public static void Assign(CentroidShortlist shortlist, ReadOnlySpan<float> rows, Span<int> labels)
    {
        var action = new ShortlistAction { Shortlist = shortlist, Rows = rows, Labels = labels };
        KernelDispatch.Run(ref action);
    }

    private ref struct RotateAction : IKernelAction
    {
        public Rotation Rotation;
        public Span<float> X;

        public readonly void Run<K>() where K : struct, IKernels => Rotation.Apply<K>(X);
    }

    private ref struct TransformAction : IKernelAction
    {
        public VectorTransform Transform;
        public ReadOnlySpan<float> Vector;
        public Span<float> Rotated;

        public readonly void Run<K>() where K : struct, IKernels => Transform.Apply<K>(Vector, Rotated);
    }

    private ref struct EncodeAction : IKernelAction
    {
        public Encoder Encoder;
        public ReadOnlySpan<float> Residual, Centroid;
        public Span<byte> Codes;
        public CodeFactors Sign, Full;

        public void Run<K>() where K : struct, IKernels => Encoder.Encode<K>(Residual, Centroid, Codes, out Sign, out Full);
    }

    private ref struct DistanceAction : IKernelAction
    {
        public Metric Metric;
        public StoredVectors Type;
        public ReadOnlySpan<float> Query;
        public ReadOnlySpan<byte> Row;
        public float Distance;

        public void Run<K>()
            where K : struct, IKernels => Distance = VectorEngine.Search.ExactDistance.Compute<K>(Metric, Type, Query, Row);
    }

    private ref struct NormaliseAction : IKernelAction
    {
        public Span<float> Vector;

        public readonly void Run<K>() where K : struct, IKernels => VectorCheck.Normalise<K>(Vector, K.Dot(Vector, Vector), 0);
    }

    private ref struct AssignAction : IKernelAction
    {
        public NearestCentroid Nearest;
        public ReadOnlySpan<float> Rows;
        public Span<int> Labels;

        public readonly void Run<K>() where K : struct, IKernels => Nearest.Assign<K>(Rows, Labels);
    }

    private ref struct ShortlistAction : IKernelAction
    {
        public CentroidShortlist Shortlist;
        public ReadOnlySpan<float> Rows;
        public Span<int> Labels;

        public readonly void Run<K>() where K : struct, IKernels => Shortlist.Assign<K>(Rows, Labels);
    }
}

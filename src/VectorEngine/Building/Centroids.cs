using VectorEngine.Clustering;
using VectorEngine.Kernels;
using VectorEngine.Quantization;

namespace VectorEngine.Building;

/// <summary>The centroids of a build: as they were trained, for assignment, and as they are stored, for residuals.</summary>
internal sealed class Centroids
{
    private readonly CodeSpace _space;
    private readonly Half[] _stored;

    /// <param name="trained">Row-major, less the mean.</param>
    /// <param name="space">The space of the codes.</param>
    /// <param name="parallel">Degree of parallelism and cancellation.</param>
    public Centroids(float[] trained, CodeSpace space, ParallelOptions parallel)
    {
        _space = space;
        Trained = trained;
        Count = trained.Length / space.Layout.Dimensions;
        Shortlist = new CentroidShortlist(trained, space.Layout.Dimensions, parallel);
        _stored = new Half[Count * space.Layout.PaddedDimensions];
        var rotate = new RotateRows { Space = space, Trained = trained, Stored = _stored };
        KernelDispatch.Run(ref rotate);
    }

    public int Count { get; }

    /// <summary>As they were trained: row-major, less the mean.</summary>
    public ReadOnlyMemory<float> Trained { get; }

    /// <summary>Finds the nearest.</summary>
    public CentroidShortlist Shortlist { get; }

    /// <summary>One as it is stored: rotated, scaled, rounded.</summary>
    public ReadOnlySpan<Half> Stored(int cluster) =>
        _stored.AsSpan(cluster * _space.Layout.PaddedDimensions, _space.Layout.PaddedDimensions);

    /// <summary>One as residuals are taken against it: rotated, and rounded as it is stored.</summary>
    public void Read(int cluster, Span<float> rotated)
    {
        ReadOnlySpan<Half> stored = Stored(cluster);
        float inverse = 1 / _space.Transform.CentroidScale;
        for (int i = 0; i < stored.Length; i++)
            rotated[i] = (float)stored[i] * inverse;
    }

    private struct RotateRows : IKernelAction
    {
        public CodeSpace Space;
        public float[] Trained;
        public Half[] Stored;

        public readonly void Run<K>() where K : struct, IKernels
        {
            int dimensions = Space.Layout.Dimensions, padded = Space.Layout.PaddedDimensions;
            float[] rotated = new float[padded];
            for (int c = 0; c < Trained.Length / dimensions; c++)
            {
                Space.Transform.Rotate<K>(Trained.AsSpan(c * dimensions, dimensions), rotated);
                for (int i = 0; i < padded; i++)
                    Stored[(c * padded) + i] = (Half)Math.Clamp(rotated[i] * Space.Transform.CentroidScale, -65504f, 65504f);
            }
        }
    }
}

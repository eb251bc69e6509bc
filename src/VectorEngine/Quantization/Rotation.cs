using System.Numerics;
using VectorEngine.Kernels;
using VectorEngine.Numerics;

namespace VectorEngine.Quantization;

/// <summary>
/// A seeded random orthogonal transform in O(D log D): four rounds of random sign flips and a Walsh-Hadamard transform.
/// </summary>
/// <remarks>
/// Where D is no power of two, the Hadamard transform covers the largest power of two, at the head in even and at the tail in odd rounds,
/// and each round ends with one step of Kac's walk: the first half of the dimensions is mixed with the second by 45 degree turns.
/// Every step is orthogonal, so lengths and angles are kept. The state is the 4 D signs.
/// </remarks>
internal sealed class Rotation
{
    public const int Rounds = 4;

    private readonly int _window;
    private readonly float[][] _factors = new float[Rounds][];

    /// <summary>Restores a rotation from its signs.</summary>
    /// <param name="dimensions">A multiple of 16.</param>
    /// <param name="signs">4 rounds of dimensions / 8 bytes; a set bit flips.</param>
    public Rotation(int dimensions, ReadOnlySpan<byte> signs)
    {
        Dimensions = dimensions;
        Signs = signs.ToArray();
        _window = 1 << BitOperations.Log2((uint)dimensions);
        float norm = 1 / MathF.Sqrt(_window);
        for (int round = 0; round < Rounds; round++)
        {
            float[] factors = new float[dimensions];
            int start = WindowStart(round);
            for (int i = 0; i < dimensions; i++)
            {
                bool flips = (signs[(round * dimensions / 8) + (i / 8)] >> (i % 8) & 1) != 0;
                float magnitude = i >= start && i < start + _window ? norm : 1;
                factors[i] = flips ? -magnitude : magnitude;
            }

            _factors[round] = factors;
        }
    }

    /// <summary>A multiple of 16.</summary>
    public int Dimensions { get; }

    /// <summary>The state: 4 rounds of dimensions / 8 bytes.</summary>
    public ReadOnlyMemory<byte> Signs { get; }

    /// <summary>Draws a rotation.</summary>
    public static Rotation Create(int dimensions, SeededRandom random)
    {
        byte[] signs = new byte[Rounds * dimensions / 8];
        for (int i = 0; i < signs.Length; i++)
            signs[i] = (byte)random.NextBits();
        return new Rotation(dimensions, signs);
    }

    /// <summary>Rotates in place.</summary>
    public void Apply<K>(Span<float> x) where K : struct, IKernels
    {
        for (int round = 0; round < Rounds; round++)
        {
            K.Multiply(x, _factors[round]);
            K.Hadamard(x.Slice(WindowStart(round), _window));
            if (_window != Dimensions)
                K.Butterfly(x[..(Dimensions / 2)], x[(Dimensions / 2)..]);
        }
    }

    private int WindowStart(int round) => round % 2 == 0 ? 0 : Dimensions - _window;
}

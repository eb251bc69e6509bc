using System.Runtime.InteropServices;
using VectorEngine.Kernels;

namespace VectorEngine.Tests.Kernels;

/// <summary>
/// The steps of the rotation: every set gives the scalar kernels' bits, so that an index does not depend on who built it.
/// </summary>
public sealed class TransformKernelTests : IDisposable
{
    private readonly GuardedMemory _x = new(8192 * 4 + 256), _y = new(8192 * 4 + 256);

    public void Dispose()
    {
        _x.Dispose();
        _y.Dispose();
    }

    [Fact]
    public void Hadamard_equals_scalar() => KernelCase.ForAll(9, [5], drawn =>
    {
        float[] values = KernelCase.Floats(drawn.Random, 16 << drawn.Size), expected = [.. values];
        ScalarKernels.Hadamard(expected);
        foreach (InstructionSet set in InstructionSets.Supported)
        {
            var action = new HadamardAction { X = _x.Last<float>(values, 4 * drawn.Trailing) };
            KernelDispatch.Run(set, ref action);
            AssertSameBits(set, expected, action.X);
        }
    });

    [Fact]
    public void Hadamard_twice_is_its_length_times_the_input()
    {
        float[] values = [.. Enumerable.Range(-64, 128)];
        foreach (InstructionSet set in InstructionSets.Supported)
        {
            var action = new HadamardAction { X = _x.Last<float>(values) };
            KernelDispatch.Run(set, ref action);
            Assert.Equal(values.Sum(), action.X[0]);
            KernelDispatch.Run(set, ref action);
            for (int i = 0; i < values.Length; i++)
                Assert.Equal(128 * values[i], action.X[i]);
        }
    }

    [Fact]
    public void Multiply_equals_scalar() => KernelCase.ForAll(24, [48, 512], drawn =>
    {
        Random random = drawn.Random;
        float[] values = KernelCase.Floats(random, 16 * drawn.Size), expected = [.. values];
        ReadOnlySpan<float> factors = _y.Last<float>(KernelCase.Floats(random, values.Length), random.Next(2) * 4 * drawn.Trailing);
        ScalarKernels.Multiply(expected, factors);
        foreach (InstructionSet set in InstructionSets.Supported)
        {
            var action = new MultiplyAction { X = _x.Last<float>(values, 4 * drawn.Trailing), Factors = factors };
            KernelDispatch.Run(set, ref action);
            AssertSameBits(set, expected, action.X);
        }
    });

    [Fact]
    public void Butterfly_equals_scalar() => KernelCase.ForAll(24, [48, 1024], drawn =>
    {
        Random random = drawn.Random;
        float[] x = KernelCase.Floats(random, 8 * drawn.Size), y = KernelCase.Floats(random, x.Length);
        float[] expectedX = [.. x], expectedY = [.. y];
        ScalarKernels.Butterfly(expectedX, expectedY);
        foreach (InstructionSet set in InstructionSets.Supported)
        {
            var action = new ButterflyAction { X = _x.Last<float>(x, 4 * drawn.Trailing), Y = _y.Last<float>(y) };
            KernelDispatch.Run(set, ref action);
            AssertSameBits(set, expectedX, action.X);
            AssertSameBits(set, expectedY, action.Y);
        }
    });

    private static void AssertSameBits(InstructionSet set, ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        int position = MemoryMarshal.Cast<float, uint>(expected).CommonPrefixLength(MemoryMarshal.Cast<float, uint>(actual));
        if (position < expected.Length)
            Assert.Fail($"{set}, length {expected.Length}: element {position} is {actual[position]:r}, not {expected[position]:r}.");
    }
}

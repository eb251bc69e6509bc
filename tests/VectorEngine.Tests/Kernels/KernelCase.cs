using FsCheck;
using FsCheck.Fluent;

namespace VectorEngine.Tests.Kernels;

/// <summary>What FsCheck draws for a kernel: a size, a start off the alignment, and the seed of the values.</summary>
/// <param name="Size">Length, or whatever the kernel counts in.</param>
/// <param name="Trailing">Elements between the operands and the forbidden page; 0 in half of the cases.</param>
/// <param name="Seed">Of the values.</param>
internal readonly record struct KernelCase(int Size, int Trailing, int Seed)
{
    public Random Random => new(Seed);

    /// <summary>
    /// Checks a property for sizes up to <paramref name="usual"/>, and now and then for those in <paramref name="rare"/>.
    /// </summary>
    public static void ForAll(int usual, int[] rare, Action<KernelCase> check)
    {
        Gen<int> sizes = Gen.Frequency((7, Gen.Choose(0, usual)), (1, Gen.Elements(rare)));
        Gen<int> trailing = Gen.Frequency((1, Gen.Constant(0)), (1, Gen.Choose(1, 31)));
        Gen<KernelCase> cases =
            from size in sizes
            from gap in trailing
            from seed in Gen.Choose(0, int.MaxValue)
            select new KernelCase(size, gap, seed);
        Prop.ForAll(Arb.From(cases, Shrink), check).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }

    /// <summary>Finite values of one of four kinds: around 1, of very different magnitudes, with many zeros, near the smallest.</summary>
    public static float[] Floats(Random random, int count)
    {
        int kind = random.Next(4);
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            float value = (2 * random.NextSingle()) - 1;
            values[i] = kind switch
            {
                0 => value,
                1 => value * MathF.Pow(2, random.Next(-40, 41)),
                2 => random.Next(3) == 0 ? value : random.Next(2) == 0 ? 0 : -0f,
                _ => value * 1e-22f,
            };
        }

        return values;
    }

    /// <summary>Finite float16 values of any magnitude.</summary>
    public static Half[] Halves(Random random, int count)
    {
        var values = new Half[count];
        for (int i = 0; i < count; i++)
        {
            do
                values[i] = BitConverter.UInt16BitsToHalf((ushort)random.Next(65536));
            while (!Half.IsFinite(values[i]));
        }

        return values;
    }

    private static IEnumerable<KernelCase> Shrink(KernelCase failing)
    {
        if (failing.Trailing > 0)
            yield return failing with { Trailing = 0 };
        for (int step = failing.Size; step > 0; step /= 2)
            yield return failing with { Size = failing.Size - step };
    }
}

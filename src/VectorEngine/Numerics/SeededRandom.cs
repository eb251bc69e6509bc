using System.Numerics;

namespace VectorEngine.Numerics;

/// <summary>
/// xoshiro256** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021), seeded by SplitMix64:
/// the same numbers on every platform and runtime, which System.Random does not promise.
/// </summary>
internal sealed class SeededRandom
{
    private ulong _a, _b, _c, _d;

    public SeededRandom(ulong seed)
    {
        _a = SplitMix(ref seed);
        _b = SplitMix(ref seed);
        _c = SplitMix(ref seed);
        _d = SplitMix(ref seed);
    }

    /// <summary>64 random bits.</summary>
    public ulong NextBits()
    {
        ulong result = BitOperations.RotateLeft(_b * 5, 7) * 9;
        ulong shifted = _b << 17;
        _c ^= _a;
        _d ^= _b;
        _b ^= _c;
        _a ^= _d;
        _c ^= shifted;
        _d = BitOperations.RotateLeft(_d, 45);
        return result;
    }

    /// <summary>A uniform integer from 0 to <paramref name="bound"/> - 1; biased by less than bound / 2^64.</summary>
    public int Next(int bound) => (int)Math.BigMul(NextBits(), (ulong)bound, out _);

    /// <inheritdoc cref="Next(int)"/>
    public long Next(long bound) => (long)Math.BigMul(NextBits(), (ulong)bound, out _);

    /// <summary><paramref name="count"/> distinct integers from 0 to <paramref name="bound"/> - 1, ascending (Floyd's method).</summary>
    public int[] Sample(int bound, int count) => Array.ConvertAll(Sample((long)bound, count), value => (int)value);

    /// <inheritdoc cref="Sample(int, int)"/>
    public long[] Sample(long bound, int count)
    {
        var chosen = new HashSet<long>(count);
        for (long i = bound - count; i < bound; i++)
        {
            if (!chosen.Add(Next(i + 1)))
                chosen.Add(i);
        }

        long[] sample = [.. chosen];
        Array.Sort(sample);
        return sample;
    }

    private static ulong SplitMix(ref ulong state)
    {
        ulong z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}

using System.Buffers.Binary;

namespace VectorEngine.Format;

/// <summary>
/// What a build has measured with some of its vectors as queries: how many lists, nearest first, hold which share of their true k nearest,
/// and how far from the query those lists are for what they hold (the slack, see <see cref="Clustering.ListReach"/>).
/// </summary>
internal sealed class RecallCurve
{
    /// <summary>Shares per level: step i is 1 - 2^(-i / 6), from none to 0.9993.</summary>
    public const int Steps = 64;

    private const int StepsPerHalving = 6, LevelLength = 8 + (8 * Steps);

    /// <summary>What was measured for one k.</summary>
    /// <param name="K">Nearest per query.</param>
    /// <param name="Lists">For each step, how many lists hold this share.</param>
    /// <param name="Slacks">For each step, the slack that this share does not exceed.</param>
    public sealed record Level(int K, float[] Lists, float[] Slacks);

    private readonly Level[] _levels;
    private readonly Level? _all;

    /// <param name="rows">Vectors of the segment.</param>
    /// <param name="lists">Its lists.</param>
    /// <param name="levels">By ascending k, below <paramref name="rows"/>; none where there were too few vectors.</param>
    public RecallCurve(int rows, int lists, params Level[] levels)
    {
        _levels = levels;
        // A share of all vectors takes that share of the lists, wherever the query is.
        if (levels.Length == 0)
            return;
        float[] shares = new float[Steps];
        for (int step = 0; step < Steps; step++)
            shares[step] = Math.Max(1, (float)(Share(step) * lists));
        _all = new Level(rows, shares, levels[^1].Slacks);
    }

    /// <summary>The share of a step.</summary>
    public static double Share(int step) => 1 - Math.Pow(2, -step / (double)StepsPerHalving);

    /// <summary>The lists that hold a share of the k nearest; infinite where that is beyond the measured.</summary>
    public double ListsFor(double k, double share)
    {
        (double lower, double upper, double weight) = At(k, share, static level => level.Lists);
        return lower * Math.Pow(upper / lower, weight);
    }

    /// <summary>The slack that a share of the k nearest does not exceed; infinite likewise.</summary>
    public double SlackFor(double k, double share)
    {
        (double lower, double upper, double weight) = At(k, share, static level => level.Slacks);
        return double.IsFinite(lower) ? ((1 - weight) * lower) + (weight * upper) : lower;
    }

    /// <summary>The share of the k nearest that so many lists hold.</summary>
    public double ShareIn(double k, int lists)
    {
        if (_levels.Length == 0)
            return 1;
        (Level lower, Level upper, double weight) = Between(k);
        return ((1 - weight) * ShareIn(lower, lists)) + (weight * ShareIn(upper, lists));
    }

    public byte[] ToBytes()
    {
        byte[] bytes = new byte[8 + (_levels.Length * LevelLength)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, _levels.Length);
        Span<byte> rest = bytes.AsSpan(8);
        foreach (Level level in _levels)
        {
            BinaryPrimitives.WriteInt32LittleEndian(rest, level.K);
            for (int step = 0; step < Steps; step++)
            {
                BinaryPrimitives.WriteSingleLittleEndian(rest[(8 + (4 * step))..], level.Lists[step]);
                BinaryPrimitives.WriteSingleLittleEndian(rest[(8 + (4 * (Steps + step)))..], level.Slacks[step]);
            }

            rest = rest[LevelLength..];
        }

        return bytes;
    }

    /// <summary>Reads and checks the section.</summary>
    /// <exception cref="CorruptDataException">A value is out of range or out of order.</exception>
    public static RecallCurve Read(Container root, SegmentDescription description)
    {
        ReadOnlySpan<byte> bytes = root.Section(SectionKind.RecallCurve).Span;
        int count = bytes.Length < 8 ? -1 : BinaryPrimitives.ReadInt32LittleEndian(bytes);
        if (count is < 0 or > 8 || bytes.Length != 8 + (count * LevelLength))
            throw root.Corrupt(SectionKind.RecallCurve, $"{count} levels in {bytes.Length} bytes");
        var levels = new Level[count];
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> level = bytes[(8 + (i * LevelLength))..];
            int k = BinaryPrimitives.ReadInt32LittleEndian(level);
            levels[i] = new Level(k, ReadSteps(level[8..]), ReadSteps(level[(8 + (4 * Steps))..]));
            bool isNext = k > (i == 0 ? 0 : levels[i - 1].K) && k < description.Count;
            if (!isNext || !IsAscending(levels[i].Lists) || levels[i].Lists[0] < 1 || !IsAscending(levels[i].Slacks))
                throw root.Corrupt(SectionKind.RecallCurve, $"level {i} is out of order");
        }

        return new RecallCurve(description.Count, description.ListCount, levels);
    }

    private static float[] ReadSteps(ReadOnlySpan<byte> bytes)
    {
        float[] steps = new float[Steps];
        for (int i = 0; i < Steps; i++)
            steps[i] = BinaryPrimitives.ReadSingleLittleEndian(bytes[(4 * i)..]);
        return steps;
    }

    private static bool IsAscending(float[] steps)
    {
        for (int i = 0; i < Steps; i++)
        {
            if (!float.IsFinite(steps[i]) || (i > 0 && steps[i] < steps[i - 1]))
                return false;
        }

        return true;
    }

    private static double ShareIn(Level level, int lists)
    {
        int step = 0;
        while (step < Steps && level.Lists[step] <= lists)
            step++;
        if (step == 0 || step == Steps)
            return step == 0 ? 0 : Share(Steps - 1);
        double within = (lists - level.Lists[step - 1]) / (level.Lists[step] - level.Lists[step - 1]);
        return ((1 - within) * Share(step - 1)) + (within * Share(step));
    }

    /// <summary>The values of a step in the levels around k, and the weight of the upper.</summary>
    private (double Lower, double Upper, double Weight) At(double k, double share, Func<Level, float[]> values)
    {
        double position = -Math.Log2(Math.Max(0, 1 - share)) * StepsPerHalving;
        // Rounding may leave the last step a little beyond itself.
        if (_levels.Length == 0 || position > Steps - 1 + 1e-6)
            return (double.PositiveInfinity, double.PositiveInfinity, 0);
        int step = (int)Math.Min(position, Steps - 2);
        double within = Math.Min(1, position - step);
        (Level lower, Level upper, double weight) = Between(k);
        return (AtStep(values(lower)), AtStep(values(upper)), weight);

        double AtStep(float[] steps) => ((1 - within) * steps[step]) + (within * steps[step + 1]);
    }

    /// <summary>The levels around k, and the weight of the upper, on a logarithmic scale.</summary>
    private (Level Lower, Level Upper, double Weight) Between(double k)
    {
        Level lower = _levels[0];
        foreach (Level level in _levels)
        {
            if (level.K >= k)
                return (lower, level, Weight(lower, level));
            lower = level;
        }

        return (lower, _all!, Weight(lower, _all!));

        double Weight(Level below, Level above) =>
            below.K < above.K ? Math.Clamp(Math.Log(k / below.K) / Math.Log(above.K / (double)below.K), 0, 1) : 0;
    }
}

using FsCheck;
using FsCheck.Fluent;
using VectorEngine.Loading;

namespace VectorEngine.Tests.Loading;

public sealed class RangePlanTests
{
    private const int Extents = 120;

    [Fact]
    public void All_extents_are_covered_and_the_smallest_gaps_closed_first() =>
        Prop.ForAll(Gen.Choose(0, 1 << 30).ToArbitrary(), seed =>
        {
            var random = new Random(seed);
            (long Offset, int Length)[] layout = Layout(random, 2000);
            int[] wanted = [.. Enumerable.Range(0, Extents).Where(_ => random.Next(3) == 0)];
            var limits = new RangeLimits(random.Next(1, 30), random.Next(500), random.NextDouble());
            List<(int First, int Last)> plan = Plan(wanted, layout, limits);

            // Each wanted extent in one range, the ranges ascending, from a wanted extent to a wanted one.
            Assert.Equal(wanted, plan.SelectMany(range => wanted.Where(extent => extent >= range.First && extent <= range.Last)));
            Assert.All(plan, range => Assert.True(wanted.Contains(range.First) && wanted.Contains(range.Last)));

            var gaps = wanted.Zip(wanted.Skip(1), (a, b) => (
                Bytes: layout[b].Offset - layout[a].Offset - layout[a].Length,
                Closed: plan.Any(range => range.First <= a && range.Last >= b))).ToArray();
            long closed = gaps.Where(gap => gap.Closed).Sum(gap => gap.Bytes);
            long allowed = (long)(wanted.Sum(extent => (long)layout[extent].Length) * limits.GapShare);
            Assert.True(closed <= allowed);
            long longest = gaps.Where(gap => gap.Closed).Select(gap => gap.Bytes).DefaultIfEmpty(0).Max();
            long shortest = gaps.Where(gap => !gap.Closed).Select(gap => gap.Bytes).DefaultIfEmpty(long.MaxValue).Min();
            Assert.True(longest <= shortest);
            // No more requests than are few enough, unless the bytes are spent; no fewer but for short gaps.
            if (plan.Count > limits.FewRequests || shortest <= limits.ShortGap)
                Assert.True(closed + shortest > allowed || shortest == long.MaxValue);
            if (longest > limits.ShortGap)
                Assert.True(plan.Count >= limits.FewRequests);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Ranges_are_not_longer_than_is_good_though_there_be_no_gaps()
    {
        (long Offset, int Length)[] layout = [.. Enumerable.Range(0, 50).Select(i => (100 + (i * 300_000L), 300_000))];
        List<(int First, int Last)> plan = Plan([.. Enumerable.Range(0, 50)], layout, RangeLimits.Lists);
        Assert.All(plan, range => Assert.True((range.Last - range.First + 1) * 300_000 <= RangePlan.MaxJoined));
        Assert.Equal(50, plan.Sum(range => range.Last - range.First + 1));
        Assert.Equal(9, plan.Count);
    }

    [Fact]
    public void An_extent_that_is_longer_than_that_is_a_range_of_its_own()
    {
        List<(int First, int Last)> plan = Plan([0, 1, 2], [(0, 10), (10, 5 << 20), (10 + (5 << 20), 10)], RangeLimits.Lists);
        Assert.Equal([(0, 0), (1, 1), (2, 2)], plan);
    }

    [Fact]
    public void Nothing_takes_no_range() => Assert.Empty(Plan([], Layout(new Random(1), 10), RangeLimits.Rows));

    private static List<(int First, int Last)> Plan(int[] wanted, (long Offset, int Length)[] layout, in RangeLimits limits)
    {
        List<(int First, int Last)> plan = [(5, 7)]; // what is there is replaced
        RangePlan.Make(wanted, extent => layout[extent], limits, plan);
        return plan;
    }

    private static (long Offset, int Length)[] Layout(Random random, int longest)
    {
        var layout = new (long Offset, int Length)[Extents];
        long end = random.Next(100);
        for (int i = 0; i < Extents; i++)
        {
            layout[i] = (end + (random.Next(2) * random.Next(200)), random.Next(longest));
            end = layout[i].Offset + layout[i].Length;
        }

        return layout;
    }
}

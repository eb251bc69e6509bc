using VectorEngine.Input;
using VectorEngine.Storage;
using VectorEngine.Tests.Storage;
using VectorEngine.Tests.TestData;

namespace VectorEngine.Tests.Building;

/// <summary>What builds take and tell, measured while no other test runs.</summary>
[Collection(nameof(AloneCollection))]
public sealed class SmallBuildTests
{
    [Theory]
    [InlineData(null)]
    [InlineData(16)]
    public async Task A_small_build_takes_little_memory(int? clusters)
    {
        VectorMatrix vectors = GeneratedVectors.Normal(1000, 16, 1);
        using var scratch = new TemporaryFolder();
        var options = new VectorIndexOptions { ClusterCount = clusters, ScratchFolder = scratch.Path };
        await VectorIndexBuilder.BuildAsync(new MemoryObjectStore(), "a", vectors, options);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        await VectorIndexBuilder.BuildAsync(new MemoryObjectStore(), "a", vectors, options);
        long allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        Assert.InRange(allocated, 1, 20 << 20);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Progress_grows_and_tells_how_long_it_will_take(bool isCounted)
    {
        VectorMatrix vectors = GeneratedVectors.Normal(150_000, 2, 1);
        VectorSource source = isCounted
            ? VectorSource.FromMatrix(vectors)
            : VectorSource.FromBatches(new[] { new VectorBatch(vectors) }.ToAsyncEnumerable());
        var reports = new List<BuildProgress>();
        await VectorIndexBuilder.BuildAsync(
            new MemoryObjectStore(), "a", source, new VectorIndexOptions { ClusterCount = 1200 }, new Listener(reports));
        Assert.Equal(Enum.GetValues<BuildPhase>(), reports.Select(report => report.Phase).Distinct());
        foreach (IGrouping<BuildPhase, BuildProgress> phase in reports.GroupBy(report => report.Phase))
        {
            BuildProgress[] steps = [.. phase];
            Assert.Equal((0, (TimeSpan?)null), (steps[0].Fraction, steps[0].Remaining));
            Assert.Equal(steps.Select(step => step.Fraction).Order(), steps.Select(step => step.Fraction));
            bool counts = phase.Key is BuildPhase.Encoding or BuildPhase.Writing || (phase.Key == BuildPhase.Reading && isCounted);
            if (counts)
                Assert.Equal((1, TimeSpan.Zero), (steps[^1].Fraction, steps[^1].Remaining));
            else if (phase.Key == BuildPhase.Reading)
                Assert.All(steps, step => Assert.Equal((0, (TimeSpan?)null), (step.Fraction, step.Remaining)));
            foreach (BuildProgress step in steps.Skip(1))
            {
                Assert.InRange(step.Fraction, 0, 1);
                Assert.Equal(phase.Key is BuildPhase.Training or BuildPhase.Publishing, step.VectorsPerSecond is null);
                Assert.True(step.VectorsPerSecond is null or (> 1 and < 1e10), $"{step}");
                Assert.True(step.Remaining is null || step.Remaining >= TimeSpan.Zero, $"{step}");
            }
        }
    }

    private sealed class Listener(List<BuildProgress> reports) : IProgress<BuildProgress>
    {
        public void Report(BuildProgress value) => reports.Add(value);
    }
}

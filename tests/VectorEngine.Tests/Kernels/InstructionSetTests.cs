using VectorEngine.Kernels;

namespace VectorEngine.Tests.Kernels;

public sealed class InstructionSetTests
{
    private const string Expectation = "VECTORENGINE_EXPECT_ISA";

    /// <summary>
    /// A build server names the set that its run is meant to test; otherwise a missing instruction set would pass unnoticed.
    /// </summary>
    [Fact]
    public void The_expected_set_is_selected()
    {
        string? expected = Environment.GetEnvironmentVariable(Expectation);
        if (!string.IsNullOrEmpty(expected))
            Assert.Equal(expected, KernelDispatch.Selected.ToString(), ignoreCase: true);
    }

    [Fact]
    public void The_variable_forces_the_selected_set() =>
        Assert.Equal(InstructionSets.Select(Environment.GetEnvironmentVariable(InstructionSets.Variable)), KernelDispatch.Selected);

    [Fact]
    public void Every_supported_set_can_be_forced_by_name()
    {
        foreach (InstructionSet set in InstructionSets.Supported)
        {
            Assert.Equal(set, InstructionSets.Select(set.ToString()));
            Assert.Equal(set, InstructionSets.Select(set.ToString().ToLowerInvariant()));
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void Nothing_forced_selects_the_best(string? forced) =>
        Assert.Equal(InstructionSets.Supported[0], InstructionSets.Select(forced));

    [Theory]
    [InlineData("Altivec")]
    [InlineData("1")]
    public void Unknown_sets_are_rejected(string forced)
    {
        var exception = Assert.Throws<PlatformNotSupportedException>(() => InstructionSets.Select(forced));
        Assert.Contains(forced, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_sets_are_rejected()
    {
        foreach (InstructionSet set in Enum.GetValues<InstructionSet>().Except(InstructionSets.Supported))
            Assert.Throws<PlatformNotSupportedException>(() => InstructionSets.Select(set.ToString()));
    }

    [Fact]
    public void The_scalar_specification_is_always_there() => Assert.Contains(InstructionSet.Scalar, InstructionSets.Supported);

    [Fact]
    public void Every_set_has_its_own_kernels()
    {
        foreach (InstructionSet set in Enum.GetValues<InstructionSet>())
        {
            var action = default(NameAction);
            KernelDispatch.Run(set, ref action);
            Assert.Equal($"{set}Kernels", action.Name);
        }
    }
}

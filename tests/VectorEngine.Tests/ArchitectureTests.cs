using VectorEngine.Tests.Architecture;

namespace VectorEngine.Tests;

/// <summary>The layers of the engine, checked in its own metadata: a folder uses only folders of a lower level.</summary>
public sealed class ArchitectureTests
{
    private const string SampleRoot = "VectorEngine.Tests.Architecture.Sample";

    private static readonly Dictionary<string, int> EngineLevels = new()
    {
        [""] = 6,
        ["Building"] = 5,
        ["Search"] = 5,
        ["Filtering"] = 4,
        ["Input"] = 4,
        ["Publishing"] = 4,
        ["Loading"] = 4,
        ["Format"] = 3,
        ["Storage"] = 3,
        ["Arrow"] = 2,
        ["Clustering"] = 2,
        ["Quantization"] = 2,
        ["Kernels"] = 1,
        ["Numerics"] = 0,
        ["Telemetry"] = 0,
    };

    private static readonly Dictionary<string, int> SampleLevels = new() { [""] = 2, ["High"] = 1, ["Low"] = 0, ["Guilty"] = 0 };

    private static readonly Lazy<IReadOnlyCollection<TypeReference>> ThisAssembly =
        new(() => TypeReferences.In(typeof(ArchitectureTests).Assembly.Location));

    /// <summary>Each type of this namespace breaks the rule in one way, which its name says.</summary>
    public static TheoryData<string> GuiltyTypes =>
        [.. typeof(ArchitectureTests).Assembly.GetTypes()
            .Where(t => t.Namespace == $"{SampleRoot}.Guilty" && !t.IsNested).Select(t => t.Name)];

    [Fact]
    public void References_in_the_engine_point_down()
    {
        IReadOnlyCollection<TypeReference> references = TypeReferences.In(typeof(Metric).Assembly.Location);
        Assert.Contains(references, r => r.From.Name == "FileObjectStore" && r.To.Name == "FolderLock");   // it did look

        IReadOnlyList<string> violations = new LayerRules("VectorEngine", EngineLevels).Violations(references);
        Assert.True(violations.Count == 0, "A folder may use only folders of a lower level:\n" + string.Join('\n', violations));
    }

    [Theory]
    [MemberData(nameof(GuiltyTypes))]
    public void The_checker_finds(string type) =>
        Assert.Contains(
            SampleViolations(SampleLevels), v => v.StartsWith($"{SampleRoot}.Guilty.{type} (0) uses ", StringComparison.Ordinal));

    [Fact]
    public void The_checker_finds_nothing_else() =>
        Assert.All(SampleViolations(SampleLevels), v => Assert.StartsWith($"{SampleRoot}.Guilty.", v, StringComparison.Ordinal));

    [Fact]
    public void The_checker_says_who_uses_what_and_where() =>
        Assert.Contains(
            $"{SampleRoot}.Guilty.Construction (0) uses {SampleRoot}.High.Class (1) in Make().", SampleViolations(SampleLevels));

    [Fact]
    public void Under_wrong_levels_the_innocent_are_guilty()
    {
        Dictionary<string, int> swapped = new(SampleLevels) { ["High"] = 0, ["Low"] = 1 };
        Assert.Contains(
            $"{SampleRoot}.High.Innocent (0) uses {SampleRoot}.Low.Class (1) in Below().", SampleViolations(swapped));
    }

    [Fact]
    public void A_namespace_without_a_level_is_reported()
    {
        Dictionary<string, int> incomplete = new(SampleLevels);
        incomplete.Remove("High");
        Assert.Contains($"{SampleRoot}.High has no level.", SampleViolations(incomplete));
    }

    private static IReadOnlyList<string> SampleViolations(Dictionary<string, int> levels) =>
        new LayerRules(SampleRoot, levels).Violations(ThisAssembly.Value);
}

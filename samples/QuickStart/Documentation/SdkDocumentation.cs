using System.Runtime.InteropServices;

namespace QuickStart.Documentation;

/// <summary>The XML documentation files that a .NET SDK carries in its reference packs, and the versions that they belong to.</summary>
/// <param name="Stamp">Names every pack with its version: changes whenever the files do.</param>
/// <param name="Files">The files, the base class library's first.</param>
internal sealed record SdkDocumentation(string Stamp, IReadOnlyList<string> Files)
{
    private const string BasePack = "Microsoft.NETCore.App.Ref";

    /// <summary>Finds the newest of each pack under the SDK that runs this program, or under DOTNET_ROOT.</summary>
    /// <exception cref="DirectoryNotFoundException">No SDK with documentation was found.</exception>
    public static SdkDocumentation Find()
    {
        // The runtime lies in ROOT/shared/Microsoft.NETCore.App/VERSION/.
        string runtimeRoot = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        string?[] roots = [runtimeRoot, Environment.GetEnvironmentVariable("DOTNET_ROOT")];

        return roots.OfType<string>().Select(TryRead).FirstOrDefault(found => found is not null)
            ?? throw new DirectoryNotFoundException(
                $"No .NET API documentation: neither {runtimeRoot} nor DOTNET_ROOT has packs/{BasePack}/*/ref/*/*.xml. "
                + "Install a .NET SDK (https://dot.net/download), or set DOTNET_ROOT to the folder of one that you have.");
    }

    private static SdkDocumentation? TryRead(string root)
    {
        string packs = Path.Combine(root, "packs");
        if (!Directory.Exists(Path.Combine(packs, BasePack))) return null;

        // Packs repeat assemblies of the base pack: the first file of a name stands for all.
        DirectoryInfo[] versions = [.. Directory.EnumerateDirectories(packs, "Microsoft.*.App.Ref")
            .OrderByDescending(pack => Path.GetFileName(pack) == BasePack).ThenBy(pack => pack, StringComparer.Ordinal)
            .Select(NewestVersion).OfType<DirectoryInfo>()];
        string[] files = [.. versions
            .SelectMany(version => version.EnumerateFiles("*.xml", SearchOption.AllDirectories)
                .OrderBy(file => file.Name, StringComparer.Ordinal))
            .Where(file => file.Directory!.Parent!.Name == "ref")   // VERSION/ref/net10.0/NAME.xml
            .DistinctBy(file => file.Name)
            .Select(file => file.FullName)];
        return files.Length == 0
            ? null
            : new SdkDocumentation(string.Join(", ", versions.Select(version => $"{version.Parent!.Name} {version.Name}")), files);
    }

    private static DirectoryInfo? NewestVersion(string pack) => new DirectoryInfo(pack).EnumerateDirectories()
        .MaxBy(folder => Version.TryParse(folder.Name.Split('-')[0], out Version? version) ? version : new Version());
}

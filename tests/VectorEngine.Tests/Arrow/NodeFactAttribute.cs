using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace VectorEngine.Tests.Arrow;

/// <summary>
/// A test against npm's apache-arrow. It needs <c>node</c> and, in <c>VECTORENGINE_ARROW_JS</c>, the folder where
/// <c>tests/arrow-interop/package.json</c> was installed; without them it is reported as skipped, with the reason.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NodeFactAttribute : FactAttribute
{
    public NodeFactAttribute() => Skip = Node.WhyMissing;
}

/// <summary>As <see cref="NodeFactAttribute"/>, once for each set of arguments.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NodeTheoryAttribute : TheoryAttribute
{
    public NodeTheoryAttribute() => Skip = Node.WhyMissing;
}

/// <summary>Runs <c>tests/arrow-interop/interop.mjs</c>.</summary>
internal static class Node
{
    private const string Variable = "VECTORENGINE_ARROW_JS";

    /// <summary>Why the script cannot run here, or null if it can.</summary>
    public static string? WhyMissing { get; } = FindWhyMissing();

    /// <summary>Runs one command of the script on a file and returns what it printed.</summary>
    public static async Task<string> RunAsync(string command, string path, string count = "")
    {
        var start = new ProcessStartInfo("node", [ScriptPath(), command, path, count])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await errors);
        return await output;
    }

    private static string? FindWhyMissing()
    {
        string? folder = Environment.GetEnvironmentVariable(Variable);
        if (string.IsNullOrEmpty(folder))
            return $"{Variable} does not name a folder where tests/arrow-interop/package.json is installed.";
        if (!Directory.Exists(Path.Combine(folder, "node_modules", "apache-arrow")))
            return $"{Variable} names '{folder}', where apache-arrow is not installed.";
        bool onPath = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Any(directory => File.Exists(Path.Combine(directory, OperatingSystem.IsWindows() ? "node.exe" : "node")));
        return onPath ? null : "node is not on the path.";
    }

    private static string ScriptPath([CallerFilePath] string thisFile = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(thisFile)!, "..", "..", "arrow-interop", "interop.mjs"));
}

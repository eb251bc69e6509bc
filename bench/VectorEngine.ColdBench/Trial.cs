using System.CommandLine;
using System.Diagnostics;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace VectorEngine.ColdBench;

/// <summary>What is measured in a process of its own, which gets it as JSON.</summary>
[JsonDerivedType(typeof(ColdTrial), "cold")]
[JsonDerivedType(typeof(WarmTrial), "warm")]
[JsonDerivedType(typeof(MemoryTrial), "memory")]
internal abstract record Trial
{
    public required StoreSettings Store { get; init; }

    public required float[][] Queries { get; init; }

    public required int K { get; init; }

    public required int? Probes { get; init; }

    /// <summary>The trial in this process: its answer as JSON.</summary>
    protected abstract Task<string> MeasureAsync();

    /// <summary>The hidden command that such a process runs.</summary>
    public static Command CreateCommand()
    {
        var command = new Command("trial", "Measures what the standard input says, for another command.") { Hidden = true };
        command.SetAction(async (_, _) =>
        {
            var trial = JsonSerializer.Deserialize(await Console.In.ReadToEndAsync(), BenchJson.Default.Trial)!;
            Console.WriteLine(await trial.MeasureAsync());
        });
        return command;
    }

    /// <summary>Measures in a new process.</summary>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    protected async Task<string> RunAsync(CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
            start.ArgumentList.Add(Assembly.GetExecutingAssembly().Location);
        start.ArgumentList.Add("trial");
        using Process process = Process.Start(start)!;
        try
        {
            await process.StandardInput.WriteAsync(JsonSerializer.Serialize(this, BenchJson.Default.Trial).AsMemory(), cancellationToken);
            process.StandardInput.Close();
            string answer = await process.StandardOutput.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return process.ExitCode == 0 ? answer : throw new InvalidOperationException($"A trial failed: {process.ExitCode}.");
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Trial))]
[JsonSerializable(typeof(ColdReport))]
[JsonSerializable(typeof(ColdAnswer))]
[JsonSerializable(typeof(WarmReport))]
[JsonSerializable(typeof(WarmAnswer))]
[JsonSerializable(typeof(MemoryAnswer))]
internal sealed partial class BenchJson : JsonSerializerContext;

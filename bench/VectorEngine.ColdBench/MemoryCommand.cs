using System.CommandLine;

namespace VectorEngine.ColdBench;

/// <summary>Measures the memory of a session that answers many cold queries.</summary>
internal static class MemoryCommand
{
    public static Command Create()
    {
        var count = new Option<int>("--count") { DefaultValueFactory = _ => 100, Description = "Queries that the session answers." };
        var budget = new Option<long?>("--budget") { Description = "MB that the index may keep; the engine's own choice if left out." };
        var command = new Command("memory", "Measures the memory of a new process that answers different queries.") { count, budget };
        var options = new TrialOptions(command, starts: 1);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            TrialSettings settings = await options.ReadAsync(parsed, cancellationToken);
            for (int start = 0; start < settings.Starts; start++)
            {
                var trial = new MemoryTrial
                {
                    Store = settings.Store, Queries = [.. Enumerable.Range(0, parsed.GetValue(count)).Select(settings.Query)],
                    K = settings.K, Probes = settings.Probes, MemoryBudget = parsed.GetValue(budget) * 1_000_000,
                };
                Print(await trial.RunAsync(cancellationToken));
            }
        });
        return command;
    }

    private static void Print(MemoryAnswer answer)
    {
        Console.WriteLine(
            $"resident MB: before opening {answer.Before.Resident / 1e6:f1}, opened {answer.Opened.Resident / 1e6:f1}, after the queries {
                answer.After.Resident / 1e6:f1} ({(answer.After.Resident - answer.Before.Resident) / 1e6:f1} more), at most {
                answer.After.Peak / 1e6:f1} ({(answer.After.Peak - answer.Before.Resident) / 1e6:f1} more)");
        Console.WriteLine(
            $"managed heap MB: before opening {answer.Before.Heap / 1e6:f1}, opened {answer.Opened.Heap / 1e6:f1}, after the queries {
                answer.After.Heap / 1e6:f1}; the index keeps {answer.IndexResident / 1e6:f1}");
        Console.WriteLine(
            $"root {answer.RootBytes:n0} bytes, {(double)answer.RootBytes / answer.SignBytes:p2} of the 1-bit layer's {
                answer.SignBytes:n0}");
    }
}

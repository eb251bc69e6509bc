namespace VectorEngine.Fuzz.Kill;

/// <summary>
/// The process that is killed: builds a version and tells how far it is. Lines on standard output: "start", "phase NAME", "done".
/// </summary>
internal static class KillWorker
{
    public const string Start = "start", Phase = "phase", Done = "done";

    public static async Task<int> RunAsync(BuildJob job, int version)
    {
        BuildInput input = job.Prepare(version);
        Console.WriteLine(Start);
        await job.BuildAsync(input, new PhaseLines());
        Console.WriteLine(Done);
        return 0;
    }

    /// <summary>Prints each phase when it begins, before the build goes on.</summary>
    private sealed class PhaseLines : IProgress<BuildProgress>
    {
        private readonly Lock _printing = new();
        private BuildPhase? _last;

        public void Report(BuildProgress value)
        {
            lock (_printing)
            {
                if (_last == value.Phase)
                    return;
                _last = value.Phase;
                Console.WriteLine($"{Phase} {value.Phase}");
            }
        }
    }
}
